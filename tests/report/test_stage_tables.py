"""The rows behind the figures of grid, hyperband and bohb."""

import numpy as np
import pandas as pd
import pytest
from studies import grid_configs, paired_configs, sampled_configs, study

from hypertuning.report import tables
from hypertuning.report.exhibits import expected_gain, importance, main_effects, samplers
from hypertuning.report.parameters import scale_of
from hypertuning.search import outlook


def graded(configs, accuracy) -> pd.DataFrame:
    """Trials whose accuracy is known."""
    trials, _ = study(configs, 3, stage="grid")
    return trials.assign(best_val_accuracy=[accuracy(config) for config in configs])


def additive(config) -> float:
    return 0.3 + {64: 0, 128: 0.03, 152: 0.05}[config["filters"]] - 0.02 * config["num_conv_layers"]


def test_a_main_effect_is_the_mean_of_all_structures_with_that_value():
    rows = tables.main_effects(graded(grid_configs(), additive))
    filters = rows[rows["parameter"] == "filters"].set_index("value")
    assert filters["mean"].tolist() == pytest.approx([0.24, 0.27, 0.29])
    assert set(filters["blocks"]) == {12}
    assert rows.groupby("parameter").size().to_dict() == {
        "filters": 3, "kernel_size": 2, "num_conv_layers": 3, "num_fully_connected_layers": 2,
    }  # fmt: skip


def test_a_contrast_is_the_paired_difference_of_equal_structures():
    rows = tables.contrasts(graded(grid_configs(), additive)).set_index(["parameter", "start"])
    assert rows.loc[("filters", 64), "difference"] == pytest.approx(0.03)
    assert rows.loc[("filters", 128), "difference"] == pytest.approx(0.02)
    assert rows.loc[("num_conv_layers", 3), "difference"] == pytest.approx(-0.02)
    assert rows.loc[("kernel_size", 2), ["difference", "low", "high"]].tolist() == pytest.approx(
        [0] * 3
    )


def test_a_structure_that_lacks_a_partner_moves_no_mean():
    trials = graded(grid_configs(), additive)
    trials.loc[0, "best_val_accuracy"] = np.nan
    rows = tables.contrasts(trials)
    assert rows.loc[rows["parameter"] == "filters", "blocks"].tolist() == [11, 11]
    filters = rows[rows["parameter"] == "filters"]
    assert filters["difference"].tolist() == pytest.approx([0.03, 0.02])


def test_a_structure_that_has_trained_less_than_the_others_counts_for_nothing():
    trials = graded(grid_configs(), additive)
    trials.loc[0, ["epochs_run", "best_val_accuracy", "outcome"]] = [1, 0.1, None]
    cells = tables.heat_maps(trials)
    assert cells["state"].value_counts().to_dict() == {"measured": 35, "running": 1}
    filters = tables.contrasts(trials).query("parameter == 'filters'")
    assert filters["blocks"].tolist() == [11, 11]


def test_a_padding_that_follows_the_kernel_is_no_parameter_of_its_own():
    configs = [{"kernel_size": k, "filters": f} for k in (2, 3, 4) for f in (64, 128)]
    assert set(tables.main_effects(study(configs, 3)[0])["parameter"]) == {"kernel_size", "filters"}


def test_repeats_of_a_structure_count_once():
    configs = [{"filters": f, "seed": s} for f in (64, 128) for s in (0, 1)]
    trials, _ = study(configs, 3)
    trials["best_val_accuracy"] = [0.3, 0.5, 0.6, 0.8]
    rows = tables.contrasts(trials)
    assert rows[["blocks", "difference"]].values.tolist() == [[1, pytest.approx(0.3)]]


def test_of_many_steps_the_largest_are_said_and_the_others_counted():
    rates = [10 ** (-4 + n / 10) for n in range(31)]
    configs = [{"learning_rate": rate, "filters": f} for rate in rates for f in (64, 128)]
    trials = graded(configs, lambda config: 0.5 - (np.log10(config["learning_rate"]) + 2) ** 2 / 10)
    said = main_effects.says(tables.contrasts(trials))
    rates_said = [line for line in said if line.startswith("Learning rate")]
    assert len(rates_said) == 5
    assert rates_said[0].startswith("Learning rate 0.0001 → 0.000126: more accurate")
    assert "26 other steps, which differ less," in rates_said[-1]
    figure = main_effects.draw(tables.main_effects(trials))
    assert all(len(axes.get_xticks()) <= 6 for axes in figure.axes)


