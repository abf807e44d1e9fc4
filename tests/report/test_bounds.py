"""Claims about the note that the best configurations lie at an end of what was tried."""

import numpy as np
import pandas as pd
import pytest

from hypertuning.report.bounds import at_ends


def trials(loss, count=40, seed=0, **more) -> pd.DataFrame:
    """Trials drawn from a space of two numbers and a choice, with a loss of their values."""
    rng = np.random.default_rng(seed)
    rate = np.exp(rng.uniform(np.log(1e-4), np.log(1e-1), count))
    drawn = pd.DataFrame({
        "learning_rate": rate,
        "filters": rng.integers(32, 129, count),
        "optimizer": rng.choice(["adamw", "sgd"], count),
        **more,
    })  # fmt: skip
    return drawn.assign(best_val_loss=loss(drawn))


def test_an_optimum_beyond_an_end_is_told_with_the_end_and_the_range():
    (said,) = at_ends(trials(lambda t: -np.log(t["learning_rate"])))
    assert said.startswith("learning rate: 5 of the 5 best configurations lie in the highest tenth")
    (said,) = at_ends(trials(lambda t: t["filters"] + 0.0))
    assert "filters: 5 of the 5 best configurations lie in the lowest tenth of what was" in said


def test_an_optimum_inside_or_none_at_all_is_not_told():
    inside = trials(lambda t: abs(np.log(t["learning_rate"] / 3e-3)))
    assert at_ends(inside) == []
    noise = np.random.default_rng(99)
    told = [at_ends(trials(lambda t: noise.random(len(t)), seed=seed)) for seed in range(50)]
    assert sum(map(bool, told)) <= 2


def test_the_log_scale_of_a_parameter_counts():
    """0.004 is in the lowest tenth up to 0.1, and in the middle from 0.0001 to 0.1."""
    assert at_ends(trials(lambda t: abs(t["learning_rate"] - 0.004))) == []


def test_one_configuration_counts_once_in_both_arms_and_with_all_its_seeds():
    one = trials(lambda t: t["filters"] / 1000, count=19)
    both = pd.concat([one.assign(augment=arm) for arm in ("none", "crop_flip")], ignore_index=True)
    assert at_ends(both) == [], "19 configurations are too few"


@pytest.mark.parametrize("gone", ["best_val_loss", "filters"])
def test_what_is_missing_is_left_out(gone):
    few = trials(lambda t: t["filters"] / 1000)
    few.loc[few.index[::2], gone] = np.nan
    assert len(at_ends(few)) <= 1
    assert at_ends(few.drop(columns=gone)) == []
    assert at_ends(few.head(0)) == []


def test_four_of_the_five_are_enough_and_three_are_not():
    values = np.r_[np.linspace(0, 1, 40)]
    ranked = pd.DataFrame({"dropout": values, "best_val_loss": 1.0 + values * 0})
    best = {39: 0.1, 38: 0.2, 37: 0.3, 10: 0.5, 11: 0.6}
    ranked.loc[list(best), "best_val_loss"] = list(best.values())
    assert at_ends(ranked) == []
    ranked.loc[36, "best_val_loss"] = 0.4
    (said,) = at_ends(ranked)
    assert "dropout: 4 of the 5" in said and "0 to 1;" in said
