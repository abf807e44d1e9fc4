"""Claims about reading studies, trials and curves back, from SQLite and over HTTP."""

import pandas as pd
import pytest
from mlflow import MlflowClient
from records import START, row
from stores import new_study

from hypertuning.config import Config, UserError
from hypertuning.epoch import EPOCH_METRICS
from hypertuning.record.read import read_trial, read_trials
from hypertuning.tracking import runs
from hypertuning.tracking.mirror import Mirror, mirror_study


@pytest.fixture
def mirrored(record, client, study_id) -> str:
    """A study of three trials: completed, without an epoch, and a model without convolutions."""
    write(record)
    mirror_study(client, study_id, record.folder)
    return study_id


def write(record) -> None:
    ladder = {"sampler": "model", "bracket": 2, "rung": 1}
    sgd = {"optimizer": "sgd", "learning_rate": 1e-05, "batch_norm": True}
    record.epochs(record.job(0, until=9, config=sgd, **ladder), range(1, 10))
    record.job(1, until=9, sampler="random")
    record.epochs(record.job(2, until=3, config={"model": "nn"}, sampler="random"), [1, 2])
    record.end("completed")


def test_trials_come_back_with_typed_hyperparameters(client, mirrored, record):
    frame = runs.trials(client, [mirrored])
    assert list(frame["trial_id"]) == ["t0000", "t0001", "t0002"]
    for trial, (_, read) in zip(read_trials(record.folder), frame.iterrows(), strict=True):
        present = {name: read[name] for name in Config.model_fields if not pd.isna(read[name])}
        assert present == trial.config
        assert {name: type(value) for name, value in trial.config.items() if name != "filters"} == {
            name: type(value) for name, value in present.items() if name != "filters"
        }
    assert dict(
        frame.dtypes[["hidden_size", "filters", "batch_norm", "learning_rate"]].astype(str)
    ) == {
        "hidden_size": "int64",
        "filters": "Int64",
        "batch_norm": "boolean",
        "learning_rate": "float64",
    }


def test_trials_come_back_with_their_best_numbers_and_their_place(client, mirrored):
    first, second, third = runs.trials(client, [mirrored]).to_dict("records")
    assert first["best_val_loss"] == 0.8
    assert first["learning_rate"] == 1e-05, "the hyperparameter, not the metric of that name"
    assert (first["best_epoch"], first["epochs_run"], first["overfit_epoch"]) == (6, 9, 7)
    assert (first["sampler"], first["bracket"], first["rung"]) == ("model", 2, 1)
    assert (first["outcome"], first["status"]) == ("completed", "FINISHED")
    assert first["started"] == pd.Timestamp(START, unit="s", tz="UTC")
    assert second["epochs_run"] == 0
    assert pd.isna(second["best_val_loss"])
    assert pd.isna(third["rung"])


def test_a_trial_that_still_trains_has_no_outcome(record, client, study_id):
    record.job(0, until=9)
    Mirror(client, study_id).trial(read_trial(record.folder, 0))
    frame = runs.trials(client, [study_id])
    assert frame.loc[0, "outcome"] is None
    assert frame.loc[0, "status"] == "RUNNING"


def check_curves(frame: pd.DataFrame) -> None:
    assert list(zip(frame["trial_id"], frame["epoch"], strict=True)) == [
        *(("t0000", epoch) for epoch in range(1, 10)),
        *(("t0002", epoch) for epoch in (1, 2)),
    ]
    for name in EPOCH_METRICS:
        assert list(frame[name]) == [row(epoch)[name] for epoch in frame["epoch"]]
    assert frame["timestamp"][0] == pd.Timestamp(row(1)["timestamp"], unit="s", tz="UTC")


def test_curves_come_back_as_they_were_recorded(client, mirrored):
    check_curves(runs.curves(client, [mirrored]))


def test_a_server_gives_the_same_frames_and_answers_for_many_runs_at_once(
    record, server, monkeypatch
):
    client = MlflowClient(server.uri)
    study_id = new_study(client)
    write(record)
    mirror_study(client, study_id, record.folder)
    monkeypatch.setattr(client, "get_metric_history", None)
    monkeypatch.setattr("hypertuning.tracking.histories._RUNS_PER_REQUEST", 2)
    check_curves(runs.curves(client, [study_id]))
    assert list(runs.trials(client, [study_id])["best_val_loss"].dropna()) == [
        0.8,
        row(2)["val_loss"],
    ]


def test_empty_frames_have_their_columns_and_types(client, study_id):
    for frame, columns in (
        (runs.trials(client, [study_id]), runs.TRIAL_COLUMNS),
        (runs.curves(client, [study_id]), runs.CURVE_COLUMNS),
        (runs.studies(client, []), runs.STUDY_COLUMNS),
    ):
        assert frame.empty
        assert list(frame.columns) == list(columns)
    assert runs.trials(client, [study_id])["best_val_loss"].dtype == "float64"


def test_studies_are_the_runs_that_are_neither_trials_nor_launchers(client, mirrored):
    experiment_id = client.get_run(mirrored).info.experiment_id
    launcher = {"mlflow.parentRunId": mirrored, "stage": "hyperband", "outcome": "launcher"}
    client.create_run(experiment_id, tags=launcher)
    client.create_run(experiment_id)
    frame = runs.studies(client)
    assert list(frame["study_id"]) == [mirrored]
    assert list(frame["stage"]) == ["hyperband"]
    assert list(runs.trials(client, [mirrored])["trial_id"]) == ["t0000", "t0001", "t0002"]


def test_several_studies_come_in_the_order_asked_for(client, mirrored):
    other = new_study(client)
    frame = runs.trials(client, [other, mirrored])
    assert set(frame["study_id"]) == {mirrored}
    assert set(runs.studies(client)["study_id"]) == {other, mirrored}


def test_more_runs_than_a_page_holds_are_all_read(client, mirrored, monkeypatch):
    search = client.search_runs
    monkeypatch.setattr(client, "search_runs", lambda *a, **k: search(*a, **k, max_results=2))
    assert len(runs.trials(client, [mirrored])) == 3


def test_a_study_that_is_not_there_is_named(client):
    with pytest.raises(UserError, match="there is no study 0123"):
        runs.trials(client, ["0123"])
