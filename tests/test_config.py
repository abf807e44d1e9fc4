"""Claims about one trial's hyperparameters."""

import pytest
import torch

from hypertuning.config import (
    ONLY,
    Config,
    UserError,
    acts,
    differing,
    parse_config,
    parse_value,
)
from hypertuning.learn.models import architecture
from hypertuning.learn.networks import network


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate": -0.1}, "`learning_rate` must be greater than 0, got -0.1"),
        ({"model": "resnet"}, "`model` must be 'nn', 'resnn' or 'cnn', got 'resnet'"),
        ({"momentum": 0.5}, "`momentum` (=0.5) needs `optimizer` 'sgd' or 'muon'"),
        (
            {"kernel_size": 5, "padding": 0, "num_conv_layers": 4},
            "kernel_size 5 with padding 0 leaves no pixels after conv layer 3 of 4 "
            "(32 → 14 → 5 → 0); use padding ≥ 2 or fewer layers",
        ),
        (
            {"kernel_size": 4, "padding": 1, "convs_per_block": 3, "whitening": True},
            "kernel_size 4 with padding 1 leaves no pixels after conv layer 3 of 3 "
            "(31 → 13 → 4 → 0); use padding ≥ 2 or fewer layers",
        ),
        (
            {"batch_norm": True, "num_conv_layers": 5, "batch_size": 2},
            "`batch_norm` needs a `batch_size` of at least 3 where the 5 conv layers leave one "
            "pixel, got 2",
        ),
    ],
)
def test_a_configuration_that_cannot_be_trained_is_refused_in_one_line(given, message):
    with pytest.raises(UserError) as refused:
        parse_config(given)
    assert str(refused.value) == message


def test_an_unknown_name_is_refused_with_those_that_there_are():
    with pytest.raises(
        UserError, match=r"`filter` is not a hyperparameter; there are model, .*filters"
    ):
        parse_config({"filter": 3})


@pytest.mark.parametrize(("kernel_size", "padding"), [(1, 0), (2, 1), (3, 1), (5, 2)])
def test_padding_follows_the_kernel_unless_given(kernel_size, padding):
    assert Config(kernel_size=kernel_size).padding == padding
    assert Config(kernel_size=kernel_size, padding=3).padding == 3


@pytest.mark.parametrize("given", [{"filters": 10**9}, {"hidden_size": 10**7}])
def test_a_network_beyond_all_memory_is_refused(given):
    with pytest.raises(UserError, match=r"the network would have .* weights, and 2.1e\+09 are the"):
        parse_config(given)


def test_momentum_is_there_only_under_sgd_and_muon():
    assert "momentum" not in Config(optimizer="adamw").hyperparameters()
    for optimizer in ("sgd", "muon"):
        assert Config(optimizer=optimizer).hyperparameters()["momentum"] == 0.9


def test_a_network_without_convolutions_has_no_parameters_of_them():
    assert "filters" not in Config(model="nn").hyperparameters()


def test_a_rule_names_values_that_the_other_parameter_can_have():
    for rule in ONLY.values():
        assert all(parse_value(rule.parameter, value) == value for value in rule.values)
        assert acts(rule.parameter, {}), "it acts everywhere itself"


def test_a_head_without_hidden_layers_has_no_parameters_of_them():
    one = Config(num_fully_connected_layers=1, hidden_size=8, dropout=0.5).hyperparameters()
    assert not {"hidden_size", "dropout"} & one.keys()
    assert {"hidden_size", "dropout"} <= Config().hyperparameters().keys()


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (
            {"model": "nn", "filters": 3, "kernel_size": 5, "padding": 1, "batch_norm": True},
            {"model": "nn"},
        ),
        (
            {"norm_bias_only": True, "norm_momentum": 0.5, "crop_pixels": 2, "lr_end": 0.5},
            {},
        ),
        (
            {"model": "nn", "batch_norm": True, "norm_bias_only": True, "whitening": True},
            {"model": "nn"},
        ),
        (
            {"num_fully_connected_layers": 1, "hidden_size": 3, "dropout": 0.3},
            {"num_fully_connected_layers": 1},
        ),
    ],
)
def test_what_is_said_not_to_act_changes_no_weight(other, same):
    with torch.device("meta"):
        built = [network(architecture(Config(**given), 10)) for given in (other, same)]
    shapes = [{name: p.shape for name, p in model.named_parameters()} for model in built]
    assert shapes[0] == shapes[1]
    assert Config(**other).hyperparameters() == Config(**same).hyperparameters()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"filters": "64"}, "`filters` must be a whole number, got '64'"),
        ({"filters": 64.0}, "`filters` must be a whole number, got 64.0"),
        ({"batch_norm": 1}, "`batch_norm` must be true or false, got 1"),
        ({"seed": True}, "`seed` must be a whole number, got True"),
    ],
)
def test_the_values_of_a_file_are_not_converted_while_those_of_a_record_are(given, message):
    assert parse_config(given)
    with pytest.raises(UserError) as refused:
        parse_config(given, strict=True)
    assert str(refused.value) == message


@pytest.mark.parametrize("name", ["learning_rate", "weight_decay", "dropout"])
@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_numbers_are_finite(name, value):
    with pytest.raises(UserError, match=f"`{name}` must be .*, got (inf|nan)"):
        parse_config({name: value})


def test_what_is_logged_describes_the_same_trial():
    config = Config(model="resnn", optimizer="sgd", momentum=0.5, dropout=0.1)
    assert Config(**config.hyperparameters()) == config


def test_what_is_at_its_default_wherever_it_acts_is_no_difference():
    plain = [Config(model="nn"), Config()]
    assert differing(plain) == {"model": True}
    assert differing([*plain, Config(filters=32)]) == {"model": True, "filters": False}
    assert differing([Config(model="nn"), Config(filters=32)]) == {"model": True, "filters": False}
