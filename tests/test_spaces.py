"""Claims about search spaces."""

import numpy as np
import pytest

from hypertuning import spaces
from hypertuning.config import DISPLAY, Config, UserError
from hypertuning.domains import Choice, Float, Integer
from hypertuning.geometry import widths
from hypertuning.spaces import conditions, describe, grid, idle, sample, searched, settle


def draws(space, count=400):
    return [sample(space, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("log", [False, True])
def test_both_ends_of_an_integer_range_are_drawn(log):
    values = {d["kernel_size"] for d in draws({"kernel_size": Integer(2, 4, log)})}
    assert values == {2, 3, 4}


def test_the_hyperband_stage_tries_kernel_3_and_padding_1():
    drawn = draws(spaces.HYPERBAND)
    assert {d["kernel_size"] for d in drawn} == {2, 3}
    assert {d["padding"] for d in drawn} == {0, 1}
    assert all(254 <= d["hidden_size"] <= 512 and 100 <= d["filters"] <= 200 for d in drawn)


def test_a_logarithmic_range_is_uniform_in_the_exponent():
    values = [d["learning_rate"] for d in draws({"learning_rate": Float(1e-4, 1e-2, log=True)})]
    assert 0.4 < np.mean(np.array(values) < 1e-3) < 0.6


def test_momentum_is_drawn_only_under_sgd_and_whether_it_is_changes_no_other_draw():
    always = {**spaces.BOHB, "momentum": Float(0.5, 0.99)}
    for drawn, with_momentum in zip(draws(spaces.BOHB, 50), draws(always, 50), strict=True):
        assert ("momentum" in drawn) == (drawn["optimizer"] == "sgd")
        assert drawn.items() <= with_momentum.items()


@pytest.mark.parametrize("space", [spaces.HYPERBAND, *spaces.FAMILIES.values()])
def test_every_draw_of_a_stage_can_be_trained(space):
    assert all(Config(**drawn) for drawn in draws(space))


def test_the_grid_is_every_combination_once():
    configs = [tuple(c.items()) for c in grid(spaces.GRID)]
    assert len(set(configs)) == len(configs) == 2 * 3 * 3 * 2
    assert all(Config(**dict(c)) for c in configs)


def test_what_figures_show_on_a_logarithmic_scale_is_searched_on_one():
    for space in spaces.FAMILIES.values():
        for name, domain in searched(space).items():
            assert not DISPLAY[name].log or domain.log


def test_a_family_has_an_augmentation_and_no_layer_of_more_than_two_hundred_filters():
    assert spaces.FAMILIES.keys() == spaces.AUGMENT.keys()
    for name, space in spaces.FAMILIES.items():
        assert idle(space, {"augment": spaces.AUGMENT[name]}) == {}
        assert len(searched(space)) <= 8
        assert max(max(widths(Config(**drawn))) for drawn in draws(space)) <= 200


def test_a_choice_that_is_offered_twice_is_refused():
    with pytest.raises(UserError, match=r"must not offer a value twice, got \[64, 64.0\]"):
        Choice((64, 64.0))


@pytest.mark.parametrize(
    ("parent", "when", "searched_there"),
    [
        (Integer(2, 3), 3, True),
        (Integer(4, 5), 3, False),
        (Choice((2, 3)), 3, True),
        (3, 3, True),
        (2, 3, False),
        (None, 3, True),  # its default
        (None, 5, False),
    ],
)
def test_a_condition_that_is_decided_beforehand_is_settled(parent, when, searched_there):
    space = {"padding": Integer(0, 1, when=("kernel_size", when))}
    given = space if parent is None else {"kernel_size": parent, **space}
    assert ("padding" in settle(given, {})) == searched_there


def test_a_condition_on_an_option_of_the_stage_is_settled_by_it():
    space = {"dropout": Float(0, 0.5, when=("augment", "crop_flip"))}
    assert settle(space, {"augment": "crop_flip"}) == {"dropout": Float(0, 0.5)}
    assert settle(space, {"augment": "none"}) == {}


def test_a_space_is_described_in_words_in_the_order_of_its_names():
    space = {
        "optimizer": Choice(("adamw", "sgd")),
        "learning_rate": Float(1e-4, 3e-2, log=True),
        "momentum": Float(0.5, 0.99, when=("optimizer", "sgd")),
        "augment": "none",
    }
    assert list(describe(space).items()) == [
        ("augment", "none"),
        ("learning_rate", "0.0001–0.03, log"),
        ("momentum", "0.5–0.99 if optimizer is sgd"),
        ("optimizer", "adamw, sgd"),
    ]


@pytest.mark.parametrize(
    ("space", "never"),
    [
        ({"model": "nn", **spaces.BOHB}, {"filters"}),
        (
            {"model": Choice(("nn", "resnn")), **spaces.HYPERBAND},
            {"filters", "kernel_size", "padding"},
        ),
        ({"num_fully_connected_layers": 1, **spaces.BOHB}, {"dropout", "hidden_size"}),
        ({**spaces.BOHB, "optimizer": "adamw"}, {"momentum"}),
        ({"dropout": Float(0, 0.5), "momentum": Float(0.5, 0.9)}, {"momentum"}),
        ({"dropout": Float(0, 0.5), "filters": Integer(3, 9, when=("dropout", 0.2))}, {"filters"}),
        # what depends on what never acts does not act either
        (
            {
                "model": "nn",
                "hidden_size": Integer(8, 64, when=("filters", 32)),
                "filters": Choice((32, 64)),
            },
            {"filters", "hidden_size"},
        ),
    ],
)
def test_what_never_acts_is_not_searched_and_has_a_reason(space, never):
    assert searched(space).keys() - searched(settle(space, {})).keys() == never
    assert never == idle(space, {}).keys()


def test_the_reason_names_the_other_parameter():
    space = {"model": "nn", "filters": 32, "num_fully_connected_layers": 1, "dropout": 0.1}
    assert idle(space, {}) == {
        "filters": "`model` is never 'cnn'",
        "dropout": "`num_fully_connected_layers` is never 2 or more",
    }
    momentum = Float(0.5, 0.9, when=("batch_size", 64))
    assert idle({"optimizer": "adamw", "momentum": momentum, "batch_size": 64}, {}) == {
        "momentum": "`optimizer` is never 'sgd' or 'muon'"
    }
    assert idle(spaces.BOHB, {}) == idle(spaces.HYPERBAND, {}) == idle(spaces.GRID, {}) == {}


def test_a_choice_of_one_value_is_that_value():
    assert settle({"filters": Choice((64,)), "dropout": Float(0, 0.5)}, {}) == {
        "filters": 64,
        "dropout": Float(0, 0.5),
    }


SEVERAL = {
    "model": Choice(("nn", "cnn")),
    "filters": Integer(8, 64),
    "kernel_size": Integer(2, 3, when=("optimizer", "sgd")),
    "num_fully_connected_layers": Integer(1, 4),
    "hidden_size": Integer(8, 64),
    "optimizer": Choice(("adam", "sgd")),
    "momentum": 0.7,
}


def test_a_draw_holds_only_what_acts_in_it():
    drawn = draws(SEVERAL)
    for values in drawn:
        convolutions, sgd = values["model"] == "cnn", values["optimizer"] == "sgd"
        assert ("filters" in values) == convolutions
        assert ("kernel_size" in values) == (convolutions and sgd)
        assert ("momentum" in values) == sgd
        assert ("hidden_size" in values) == (values["num_fully_connected_layers"] > 1)
    assert conditions(SEVERAL)["kernel_size"] == {"model": ["cnn"], "optimizer": ["sgd"]}


def test_conditions_that_always_hold_are_left_out():
    space = {"num_fully_connected_layers": Integer(2, 4), "hidden_size": Integer(8, 64)}
    assert conditions(space) == {}
    assert describe(space)["hidden_size"] == "8–64"


def test_a_combination_of_the_grid_holds_only_what_acts_in_it():
    space = {"optimizer": Choice(("adam", "sgd")), "momentum": Choice((0.8, 0.9))}
    assert list(grid(space)) == [
        {"optimizer": "adam"},
        {"optimizer": "adam"},
        {"optimizer": "sgd", "momentum": 0.8},
        {"optimizer": "sgd", "momentum": 0.9},
    ]


@pytest.mark.parametrize(
    ("space", "circle"),
    [
        ({"filters": Integer(3, 9, when=("filters", 3))}, "`filters` → `filters`"),
        (
            {
                "filters": Integer(3, 9, when=("hidden_size", 3)),
                "hidden_size": Integer(3, 9, when=("filters", 3)),
            },
            "`filters` → `hidden_size` → `filters`",
        ),
        (
            {
                "hidden_size": Integer(3, 9),
                "num_fully_connected_layers": Integer(1, 4, when=("hidden_size", 3)),
            },
            "`hidden_size` → `num_fully_connected_layers` → `hidden_size`",
        ),
    ],
)
def test_conditions_in_a_circle_are_refused(space, circle):
    with pytest.raises(UserError, match="`when` must not go round in a circle") as refused:
        settle(space, {})
    assert str(refused.value).endswith(circle)


def test_the_words_of_a_space_say_when_a_parameter_acts():
    words = describe(SEVERAL)
    assert words["filters"] == "8–64 if model is cnn"
    assert words["kernel_size"] == "2–3 if model is cnn and optimizer is sgd"
    assert words["hidden_size"] == "8–64 if num_fully_connected_layers is 2 or 3 or 4"
    assert words["momentum"] == "0.7"
