"""The rows of each figure."""

import numpy as np
import pandas as pd
import pytest
from studies import compare_configs, grid_configs, paired_configs, sampled_configs, study

from hypertuning.report import tables
from hypertuning.report.exhibits.heat_maps import GRID_AXES


def test_the_leaderboard_is_in_the_order_of_validation_loss():
    trials, _ = study(sampled_configs(20))
    rows = tables.leaderboard(trials, n=5)
    assert rows["rank"].tolist() == [1, 2, 3, 4, 5]
    assert rows["best_val_loss"].tolist() == sorted(trials["best_val_loss"])[:5]


def test_the_leaderboard_shows_the_hyperparameters_that_vary_and_no_others():
    rows = tables.leaderboard(study(sampled_configs(20))[0])
    varied = {"filters", "kernel_size", "padding", "hidden_size"}
    assert varied <= set(rows.columns)
    assert not {"model", "dropout", "seed", "learning_rate"} & set(rows.columns)


def test_a_hyperparameter_that_only_some_trials_have_varies():
    configs = [{"optimizer": "sgd", "momentum": 0.9}, {"optimizer": "adamw"}]
    assert {"optimizer", "momentum"} <= set(tables.leaderboard(study(configs)[0]).columns)


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_trial_without_a_loss_is_not_on_the_leaderboard(loss):
    trials, _ = study(sampled_configs(3))
    trials.loc[1, "best_val_loss"] = loss
    assert "t0001" not in set(tables.leaderboard(trials)["trial_id"])


def test_learning_curves_are_the_median_of_the_repeats_between_their_extremes():
    trials, curves = study(compare_configs(3), 5)
    rows = tables.learning_curves(trials, curves)
    cnn = curves[curves["run_id"].isin(trials.loc[trials["model"] == "cnn", "run_id"])]
    losses = cnn.loc[cnn["epoch"] == 5, "val_loss"]
    at = (rows["model"] == "cnn") & (rows["measure"] == "loss") & (rows["split"] == "val")
    row = rows[at & (rows["epoch"] == 5)].iloc[0]
    expected = [losses.median(), losses.min(), losses.max(), 3]
    assert row[["middle", "low", "high", "repeats"]].tolist() == expected


def test_each_model_has_both_measures_of_both_splits_at_each_epoch():
    rows = tables.learning_curves(*study(compare_configs(1), 5))
    assert len(rows) == 3 * 2 * 2 * 5
    assert set(rows["name"]) == {"NN", "NN + residual", "CNN"}


def test_a_single_repeat_has_no_spread():
    rows = tables.learning_curves(*study(compare_configs(1), 5))
    assert (rows["low"] == rows["high"]).all()


def test_a_repeat_that_ended_early_counts_until_then():
    rows = tables.learning_curves(*study([{"seed": 0}, {"seed": 1}], [5, 2]))
    assert rows.groupby("epoch")["repeats"].first().tolist() == [2, 2, 1, 1, 1]


def test_every_combination_of_the_grid_has_one_cell():
    rows = tables.heat_maps(study(grid_configs(), 3)[0])
    assert len(rows) == 36
    assert not rows.duplicated(GRID_AXES).any()
    assert set(rows["state"]) == {"measured"}


def test_a_cell_without_a_trial_is_not_run():
    trials, _ = study(grid_configs(), 3)
    rows = tables.heat_maps(trials.drop(index=[4, 17]))
    missing = rows[rows["state"] == "not run"]
    assert len(rows) == 36
    assert len(missing) == 2
    assert missing["best_val_accuracy"].isna().all()


@pytest.mark.parametrize(("outcome", "state"), [("diverged", "diverged"), (None, "running")])
def test_a_cell_whose_trial_has_no_result_says_why(outcome, state):
    trials, _ = study(grid_configs(), 3)
    trials.loc[4, "best_val_accuracy"], trials.loc[4, "outcome"] = np.nan, outcome
    assert tables.heat_maps(trials)["state"].value_counts()[state] == 1


