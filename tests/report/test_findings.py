"""Claims about the sentences: what they call best, and what they say of ties."""

import pandas as pd
from studies import grid_configs, sampled_configs, study

from hypertuning.report import tables
from hypertuning.report.exhibits import (
    heat_maps,
    importance,
    trial_curves,
    turning_points,
)


def grid(**columns):
    trials, _ = study(grid_configs(), 3, stage="grid")
    changed = {f"best_val_{name}": values for name, values in columns.items()}
    for name, values in changed.items():
        for place, value in values.items():
            trials.loc[place, name] = value
    return heat_maps.says(tables.heat_maps(trials))


def test_the_grid_says_by_which_measure_a_structure_is_the_best():
    loss, accuracy = grid(loss={3: 0.1}, accuracy={8: 0.95})
    assert loss.startswith("The structure with the lowest validation loss, 0.100, is 2 conv layers")
    assert accuracy.startswith("The structure with the highest validation accuracy, 0.950, is ")


def test_a_structure_that_is_best_by_both_measures_is_named_once():
    (said,) = grid(loss={3: 0.1}, accuracy={3: 0.95})
    assert "the lowest validation loss, 0.100, and the highest accuracy, 0.950" in said


def test_the_structure_of_the_lowest_loss_leads_the_leaderboard_too():
    trials, _ = study(grid_configs(), 3, stage="grid")
    first = tables.leaderboard(trials).iloc[0]
    rows = tables.heat_maps(trials)
    lowest = rows.loc[rows["best_val_loss"].idxmin()]
    assert lowest["best_val_loss"] == first["best_val_loss"]
    assert lowest["filters"] == first["filters"]


def test_structures_that_share_the_best_are_counted_and_some_of_them_named():
    said = grid(accuracy=dict.fromkeys((3, 8, 9, 20, 30), 0.95))[1]
    assert said.startswith("5 structures share the highest validation accuracy, 0.950: ")
    assert said.endswith(" and 2 more.")
    assert said.count("fully connected layers") == 3


def test_trials_that_share_the_lowest_loss_are_named():
    trials, _ = study(sampled_configs(5))
    trials.loc[[1, 3], "best_val_loss"] = 0.1
    said = trial_curves.says(tables.leaderboard(trials, None))
    assert said[0].startswith("Trial t0001 ")
    assert said[1] == "The same loss was reached by t0003."


def test_the_only_trial_of_an_arm_is_not_called_one_of_1():
    for best_epoch, where in ((3, "in its last epoch"), (2, "before the last epoch")):
        trials, _ = study([{"augment": "none"}], 3)
        said = turning_points.says(tables.turning_points(trials.assign(best_epoch=best_epoch)))[0]
        assert f"is lowest {where} in the one trial that trained 3 epochs" in said


def test_where_no_parameter_is_clear_none_is_named():
    rows = pd.DataFrame({
        "parameter": ["filters"], "importance": [0.1], "low": [-0.1], "high": [0.2],
        "explained": [0.3], "epoch": [3], "trials": [20],
    })  # fmt: skip
    assert "cannot be told" in importance.says(rows)[0]