def test_augmentation_is_compared_on_the_same_trials_at_every_epoch():
    """Two of three pairs train ten epochs in both arms, one is stopped in one of them."""
    trials, curves = study(paired_configs(3), [10, 10, 10, 3, 10, 10])
    rows = tables.augmentation_effect(trials, curves)
    assert set(rows["pairs"]) == {2}
    assert rows.groupby("measure")["epoch"].apply(list).to_dict() == {
        "generalization_gap": list(range(1, 11)), "val_loss": list(range(1, 11)),
    }  # fmt: skip
    runs = [f"5f0c2d-{n}" for n in (0, 1, 4, 5)]
    gap = curves.set_index(["run_id", "epoch"])["generalization_gap"]
    none, flipped = (
        (gap[runs[0], 10] + gap[runs[2], 10]) / 2,
        (gap[runs[1], 10] + gap[runs[3], 10]) / 2,
    )
    last = rows[(rows["measure"] == "generalization_gap") & (rows["epoch"] == 10)].iloc[0]
    assert (last["none"], last["crop_flip"]) == pytest.approx((none, flipped))
    assert last["difference"] == pytest.approx(flipped - none)
    assert last["low"] < last["difference"] < last["high"]


@pytest.mark.parametrize("configs", [sampled_configs(3), paired_configs(1)[:1]])
def test_without_two_arms_there_is_no_effect_of_augmentation(configs):
    assert tables.augmentation_effect(*study(configs)).empty


def test_turning_points_count_the_longest_trials_alone():
    trials, _ = study(paired_configs(3), [10, 10, 3, 3, 10, 10])
    trials["best_epoch"] = [6, 10, 3, 3, 7, 9]
    rows = tables.turning_points(trials).set_index(["augment", "epoch"])
    assert rows["trials"].to_dict() == {
        ("none", 6): 1, ("none", 7): 1, ("crop_flip", 9): 1, ("crop_flip", 10): 1,
    }  # fmt: skip
    assert set(rows["of"]) == {2}
    assert not rows.loc[("crop_flip", 10), "turned"]
    assert rows.loc[("crop_flip", 9), "turned"]


def test_the_best_configuration_of_each_arm_stands_in_its_column():
    trials, _ = study(paired_configs(4))
    table = tables.best_configurations(trials).set_index("of the best trial")
    for arm, shown in trials.groupby("augment"):
        best = shown.loc[shown["best_val_loss"].idxmin()]
        assert table.loc["trial_id", arm] == best["trial_id"]
        assert table.loc["filters", arm] == best["filters"]


def laddered(trials: int = 18):
    """A study whose trials end after 1, 3 or 9 epochs, every third proposed by a model."""
    configs = [{**c, "learning_rate": 1e-4 * 1.3**n} for n, c in enumerate(sampled_configs(trials))]
    names = ("random", "random", "model")
    frame, curves = study(configs, [1, 1, 1, 3, 3, 9], stage="bohb", samplers=names)
    outcome = np.where(frame["epochs_run"] == 9, "completed", "pruned")
    return frame.assign(outcome=outcome, bracket=0), curves


def test_rungs_are_where_trials_ended_by_plan():
    trials, curves = laddered()
    trials.loc[0, ["epochs_run", "outcome"]] = (2, "failed")
    losses = tables.rung_losses(trials, curves)
    assert losses.groupby("epoch").size().to_dict() == {1: 18, 3: 9, 9: 3}


def test_survival_counts_the_trials_that_got_so_far():
    rows = tables.survival(*laddered())
    assert rows.set_index("epoch")["trials"].to_dict() == {
        1: 18, 2: 9, 3: 9, 4: 3, 5: 3, 6: 3, 7: 3, 8: 3, 9: 3,
    }  # fmt: skip


def test_brackets_and_arms_survive_for_themselves():
    trials, curves = laddered()
    trials["bracket"] = [0, 0, 0, 1, 1, 1] * 3
    assert set(tables.survival(trials, curves)["group"]) == {
        "first rung: epoch 1", "first rung: epoch 3",
    }  # fmt: skip
    arms = tables.survival(*study(paired_configs(2)))
    assert set(arms["group"]) == {"without augmentation", "with crop and flip"}


def test_every_trial_is_followed_with_its_fate_and_one_is_the_best():
    trials, curves = laddered()
    rows = tables.trial_curves(trials.assign(outcome=[None, *trials["outcome"][1:]]), curves)
    assert len(rows) == len(curves)
    assert rows.loc[rows["trial_id"] == "t0000", "outcome"].tolist() == ["running"]
    best = trials.loc[trials["best_val_loss"].idxmin(), "trial_id"]
    assert set(rows.loc[rows["best"], "trial_id"]) == {best}


