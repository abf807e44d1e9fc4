"""Claims about what a study shows: from no trial at all to hundreds, ended or not."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from studies import compare_configs, grid_configs, paired_configs, sampled_configs, study

from hypertuning.report import figures, tables
from hypertuning.report.exhibits import MODULES, STAGES, exhibits
from hypertuning.report.pictures import png
from hypertuning.tracking.runs import CURVE_COLUMNS, TRIAL_COLUMNS

ONE_THINGS = re.compile(r"(?<![\d.,])1 (?!of )\w+s\b|none of the 1\b")


def by_name(stage, trials, curves):
    return {exhibit.name: exhibit for exhibit in exhibits(stage, trials, curves)}


def bohb_study(trials: int):
    frame, curves = study(
        sampled_configs(trials), [1, 1, 1, 3, 3, 9], stage="bohb", samplers=("random", "model")
    )
    expected = np.where(frame.index < 8, np.nan, 0.5 / (1 + frame.index))
    ended = np.where(frame["epochs_run"] == 9, "completed", "pruned")
    return frame.assign(outcome=ended, expected_gain=expected), curves


STUDIES = {
    "compare": lambda: study(compare_configs(2), 3, stage="compare"),
    "grid": lambda: study(grid_configs(), 3, stage="grid"),
    "hyperband": lambda: study(paired_configs(10), [10, 10, 3, 3]),
    "bohb": lambda: bohb_study(30),
    "register": lambda: study(sampled_configs(3), 5, stage="register", samplers=("repeat",)),
    "train": lambda: study(sampled_configs(2), 5, stage="train"),
}


def test_notebooks_find_the_functions_of_an_exhibit_under_the_name_of_its_module():
    for module in MODULES:
        name = module.__name__.rpartition(".")[2]
        assert getattr(figures, name) is module.draw
        assert getattr(tables, name, None) is getattr(module, "table", None)


def test_stages_stand_in_the_order_in_which_they_build_on_one_another():
    places = [STAGES.index(stage) for stage in ("compare", "grid", "hyperband", "bohb", "register")]
    assert places == sorted(places)


def test_a_stage_that_no_exhibit_knows_shows_its_trials_all_the_same():
    shown = exhibits("of tomorrow", *study(sampled_configs(2), 3))
    assert [exhibit.name for exhibit in shown] == ["trial_curves", "slices"]


@pytest.mark.parametrize("stage", STUDIES)
def test_a_whole_study_lacks_no_figure_and_says_what_it_found(stage):
    shown = exhibits(stage, *STUDIES[stage]())
    assert not [exhibit.name for exhibit in shown if exhibit.rows.empty]
    assert stage == "register" or any(exhibit.says for exhibit in shown)
    for exhibit in shown:
        assert png(exhibit.draw()).startswith(b"\x89PNG")
        assert exhibit.caption.endswith(".")


@pytest.mark.parametrize("stage", [*STAGES, "train"])
def test_a_study_without_a_trial_says_why_there_is_nothing(stage):
    trials = pd.DataFrame({name: pd.Series(dtype=object) for name in TRIAL_COLUMNS})
    curves = pd.DataFrame({name: pd.Series(dtype=object) for name in CURVE_COLUMNS})
    for exhibit in exhibits(stage, trials, curves):
        assert exhibit.rows.empty
        assert exhibit.lacking
        assert not exhibit.says


@pytest.mark.parametrize("stage", [*STAGES, "train"])
def test_one_trial_of_one_epoch_is_shown_or_what_it_lacks_is_said(stage):
    shown = exhibits(stage, *study(sampled_configs(1), 1, stage=stage))
    drawn = [exhibit.draw() for exhibit in shown if len(exhibit.rows)]
    assert drawn
    assert all(exhibit.lacking for exhibit in shown)
    marked = [text.get_text() for figure in drawn for text in figure.findobj(Text)]
    said = [line for exhibit in shown for line in exhibit.says]
    assert not [text for text in said + marked if ONE_THINGS.search(text)]


@pytest.mark.parametrize("stage", STAGES)
def test_a_study_that_has_only_begun_is_no_error(stage):
    trials, curves = STUDIES[stage]()
    numbers = {"best_val_loss": np.nan, "best_val_accuracy": np.nan, "outcome": None}
    begun = trials.assign(**numbers, best_epoch=pd.NA, epochs_run=pd.NA)
    for exhibit in exhibits(stage, begun, curves.head(0)):
        if len(exhibit.rows):
            exhibit.draw()


@pytest.mark.parametrize("trials", [20, pytest.param(500, marks=pytest.mark.slow)])
def test_figures_of_many_trials_are_small_pictures(trials):
    for exhibit in exhibits("bohb", *bohb_study(trials)):
        assert 3_000 < len(png(exhibit.draw())) < 250_000, exhibit.name


def test_findings_carry_their_numbers_and_intervals():
    trials, _ = study(grid_configs(), 3, stage="grid")
    trials["best_val_accuracy"] = 0.3 + trials["filters"].astype(float) / 1000
    said = by_name("grid", trials, pd.DataFrame())["main_effects"].says
    assert said[2] == (
        "Filters 64 → 128: more accurate, +0.064 (+0.064 to +0.064) over 12 pairs of otherwise "
        "equal structures."
    )
    assert "Kernel size 2 → 3: no clear difference" in said[4]


def test_the_finding_on_augmentation_is_that_of_the_pairs():
    says = by_name("hyperband", *STUDIES["hyperband"]())["augmentation_effect"].says
    assert (
        "on 5 of 10 configurations: those that trained for 10 epochs both with and without"
        in says[0]
    )
    assert says[0].startswith("Crop and flip change the gap between validation and training loss")


def test_the_turn_of_validation_loss_is_told_for_each_arm():
    trials, curves = STUDIES["hyperband"]()
    trials.loc[trials["augment"] == "none", "best_epoch"] = 6
    trials.loc[trials["augment"] == "crop_flip", "best_epoch"] = 10
    flipped, plain = by_name("hyperband", trials, curves)["turning_points"].says
    assert "in 5 of the 5 trials that trained 10 epochs without augmentation: in epoch 6" in plain
    assert "in none of the 5 trials" in flipped


def test_a_forest_that_explains_nothing_names_no_parameter():
    trials, curves = bohb_study(60)
    curves["val_loss"] = np.random.default_rng(3).normal(2, 0.1, len(curves))
    assert "cannot be told" in by_name("bohb", trials, curves)["importance"].says[0]


def test_a_note_never_runs_out_of_its_figure():
    for exhibit in exhibits("bohb", *bohb_study(1)):
        if exhibit.rows.empty:
            continue
        figure = exhibit.draw()
        if note := figure._supxlabel:
            assert note.get_window_extent().x1 <= figure.bbox.x1, exhibit.name
