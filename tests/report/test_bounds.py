"""Claims about the note that the best configurations lie at an end of what was tried."""

import numpy as np
import pandas as pd

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
    ((name, highest, tried, said),) = at_ends(trials(lambda t: -np.log(t["learning_rate"])))
    assert (name, highest) == ("learning_rate", True) and 0.05 < tried < 0.1
    assert said.startswith("learning rate: 5 of the 5 best configurations lie in the highest tenth")
    ((name, highest, tried, said),) = at_ends(trials(lambda t: t["filters"] + 0.0))
    assert (name, highest) == ("filters", False) and 32 <= tried < 40
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
    for name, values in (("augment", ("none", "crop_flip")), ("seed", (0, 1))):
        both = pd.concat([one.assign(**{name: value}) for value in values], ignore_index=True)
        assert at_ends(both) == [], "19 configurations are too few"


def test_an_end_that_no_space_may_pass_is_not_told():
    grows = {"filter_growth": np.linspace(1, 3, 40)}
    assert at_ends(trials(lambda t: t["filter_growth"], **grows)) == []
    assert len(at_ends(trials(lambda t: -t["filter_growth"], **grows))) == 1


def test_trials_without_a_loss_do_not_count_and_missing_columns_are_no_error():
    all_of_them = trials(lambda t: t["filters"] / 1000, filters=np.r_[32:42, 50:200:5])
    assert len(at_ends(all_of_them)) == 1
    half = all_of_them.copy()
    half.loc[half.index[::2], "best_val_loss"] = np.nan
    assert len(at_ends(half)) == 1
    half.loc[half.index[:25], "best_val_loss"] = np.nan
    assert at_ends(half) == [], "8 configurations are left"
    for gone in ("best_val_loss", "filters"):
        assert at_ends(all_of_them.drop(columns=gone)) == []
    assert at_ends(all_of_them.head(0)) == []


def test_four_of_the_five_are_enough_and_three_are_not():
    values = np.r_[np.linspace(0, 1, 40)]
    ranked = pd.DataFrame({"weight_decay": values, "best_val_loss": 1.0 + values * 0})
    best = {39: 0.1, 38: 0.2, 37: 0.3, 10: 0.5, 11: 0.6}
    ranked.loc[list(best), "best_val_loss"] = list(best.values())
    assert at_ends(ranked) == []
    ranked.loc[36, "best_val_loss"] = 0.4
    ((*_, said),) = at_ends(ranked)
    assert "weight decay: 4 of the 5" in said and "0 to 1;" in said