def losses(**by_sampler) -> pd.DataFrame:
    rows = [(name, value) for name, values in by_sampler.items() for value in values]
    frame = pd.DataFrame(rows, columns=["sampler", "val_loss"])
    return frame.assign(epoch=1, run_id=[f"r{n}" for n in range(len(frame))])


def test_proposals_are_compared_with_random_draws_after_the_same_epochs():
    row = tables.samplers(losses(model=[1.0, 1.2], warm=[1.1], random=[1.05, 1.3, 1.4])).iloc[0]
    assert (row["proposed"], row["drawn"]) == (3, 3)
    assert (row["median_proposed"], row["best_drawn"]) == (1.1, 1.05)
    assert row["chance"] == pytest.approx(7 / 9)


def test_random_search_has_nothing_to_compare():
    assert tables.samplers(losses(random=[1.0, 2.0])).empty


def test_rank_correlation_takes_the_trials_that_reached_both_rungs():
    rows = tables.rank_correlation(tables.rung_losses(*laddered(36)))
    assert rows[["epoch", "later", "trials"]].values.tolist() == [[1, 3, 18], [1, 9, 6], [3, 9, 6]]
    reached = tables.rung_losses(*laddered(36))
    table = reached.pivot(index="run_id", columns="epoch", values="val_loss")
    assert rows["rho"][1] == pytest.approx(table[[1, 9]].dropna().corr("spearman").iloc[0, 1])


def test_slices_have_a_row_for_each_trial_and_parameter_that_differs():
    trials, _ = laddered()
    rows = tables.slices(trials)
    assert rows.groupby("parameter").size().to_dict() == dict.fromkeys(
        ["filters", "hidden_size", "kernel_size", "learning_rate", "padding"], 18
    )
    scales = rows.groupby("parameter")["scale"].first()
    assert scales[["learning_rate", "kernel_size", "filters"]].tolist() == [
        "log", "category", "linear",
    ]  # fmt: skip


def test_a_dropout_near_0_is_not_laid_out_by_its_logarithm():
    assert scale_of(pd.Series(np.linspace(0.001, 0.5, 30), name="dropout")) == "linear"


def test_importance_finds_the_parameter_that_matters_and_no_other():
    trials, curves = study(sampled_configs(60), 1, stage="bohb")
    curves["val_loss"] = trials["hidden_size"].to_numpy() / 100.0
    rows = tables.importance(trials, curves)
    assert rows["parameter"].iloc[0] == "hidden_size"
    assert rows["importance"].iloc[0] > 0.5
    assert (rows["importance"].iloc[1:] < 0.05).all()
    assert rows["explained"].iloc[0] > 0.8
    assert rows["low"].iloc[0] <= rows["importance"].iloc[0] <= rows["high"].iloc[0]


def test_importance_says_so_when_nothing_matters():
    trials, curves = study(sampled_configs(40), 1, stage="bohb")
    curves["val_loss"] = np.random.default_rng(1).normal(2, 0.1, len(curves))
    assert tables.importance(trials, curves)["explained"].iloc[0] < importance.TELLING


def test_importance_looks_at_the_latest_rung_that_enough_trials_reached():
    trials, curves = laddered(72)
    rows = tables.importance(trials, curves)
    assert rows[["epoch", "trials"]].iloc[0].tolist() == [3, 36]


@pytest.mark.parametrize("trials", [1, importance.FEWEST - 1])
def test_few_trials_say_nothing_of_importance(trials):
    assert tables.importance(*study(sampled_configs(trials), 1)).empty


def test_importance_knows_parameters_that_only_some_trials_have():
    rng = np.random.default_rng(0)
    momenta = rng.uniform(0.1, 0.9, 60)
    configs = [
        {"optimizer": "sgd", "momentum": m} if n % 2 else {"optimizer": "adamw", "dropout": m}
        for n, m in enumerate(momenta)
    ]
    trials, curves = study(configs, 1)
    curves["val_loss"] = trials["momentum"].astype(float).fillna(0.5).to_numpy()
    rows = tables.importance(trials, curves).set_index("parameter")["importance"]
    assert rows.idxmax() == "momentum"


def test_a_trial_that_still_trains_has_its_best_numbers_so_far():
    trials, curves = study(sampled_configs(3), 5)
    numbers = ["best_val_loss", "best_val_accuracy", "best_epoch", "epochs_run"]
    known = trials[numbers]
    started = trials.copy()
    started["outcome"] = [*started["outcome"][:1], None, *started["outcome"][2:]]
    started.loc[1, numbers] = [np.nan, np.nan, pd.NA, pd.NA]
    filled = tables.with_bests(started, curves)
    pd.testing.assert_frame_equal(filled[numbers], known, check_dtype=False)
    assert tables.with_bests(started, curves.head(0))["best_val_loss"].isna().tolist() == [
        False, True, False,
    ]  # fmt: skip


