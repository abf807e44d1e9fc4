"""Claims about the data of the page's table: whole, ordered, and no larger than need be."""

import json

import numpy as np
import pandas as pd
from studies import sampled_configs, study

from hypertuning.report.data import Data, RunPages
from hypertuning.report.trial_list import trial_list
from hypertuning.tracking.runs import STUDY_COLUMNS


def listed(trials, curves, pages=None):
    ids = trials["study_id"].unique()
    said = {**dict.fromkeys(STUDY_COLUMNS), "stage": "bohb", "experiment_id": "7"}
    studies = pd.DataFrame([{**said, "study_id": study_id} for study_id in ids])
    return trial_list(Data(studies, trials, curves, pages=pages))


def column(made, name):
    place = [column.name for column in made.columns].index(name)
    return [row[place] for row in made.rows]


def test_the_lowest_loss_comes_first_and_trials_without_one_last():
    trials, curves = study(sampled_configs(5), 3)
    trials["best_val_loss"] = [2.0, np.nan, 1.0, np.inf, 3.0]
    made = listed(trials, curves)
    assert column(made, "trial_id") == ["t0002", "t0000", "t0004", "t0003", "t0001"]
    assert column(made, "best_val_loss") == [1.0, 2.0, 3.0, None, None]


def test_every_trial_has_its_curve_and_its_parameters_to_the_last_digit():
    rate = 0.0012345678901234567
    trials, curves = study([{"learning_rate": rate}, {"learning_rate": 0.1}], [2, 3])
    made = listed(trials, curves)
    assert [len(curve) for curve in made.data["curves"]] == trials.sort_values("best_val_loss")[
        "epochs_run"
    ].tolist()
    place = made.data["parameters"].index("learning_rate")
    assert rate in [values[place] for values in made.data["values"]]
    assert made.data["searched"] == {"bohb 5f0c2d": ["learning_rate"]}


def test_a_trial_without_an_epoch_has_an_empty_curve_and_is_running():
    trials, curves = study(sampled_configs(1), 3)
    made = listed(trials.assign(outcome=None), curves.head(0))
    assert made.data["curves"] == [[]]
    assert column(made, "outcome") == ["running"]


def test_one_study_needs_no_column_for_it():
    one, two = (study(sampled_configs(2), 1, study_id=name) for name in ("a" * 32, "b" * 32))
    assert "study" not in [column.name for column in listed(*one).columns]
    both = listed(pd.concat([one[0], two[0]]), pd.concat([one[1], two[1]]))
    assert set(column(both, "study")) == {"bohb aaaaaa", "bohb bbbbbb"}


def test_the_address_of_a_run_is_that_of_its_study_and_its_id():
    made = listed(*study(sampled_configs(1), 1), RunPages("http://host"))
    address = made.data["pages"][made.data["studies"][0]] + made.data["runs"][0]
    assert address == "http://host/#/experiments/7/runs/5f0c2d-0"


def test_2000_trials_of_10_epochs_take_less_than_two_megabytes():
    trials, curves = study(sampled_configs(200), 10)
    written = json.dumps(listed(trials, curves).data, separators=(",", ":"), allow_nan=False)
    assert 10 * len(written) < 2_000_000