def test_the_best_cells_are_all_those_with_the_highest_accuracy():
    trials, _ = study(grid_configs(), 3)
    trials.loc[[3, 8], "best_val_accuracy"] = 0.9
    rows = tables.heat_maps(trials)
    assert rows.loc[rows["best"], "best_val_accuracy"].tolist() == [0.9, 0.9]


def test_repeats_of_a_structure_are_averaged_in_its_cell():
    trials, _ = study([{"seed": 0}, {"seed": 1}], 3)
    (row,) = tables.heat_maps(trials).itertuples()
    assert row.trials == 2
    assert row.best_val_accuracy == pytest.approx(trials["best_val_accuracy"].mean())


def test_models_without_convolutions_are_not_in_the_grid():
    assert len(tables.heat_maps(study(compare_configs(1))[0])) == 1


def followed(trials, curves, n=3):
    """The trials of each arm, the best first."""
    rows = tables.overfitting(trials, curves, n).drop_duplicates("trial_id")
    return rows.groupby("augment")["trial_id"].agg(list).to_dict()


def test_both_arms_follow_the_same_configurations_those_of_the_lowest_mean_loss():
    trials, curves = study(paired_configs(4))
    trials["best_val_loss"] = [1.0, 2.0, 2.0, 1.0, 1.2, 1.2, 1.4, 1.5]  # means: 1.5 1.5 1.2 1.45
    expected = {"none": ["t0004", "t0006"], "crop_flip": ["t0005", "t0007"]}
    assert followed(trials, curves, n=2) == expected


def test_what_both_arms_trained_long_comes_before_what_one_trained_longer():
    trials, curves = study(paired_configs(3), [10, 3, 6, 6, 3, 10])
    trials["best_val_loss"] = [0.1, 0.1, 2.0, 2.0, 0.2, 0.2]
    expected = {"none": ["t0002", "t0000"], "crop_flip": ["t0003", "t0001"]}
    assert followed(trials, curves, n=2) == expected


def test_arms_without_a_common_configuration_follow_their_own_best():
    arms = ("none", "none", "crop_flip", "crop_flip")
    configs = [{**c, "augment": arm} for c, arm in zip(sampled_configs(4), arms, strict=True)]
    trials, curves = study(configs)
    trials["best_val_loss"] = [2.0, 1.0, 3.0, 4.0]
    expected = {"none": ["t0001", "t0000"], "crop_flip": ["t0002", "t0003"]}
    assert followed(trials, curves) == expected


def test_a_configuration_drawn_twice_is_followed_once_by_its_better_trial():
    trials, curves = study([{"filters": 100}, {"filters": 100}, {"filters": 120}])
    trials["best_val_loss"] = [2.0, 1.0, 3.0]
    assert followed(trials, curves) == {"none": ["t0001", "t0002"]}


def test_repeats_are_paired_by_their_seeds():
    configs = [{"seed": s, "augment": a} for s in (0, 1) for a in ("none", "crop_flip")]
    rows = tables.overfitting(*study(configs)).drop_duplicates("trial_id").set_index("trial_id")
    assert rows.loc["t0000", "pair"] == rows.loc["t0001", "pair"]
    assert rows.loc["t0000", "pair"] != rows.loc["t0002", "pair"]


def test_a_trial_with_more_epochs_comes_before_one_with_a_lower_loss():
    trials, curves = study(sampled_configs(6), [3, 10, 3])
    trials.loc[0, "best_val_loss"] = 0.01
    rows = tables.overfitting(trials, curves, n=3)
    assert rows.drop_duplicates("trial_id")["trial_id"].tolist()[-1] == "t0000"
    assert rows.groupby("place").size().tolist() == [10, 10, 3]