def test_final_scores_are_the_means_of_the_repeats_with_an_interval():
    configs = [{"model": m, "seed": s} for s in (0, 1, 2) for m in ("nn", "cnn")]
    trials, curves = study(configs, 5, stage="compare")
    rows = tables.final_scores(trials, curves)
    assert rows["model"].tolist() == ["CNN", "NN"]
    cnn = curves[curves["run_id"].isin(trials.loc[trials["model"] == "cnn", "run_id"])]
    assert rows["val_accuracy"][0] == pytest.approx(cnn[cnn["epoch"] == 5]["val_accuracy"].mean())
    assert rows["low"][0] < rows["val_accuracy"][0] < rows["high"][0]
    alone = tables.final_scores(*study(configs[:1], 5))
    assert alone["repeats"].tolist() == [1] and alone["low"].isna().all()


def test_studies_are_compared_at_the_epochs_that_all_have_spent():
    (a, b), (c, d) = (study(sampled_configs(n, n), 3, study_id=f"study{n}") for n in (2, 5))
    rows = tables.anytime(pd.concat([a, c]), pd.concat([b, d]))
    at = tables.at_equal_epochs(rows)
    assert set(at["epochs_spent"]) == {6}
    assert at["best_so_far"].is_monotonic_increasing
    long = rows[(rows["study_id"] == "study5") & (rows["epochs_spent"] <= 6)]
    assert at.set_index("study_id")["best_so_far"]["study5"] == long["best_so_far"].min()


def test_a_trial_that_goes_on_does_not_keep_the_numbers_of_its_last_end():
    trials, curves = study(sampled_configs(2), 5)
    trials["outcome"] = ["completed", None]
    trials.loc[1, ["best_val_loss", "epochs_run"]] = [9.0, 1]
    filled = tables.with_bests(trials, curves)
    assert filled["epochs_run"].tolist() == [5, 5]
    assert filled["best_val_loss"][1] < 9


def test_a_trial_that_ended_without_an_epoch_keeps_its_numbers():
    trials, curves = study(sampled_configs(2), 5)
    trials["epochs_run"] = np.array([0, 5])  # as the store gives them where none is missing
    trials["outcome"] = ["diverged", "completed"]
    trials.loc[0, "best_val_loss"] = np.nan
    filled = tables.with_bests(trials, curves[curves["trial_id"] == "t0001"])
    assert filled["epochs_run"].tolist() == [0, 5]
    assert np.isnan(filled["best_val_loss"][0])


@pytest.mark.parametrize("outcome", [None, "interrupted"])
def test_rungs_are_known_before_the_study_is_complete(outcome):
    trials, curves = laddered()
    assert set(tables.rung_losses(trials.assign(outcome=outcome), curves)["epoch"]) == {1, 3, 9}


def test_trials_that_differ_in_more_than_the_seed_are_no_repeats():
    configs = [{"learning_rate": rate, "seed": seed} for rate in (0.1, 0.001) for seed in (0, 1)]
    rows = tables.final_scores(*study(configs, 3, stage="compare"))
    assert sorted(rows["model"]) == ["CNN learning_rate 0.001", "CNN learning_rate 0.1"]
    assert rows["repeats"].tolist() == [2, 2]


def test_a_cell_counts_the_trials_that_its_value_is_the_mean_of():
    trials, _ = study([{"seed": 0}, {"seed": 1}], [3, 1], stage="grid")
    cell = tables.heat_maps(trials).iloc[0]
    assert (cell["trials"], cell["best_val_accuracy"]) == (1, trials["best_val_accuracy"][0])


def test_one_proposal_alone_proves_nothing():
    comparison = tables.samplers(losses(model=[1.0], random=[2.0, 3.0]))
    assert "may be no better than chance" in samplers.says(comparison)[0]


def test_what_was_expected_stands_beside_the_fall_of_the_best_loss():
    trials, curves = study(sampled_configs(20), 1, stage="bohb")
    curves["val_loss"] = 2 - np.arange(20) / 10
    rows = tables.expected_gain(trials.assign(expected_gain=[np.nan] * 5 + [0.3] * 15), curves)
    assert rows["epochs_spent"].tolist() == [*range(5, 20)]
    assert rows["fell"].iloc[:-1].tolist() == pytest.approx([0.2] * 14), "two of twenty epochs"
    assert np.isnan(rows["fell"].iloc[-1])
    assert tables.expected_gain(trials, curves).empty
    assert expected_gain.SHARE == outlook.SHARE, "it is compared with as much as was looked ahead"
