"""Claims about the commands that are printed: they can be pasted."""

import sys
from pathlib import Path

import pytest

from entrypoints.next_steps import command_of, how_to_go_on, next_steps
from hypertuning.tracking.environment import PARENT_RUN


@pytest.fixture(autouse=True)
def shell(monkeypatch):
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", PARENT_RUN):
        monkeypatch.delenv(name, raising=False)


def test_without_mlflow_run_the_command_is_that_of_the_module():
    assert command_of("predict", model_uri="a", images="b") == (
        "python -m entrypoints.predict --model-uri a --images b"
    )


def test_under_mlflow_run_it_names_the_environment_and_the_experiment(monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "7")
    given = command_of("register", source="a")
    assert given == "mlflow run . -e register --env-manager local --experiment-id 7 -P source=a"


def test_in_an_environment_that_mlflow_has_built_it_leaves_that_to_mlflow(monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setattr(sys, "prefix", "/home/me/.mlflow/envs/mlflow-0a1b2c")
    assert command_of("register", source="a") == "mlflow run . -e register -P source=a"


def test_below_main_no_study_says_how_to_go_on(monkeypatch):
    assert "--resume study" in how_to_go_on("grid", Path("study"))
    assert len(next_steps("grid", "study")) == 2
    monkeypatch.setenv(PARENT_RUN, "0" * 32)
    assert "To go on" not in how_to_go_on("grid", Path("study"))
    assert not next_steps("grid", "study")
