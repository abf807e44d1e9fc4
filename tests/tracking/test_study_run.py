"""Claims about the run of a study: where it comes from, what it says, how it ends."""

import importlib.metadata
import json
import re
import sys
from pathlib import Path

import pytest

from hypertuning.config import UserError
from hypertuning.environment import PARENT_RUN
from hypertuning.record.read import read_trials
from hypertuning.tracking import runs
from hypertuning.tracking.study_run import (
    Opening,
    close_study,
    is_delivered,
    mark_delivered,
    open_run,
    open_study,
    record_here,
    reopen_study,
)

DATASET = {
    "name": "cifar10",
    "digest": "c58f30108f718f92721af3b95e74349a" * 2,
    "classes": ["airplane", "automobile"],
    "train": 45_000,
    "val": 5_000,
}


GRID = Opening("grid", "grid · cifar10 · 36 trials", "What?", {"planned_trials": "36"}, {})


def opened(client, study=GRID, dataset=DATASET):
    run_id = open_study(client, study, {"epochs": 3}, dataset, Path("/somewhere"))
    return client.get_run(run_id)


def test_a_study_is_a_new_run_in_the_experiment_that_the_shell_names(client, monkeypatch):
    run = opened(client)
    assert client.get_experiment(run.info.experiment_id).name == "tests"
    assert (run.info.run_name, run.info.status, run.data.params) == (
        "grid · cifar10 · 36 trials",
        "RUNNING",
        {"epochs": "3"},
    )
    assert (run.data.tags["stage"], run.data.tags["mlflow.note.content"]) == ("grid", "What?")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "a new one")
    assert client.get_experiment(opened(client).info.experiment_id).name == "a new one"
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    assert client.get_experiment(opened(client).info.experiment_id).name == "Default"


def test_the_run_that_mlflow_run_made_is_adopted_with_its_params(client, monkeypatch):
    experiment_id = client.get_experiment_by_name("tests").experiment_id
    made = client.create_run(experiment_id, tags={"mlflow.source.type": "PROJECT"})
    client.log_param(made.info.run_id, "epochs", "'3'")
    monkeypatch.setenv("MLFLOW_RUN_ID", made.info.run_id)
    run = opened(client)
    assert run.info.run_id == made.info.run_id
    assert run.data.params == {"epochs": "'3'"}
    assert run.data.tags["mlflow.source.type"] == "PROJECT"
    assert run.info.run_name == GRID.name, "MLflow had made the name up"


def test_a_name_that_the_user_gave_stays(client, monkeypatch):
    experiment_id = client.get_experiment_by_name("tests").experiment_id
    made = client.create_run(experiment_id, run_name="my grid")
    monkeypatch.setenv("MLFLOW_RUN_ID", made.info.run_id)
    assert opened(client).info.run_name == "my grid"


def test_a_stage_of_a_larger_study_is_its_child(client, monkeypatch):
    parent = opened(client, GRID._replace(stage="main")).info.run_id
    monkeypatch.setenv(PARENT_RUN, parent)
    run = opened(client)
    assert run.info.run_id != parent
    assert run.data.tags["mlflow.parentRunId"] == parent


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("MLFLOW_RUN_ID", "MLFLOW_RUN_ID is 0123, but sqlite:///.*mlflow.db has no such run"),
        ("MLFLOW_EXPERIMENT_ID", "experiment 0123 cannot be used"),
    ],
)
def test_a_run_or_experiment_that_is_not_there_is_named(client, monkeypatch, name, says):
    monkeypatch.setenv(name, "0123")
    with pytest.raises(UserError, match=says):
        opened(client)


def test_a_study_says_what_it_came_from(client):
    tags = opened(client).data.tags
    assert sys.orig_argv[-1].split()[0] in tags["command"]
    for library in ("torch", "ray", "mlflow", "hpbandster"):
        assert tags[f"version.{library}"] == importlib.metadata.version(library)
    assert tags["version.python"] == ".".join(map(str, sys.version_info[:3]))
    assert tags["hardware.cpu"]
    assert int(tags["hardware.cores"]) >= 1
    assert float(tags["hardware.memory_gib"]) > 0
    assert re.fullmatch("[0-9a-f]{40}", tags.get("mlflow.source.git.commit", "0" * 40))
    assert tags.get("git_dirty", "True") in ("True", "False")