def test_the_same_configuration_has_the_same_pair_number_in_both_arms():
    trials, curves = study(paired_configs(3))
    rows = tables.overfitting(trials, curves, n=3).drop_duplicates("trial_id")
    number = rows["trial_id"].str[1:].astype(int) // 2  # trials 2i and 2i + 1 are a pair
    assert rows.groupby(number)["pair"].nunique().tolist() == [1, 1, 1]
    assert rows["pair"].nunique() == 3


def test_each_trial_turns_once_where_its_validation_loss_is_lowest():
    trials, curves = study(sampled_configs(3), 6)
    curves.loc[curves["trial_id"] == "t0001", "val_loss"] = [2, 1, 1.5, 1, 2, 3]  # a tie
    rows = tables.overfitting(trials, curves)
    turns = rows[rows["turns"]].set_index("trial_id").sort_index()
    assert turns.index.tolist() == ["t0000", "t0001", "t0002"]
    assert turns.loc["t0001", "epoch"] == 2
    assert turns["val_loss"].tolist() == rows.groupby("trial_id")["val_loss"].min().tolist()


@pytest.mark.parametrize("augment", ["none", "crop_flip"])
def test_one_arm_alone_is_followed_too(augment):
    configs = [{**config, "augment": augment} for config in sampled_configs(4)]
    assert set(tables.overfitting(*study(configs))["augment"]) == {augment}


@pytest.mark.parametrize("seed", range(5))
def test_the_best_loss_so_far_never_rises_and_is_the_lowest_until_then(seed):
    rows = tables.anytime(*study(sampled_configs(20, seed), [1, 3, 9]))
    assert (rows["best_so_far"].diff().dropna() <= 0).all()
    assert rows["best_so_far"].iloc[-1] == rows["val_loss"].min()


def test_epochs_are_spent_in_the_order_of_their_recording():
    trials, curves = study(sampled_configs(2), 3)
    alternating = curves.iloc[[0, 3, 1, 4, 2, 5]]
    curves.loc[alternating.index, "timestamp"] = sorted(curves["timestamp"])
    rows = tables.anytime(trials, curves)
    assert rows["trial_id"].tolist() == ["t0000", "t0001"] * 3
    assert rows["epochs_spent"].tolist() == [1, 2, 3, 4, 5, 6]


def test_an_epoch_without_a_loss_is_spent_all_the_same():
    trials, curves = study(sampled_configs(2), 3)
    curves.loc[3, "val_loss"] = np.nan
    rows = tables.anytime(trials, curves)
    assert len(rows) == 6
    assert rows["best_so_far"].notna().all()


def test_epochs_before_the_first_loss_are_counted_and_not_shown():
    trials, curves = study(sampled_configs(2), 3)
    curves.loc[[0, 1], "val_loss"] = np.nan
    assert tables.anytime(trials, curves)["epochs_spent"].tolist() == [3, 4, 5, 6]


def test_each_study_counts_its_own_epochs():
    both = two_studies()
    rows = tables.anytime(*both, names={"aaa111": "BOHB"})
    assert rows.groupby("study_id")["epochs_spent"].max().tolist() == [6, 6]
    assert rows.groupby("study_id")["name"].first().tolist() == ["BOHB", "hyperband"]


def test_studies_of_the_same_name_are_told_apart_by_their_ids():
    rows = tables.anytime(*two_studies())
    assert set(rows["name"]) == {"hyperband aaa111", "hyperband bbb222"}


def two_studies() -> tuple[pd.DataFrame, pd.DataFrame]:
    parts = [study(sampled_configs(2), 3, study_id=name) for name in ("aaa111", "bbb222")]
    trials, curves = zip(*parts, strict=True)
    return pd.concat(trials), pd.concat(curves)


def test_a_study_without_results_gives_empty_tables():
    trials, curves = (frame.head(0).astype(object) for frame in study([{}]))
    for table in (tables.learning_curves, tables.overfitting, tables.anytime):
        assert table(trials, curves).empty
    assert tables.heat_maps(trials).empty
    assert tables.leaderboard(trials).empty
