"""Claims about what a study notes of where it comes from: enough to repeat it, and no secret."""

import os
import sys

import pytest

from hypertuning.config import UserError
from hypertuning.tracking import provenance as provenance_module
from hypertuning.tracking import study_run
from hypertuning.tracking.provenance import provenance
from hypertuning.tracking.study_run import open_run, this_experiment

REMOTE = "mlflow.source.git.repoURL"


def test_the_command_is_noted_without_the_secrets_of_its_addresses(monkeypatch):
    given = ["python", "-m", "entrypoints.bohb", "--ray_address=ray://u:secret@head:1", "a b"]
    monkeypatch.setattr(sys, "orig_argv", given)
    command = "python -m entrypoints.bohb --ray_address=ray://head:1 'a b'"
    assert provenance()["command"] == command


def test_no_run_shows_the_token_of_the_git_remote(client, monkeypatch):
    remote = {REMOTE: "https://me:secret@git.example/cifar.git"}
    monkeypatch.setattr(study_run, "resolve_tags", lambda tags: {**remote, **tags})
    made = open_run(client, "grid", {"stage": "grid"})
    launched = client.create_run(made.info.experiment_id, tags=remote)
    monkeypatch.setenv("MLFLOW_RUN_ID", launched.info.run_id)
    open_run(client, "grid", {"stage": "grid"})
    for run in (made, launched):
        tags = client.get_run(run.info.run_id).data.tags
        assert (tags[REMOTE], tags["stage"]) == ("https://git.example/cifar.git", "grid")


def test_an_experiment_that_was_deleted_is_refused_and_an_empty_name_is_none(client, monkeypatch):
    experiment_id = client.create_experiment("gone")
    client.delete_experiment(experiment_id)
    for name, value in {"NAME": "gone", "ID": experiment_id}.items():
        monkeypatch.setenv(f"MLFLOW_EXPERIMENT_{name}", value)
        with pytest.raises(UserError, match="experiment gone was deleted; `mlflow experiments res"):
            this_experiment(client)
        monkeypatch.setenv(f"MLFLOW_EXPERIMENT_{name}", "")
    assert client.get_experiment(this_experiment(client)).name == "Default"


def test_a_program_that_hangs_leaves_its_tags_out(tmp_path, monkeypatch):
    for name in ("git", "nvidia-smi"):
        (tmp_path / name).write_text("#!/bin/sh\nexec sleep 60\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(provenance_module, "PATIENCE_SECONDS", 0.1)
    found = provenance()
    assert "version.python" in found and "hardware.gpu" not in found
    assert not any(name.startswith("mlflow.source.git") for name in found)