def test_a_study_names_its_data_set_with_its_digest(client):
    (used,) = opened(client).inputs.dataset_inputs
    assert used.dataset.name == "cifar10"
    assert DATASET["digest"].startswith(used.dataset.digest)
    assert json.loads(used.dataset.profile) == {"classes": ["airplane", "automobile"]}


def test_studies_of_one_data_set_keep_their_own_numbers_of_images(client):
    """MLflow stores one entity for both, as the first of them described it."""
    opened(client)
    opened(client, dataset={**DATASET, "train": 5_000, "val": 1_000})
    studies = runs.studies(client)
    assert studies["train_images"].tolist() == [45_000, 5_000]
    assert studies["val_images"].tolist() == [5_000, 1_000]


def test_the_experiment_is_marked_as_one_of_training_runs_unless_somebody_marked_it(client):
    name, ours = "mlflow.experimentKind", "custom_model_development"
    experiment_id = opened(client).info.experiment_id
    assert client.get_experiment(experiment_id).tags[name] == ours
    client.set_experiment_tag(experiment_id, name, "genai_development")
    opened(client)
    assert client.get_experiment(experiment_id).tags[name] == "genai_development"


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("completed", "FINISHED"), ("interrupted", "KILLED"), ("failed", "FAILED")],
)
def test_a_study_is_closed_with_its_outcome_and_the_numbers_of_its_best_trial(
    client, record, outcome, status
):
    record.epochs(record.job(0, until=9), range(1, 10))
    run_id = opened(client).info.run_id
    close_study(client, run_id, outcome, read_trials(record.folder))
    run = client.get_run(run_id)
    assert (run.info.status, run.data.tags["outcome"]) == (status, outcome)
    assert not is_delivered(run, outcome, read_trials(record.folder)), "its files may be missing"
    mark_delivered(client, run_id, read_trials(record.folder))
    assert is_delivered(client.get_run(run_id), outcome, read_trials(record.folder))
    assert run.data.metrics == {"best_val_loss": 0.8, "best_val_accuracy": 0.45, "best_epoch": 6}


def test_a_study_without_a_trial_that_worked_is_closed_without_numbers(client):
    run_id = opened(client).info.run_id
    close_study(client, run_id, "failed")
    assert client.get_run(run_id).data.metrics == {}


def test_a_study_says_where_its_record_is(client):
    run = opened(client)
    assert record_here(run) == Path("/somewhere") / run.info.run_id
    client.set_tag(run.info.run_id, "record", "another-machine:/somewhere")
    assert record_here(client.get_run(run.info.run_id)) is None


def test_a_study_that_goes_on_is_open_again_and_has_its_launcher_below_it(client, monkeypatch):
    study_id = opened(client).info.run_id
    close_study(client, study_id, "interrupted")
    experiment_id = client.get_run(study_id).info.experiment_id
    launcher = client.create_run(experiment_id, run_name="bold-fox-123").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", launcher)
    reopen_study(client, study_id, GRID._replace(note="goes on", tags={"planned_trials": "60"}))
    study, made = client.get_run(study_id), client.get_run(launcher)
    assert (study.info.status, study.data.tags.get("outcome")) == ("RUNNING", None)
    assert study.data.tags["mlflow.note.content"] == "goes on"
    assert study.data.tags["planned_trials"] == "60"
    assert (made.info.run_name, made.data.tags["outcome"]) == ("grid resumed", "launcher")
    assert made.data.tags["mlflow.parentRunId"] == study_id
    assert list(runs.studies(client)["study_id"]) == [study_id]
    assert runs.trials(client, [study_id]).empty


def test_a_run_is_opened_as_if_empty_variables_were_not_set(client, monkeypatch):
    names = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", PARENT_RUN, "MLFLOW_EXPERIMENT_NAME")
    for name in names:  # all are empty in the end
        monkeypatch.setenv(name, "" if name != PARENT_RUN else "  ")
        run = open_run(client, "grid", {"stage": "grid"})
        expected = "Default" if name == "MLFLOW_EXPERIMENT_NAME" else "tests"
        assert client.get_experiment(run.info.experiment_id).name == expected
        assert "mlflow.parentRunId" not in run.data.tags
