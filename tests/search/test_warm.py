"""Claims about what a study takes over from earlier ones."""

import math

import numpy as np
import pytest

from hypertuning.search.sampler import Random
from hypertuning.search.warm import EarlierTrial, warm_start
from hypertuning.spaces import BOHB, HYPERBAND, Choice, Float, Integer

RUNGS = (1, 3, 9)


def study(space, losses, count=20, diverged=False):
    """Trials drawn from a space, all with the same curve."""
    configs = [Random(space, {}, seed=5).propose(n).config for n in range(count)]
    return [EarlierTrial(config.hyperparameters(), losses, diverged) for config in configs]


def test_curves_are_read_at_the_rungs_alone():
    start = warm_start([study(BOHB, {1: 3.0, 2: 2.5, 3: 2.0, 4: 1.5})], Random(BOHB, {}, 0), RUNGS)
    assert {(r.epoch, r.loss) for r in start.results} == {(1, 3.0), (3, 2.0)}
    assert (start.placed, len(start.results), start.left_out) == (20, 40, {})


def test_what_both_search_is_taken_over_as_it_was():
    earlier = study(BOHB, {1: 3.0})
    start = warm_start([earlier], Random(BOHB, {}, 0), RUNGS)
    for trial, result in zip(earlier, start.results, strict=True):
        assert result.values == {n: v for n, v in trial.config.items() if n in BOHB}


def test_what_was_not_searched_there_is_drawn_for_every_trial():
    space = {**BOHB, "filters": HYPERBAND["filters"], "hidden_size": HYPERBAND["hidden_size"]}
    earlier = study({**HYPERBAND, "kernel_size": 3, "padding": 1}, {3: 1.0})
    start = warm_start([earlier], Random(space, {}, 0), RUNGS)
    assert start.placed == 20
    for trial, result in zip(earlier, start.results, strict=True):
        assert result.values["filters"] == trial.config["filters"]
        assert ("momentum" in result.values) == (result.values["optimizer"] == "sgd")
    assert len({result.values["learning_rate"] for result in start.results}) == 20
    assert {result.values["optimizer"] for result in start.results} == {"adamw", "sgd"}
    again = warm_start([earlier], Random(space, {}, 0), RUNGS)
    assert again == start


def test_what_has_no_place_here_is_counted_with_the_reason():
    earlier = study(HYPERBAND, {3: 1.0}, count=40)
    start = warm_start([earlier], Random(BOHB, {}, 0), RUNGS)
    assert set(start.left_out) == {
        "filters outside 32–128",
        "another kernel_size",
        "another padding",
    }
    assert start.placed + sum(start.left_out.values()) == 40
    for result in start.results:
        assert 32 <= result.values["filters"] <= 128


def test_a_curve_without_a_rung_is_left_out():
    start = warm_start([study(BOHB, {2: 1.0}, count=3)], Random(BOHB, {}, 0), RUNGS)
    assert start.left_out == {"no loss after 1 or 3 or 9 epochs": 3}
    assert start.results == ()


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ({}, {1: math.inf}),
        ({1: 2.0}, {1: 2.0, 3: math.inf}),
        ({1: 2.0, 2: 1.0}, {1: 2.0, 3: math.inf}),
    ],
)
def test_a_trial_that_diverged_is_bad_on_the_first_rung_it_missed(losses, expected):
    earlier = study(BOHB, losses, count=2, diverged=True)
    start = warm_start([earlier], Random(BOHB, {}, 0), RUNGS)
    assert {r.epoch: r.loss for r in start.results} == expected


def test_what_follows_from_a_searched_value_is_no_difference():
    space = {"kernel_size": Choice((3, 5, 7)), "filters": Integer(8, 64)}  # padding follows
    earlier = study(space, {1: 1.0})
    start = warm_start([earlier], Random(space, {}, 0), RUNGS)
    assert (start.placed, start.left_out) == (20, {})


def test_a_value_without_meaning_is_no_difference():
    when = ("optimizer", "adamw")
    space = {**BOHB, "weight_decay": Float(1e-6, 1e-2, log=True, when=when)}
    start = warm_start([study(space, {1: 1.0})], Random(space, {}, 0), RUNGS)
    assert start.placed == 20
    for result in start.results:
        assert ("weight_decay" in result.values) == (result.values["optimizer"] == "adamw")


def test_a_single_trial_keeps_its_values():
    earlier = study(BOHB, {1: 1.0}, count=1)
    (result,) = warm_start([earlier], Random(BOHB, {}, 0), RUNGS).results
    assert result.values["learning_rate"] == earlier[0].config["learning_rate"]


def test_two_studies_draw_what_they_lack_apart():
    earlier = study({**BOHB, "learning_rate": 1e-3}, {1: 1.0})
    start = warm_start([earlier, earlier], Random(BOHB, {}, 0), RUNGS)
    rates = np.array([result.values["learning_rate"] for result in start.results])
    assert len(np.unique(rates)) == 40
