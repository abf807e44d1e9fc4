"""Claims about one trial's hyperparameters."""

import pytest

from hypertuning.config import Config, UserError, parse_config


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate": -0.1}, "`learning_rate` must be greater than 0, got -0.1"),
        ({"model": "resnet"}, "`model` must be 'nn', 'resnn' or 'cnn', got 'resnet'"),
        ({"momentum": 0.5}, "`momentum` (=0.5) needs `optimizer` 'sgd'"),
        (
            {"kernel_size": 5, "padding": 0, "num_conv_layers": 4},
            "kernel_size 5 with padding 0 leaves no pixels after conv layer 3 of 4 "
            "(32 → 14 → 5 → 0); use padding ≥ 2 or fewer layers",
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


def test_momentum_is_there_only_under_sgd():
    assert "momentum" not in Config(optimizer="adamw").hyperparameters()
    assert Config(optimizer="sgd").hyperparameters()["momentum"] == 0.9


def test_a_network_without_convolutions_has_no_parameters_of_them():
    assert "filters" not in Config(model="nn").hyperparameters()


def test_what_is_logged_describes_the_same_trial():
    config = Config(model="resnn", optimizer="sgd", momentum=0.5, dropout=0.1)
    assert Config(**config.hyperparameters()) == config
