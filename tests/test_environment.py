"""Claims about environment variables: one that is empty is one that is not set."""

import os
from pathlib import Path

import pytest

from hypertuning import environment
from hypertuning.environment import EXPERIMENT_NAME, RUN_ID


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_counts_as_not_set(monkeypatch, empty):
    monkeypatch.setenv(EXPERIMENT_NAME, empty)
    assert environment.read(EXPERIMENT_NAME) is None


def test_a_value_is_read_as_it_is(monkeypatch):
    monkeypatch.setenv(EXPERIMENT_NAME, " my experiment ")
    assert environment.read(EXPERIMENT_NAME) == " my experiment "


@pytest.mark.parametrize(("had", "then"), [(None, "10"), ("", "10"), ("3", "3")])
def test_a_default_takes_the_place_of_an_empty_value_and_of_no_other(monkeypatch, had, then):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", had or "")
    if had is None:
        monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    environment.set_default("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == then


def test_a_command_is_started_with_all_variables_but_those_named(monkeypatch):
    monkeypatch.setenv(RUN_ID, "0123")
    given = environment.without(RUN_ID)
    assert given == {name: value for name, value in os.environ.items() if name != RUN_ID}


def test_a_file_that_is_not_there_is_named_with_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert environment.not_there(Path("a.png")) == f"there is no {tmp_path}/a.png"
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    assert "starts in the folder of the project" in environment.not_there(Path("a.png"))
    assert environment.not_there(Path("/a.png")) == "there is no /a.png"
