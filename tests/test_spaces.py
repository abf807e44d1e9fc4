"""Claims about search spaces."""

import numpy as np
import pytest
import yaml

from hypertuning import spaces
from hypertuning.config import Config, UserError
from hypertuning.space_files import plain, read_space
from hypertuning.spaces import Choice, Float, Integer, describe, grid, sample, settle


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


@pytest.mark.parametrize("space", [spaces.HYPERBAND, spaces.BOHB])
def test_every_draw_of_a_stage_can_be_trained(space):
    assert all(Config(**drawn) for drawn in draws(space))


def test_the_grid_is_every_combination_once():
    configs = [tuple(c.items()) for c in grid(spaces.GRID)]
    assert len(set(configs)) == len(configs) == 2 * 3 * 3 * 2
    assert all(Config(**dict(c)) for c in configs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filters: {low: 32}", "`filters` must have `low` and `high`"),
        ("filters: {low: 64, high: 32}", r"`low` \(=64\) must be below `high` \(=32\)"),
        ("filters: {low: 0, high: 32}", "`filters` must be greater than or equal to 1, got 0"),
        ("filter: 3", "`filter` is not a hyperparameter"),
        ("optimizer: [adamw, lion]", "`optimizer` must be .*, got 'lion'"),
        ("dropout: {low: 0, high: 0.5, log: true}", "logarithmic range must be greater than 0"),
        ("- 3", "must map parameters"),
        ("a: [", "did not find expected|expected the node"),
    ],
)
def test_a_wrong_space_file_is_refused_in_one_line(tmp_path, text, message):
    (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(UserError, match=message) as refused:
        read_space(tmp_path / "space.yaml")
    assert "\n" not in str(refused.value)


def test_a_space_file_fixes_parameters_and_opens_others(tmp_path):
    file = tmp_path / "space.yaml"
    file.write_text(
        "filters: {low: 32, high: 256, log: true}\n"
        "dropout: {low: 0, high: 1e-1}\n"
        "momentum: {low: 0.5, high: 0.9, when: {optimizer: sgd}}\n"
        "optimizer: [adamw, sgd]\nhidden_size: 100\n"
    )
    assert read_space(file) == {
        "filters": Integer(32, 256, log=True),
        "dropout": Float(0, 0.1),
        "momentum": Float(0.5, 0.9, when=("optimizer", "sgd")),
        "optimizer": Choice(("adamw", "sgd")),
        "hidden_size": 100,
    }


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
    "space", [spaces.BOHB, spaces.HYPERBAND, {**spaces.BOHB, "kernel_size": 3}]
)
def test_a_space_that_is_written_to_a_file_is_read_back_as_it_was(space, tmp_path):
    file = tmp_path / "space.yaml"
    file.write_text(yaml.safe_dump(plain(space), sort_keys=False))
    assert read_space(file) == space
