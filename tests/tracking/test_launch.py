"""Claims about the run that `mlflow run` makes for a command: adopted, filed, or named."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from records import Record
from stores import dump, new_study

from entrypoints import compare, report, rollback, sync
from hypertuning.config import UserError
from hypertuning.environment import RUN_ID
from hypertuning.learn import data
from hypertuning.learn.cache import read_meta
from hypertuning.spaces import COMPARE
from hypertuning.stages.done import Done
from hypertuning.stages.study.deliver import finish
from hypertuning.tracking.launch import file_launcher, find_launch, name_launch
from hypertuning.tracking.main_run import close_main, open_main, reopen_main
from hypertuning.tracking.study_run import Opening, close_study, open_run, reopen_study

GRID = Opening("grid", "grid · digits · 36 trials", "What?", {"planned_trials": "36"}, {})
MAIN = {"profile": "quick", "dataset": "digits"}


@pytest.fixture
def launched(client, monkeypatch):
    """A function that makes a run as `mlflow run` does for a command, and names it in the shell."""

    def launch(command="bohb", name="bald-worm-442", parameters=(), **tags):
        tags = {"mlflow.project.entryPoint": command, **tags}
        experiment_id = client.get_experiment_by_name("tests").experiment_id
        run = client.create_run(experiment_id, tags=tags, run_name=name)
        for key, value in dict(parameters).items():
            client.log_param(run.info.run_id, key, value)
        monkeypatch.setenv(RUN_ID, run.info.run_id)
        return client.get_run(run.info.run_id)

    return launch


def complete_study(client) -> str:
    study_id = open_run(client, GRID.name, {"stage": "grid"}).info.run_id
    close_study(client, study_id, "completed")
    return study_id


def complete_main(client) -> str:
    run_id = open_main(client, MAIN)
    close_main(client, run_id, "completed")
    return run_id


@pytest.mark.parametrize(
    ("complete", "reopen"),
    [
        (complete_study, lambda client, run_id: reopen_study(client, run_id, GRID)),
        (complete_main, reopen_main),
    ],
)
def test_a_refused_resume_changes_nothing(client, store, launched, monkeypatch, complete, reopen):
    run_id = complete(client)
    deleted = launched().info.run_id
    client.delete_run(deleted)
    before = dump(store)
    for bad in ("absent", "not an id!", deleted):
        monkeypatch.setenv(RUN_ID, bad)
        with pytest.raises(UserError, match=f"MLFLOW_RUN_ID is {bad}.*; unset it"):
            reopen(client, run_id)
    assert dump(store) == before


@pytest.fixture
def compared(client, tmp_path) -> Record:
    """A study of stage compare on digits of which nothing is left to do."""
    cache = data.prepare("digits", tmp_path / "data")
    meta, (train, val) = read_meta(cache), data.sizes(cache, 0, 0)
    known = {"name": "digits", "digest": meta["digest"], "classes": meta["classes"]}
    record = Record(tmp_path / "ray_results" / new_study(client), max_epochs=1)
    study = {
        "stage": "compare",
        "parameters": {"epochs": "1", "dataset": "digits", "data_dir": str(tmp_path / "data")},
        "dataset": {**known, "train": train, "val": val},
        "max_epochs": 1,
    }
    (record.folder / "study.json").write_text(json.dumps(study))
    for number, config in enumerate(COMPARE):
        job = record.job(number, 1, config=dict(config), bracket=0, rung=0, sampler="grid")
        record.epochs(job, [1])
    record.end("completed")
    client.set_tag(record.folder.name, "stage", "compare")
    finish(client, record.folder, patience_s=0)
    return record


def test_resuming_a_complete_study_leaves_it_complete_refused_or_not(
    client, store, launched, compared, monkeypatch
):
    def resume() -> Result:
        return CliRunner().invoke(compare.main, ["--resume=last"])

    before = dump(store)
    monkeypatch.setenv(RUN_ID, "absent")
    refused = resume()
    assert (refused.exit_code, "has no such run; unset it" in refused.stderr) == (2, True)
    assert dump(store) == before
    monkeypatch.setenv(RUN_ID, "")
    assert "every trial of study" in resume().output
    assert dump(store) == before
    launch = launched("compare")
    assert resume().exit_code == 0
    filed = client.get_run(launch.info.run_id)
    assert filed.data.tags["mlflow.parentRunId"] == compared.folder.name
    assert client.get_run(compared.folder.name).info.status == "FINISHED"


def test_a_run_that_holds_something_is_left_as_it_is(client, store, launched, monkeypatch):
    study_id = new_study(client)
    held = [launched(**{tag: "x"}) for tag in ("stage", "trial_id", "report", "main", "refit")]
    before = dump(store)
    for launch in held:
        monkeypatch.setenv(RUN_ID, launch.info.run_id)
        for opened in (
            lambda: open_run(client, "grid", {"stage": "grid"}),
            lambda: open_main(client, MAIN),
        ):
            with pytest.raises(UserError, match="holds something else already; unset it"):
                opened()
        file_launcher(client, launch, study_id, "grid")
        name_launch(client, launch)
    assert dump(store) == before


def test_a_run_that_was_closed_too_early_runs_again_when_its_command_begins(client, launched):
    launch = launched()
    client.set_terminated(launch.info.run_id, "KILLED")
    run_id = open_run(client, "bohb · digits · 9 trials", {"stage": "bohb"}).info.run_id
    assert run_id == launch.info.run_id
    assert client.get_run(run_id).info.status == "RUNNING"


def test_a_run_that_nothing_took_over_is_named_by_its_command(client, launched):
    for command, parameters, name in [
        ("predict", {"images": "'/some/my pictures/cat.png'"}, "predict cat.png"),
        ("download", {"dataset": "digits"}, "download digits"),
        ("rollback", {"model_name": "cifar10-cnn"}, "rollback cifar10-cnn"),
        ("sync", {"study": "all"}, "sync all"),
        ("doctor", {}, "doctor"),
        ("bohb", {"dry_run": "true"}, "bohb dry run"),
        ("bohb", {"dry_run": "false"}, "bohb not started"),
        ("main", {}, "main not started"),
    ]:
        launch = launched(command, parameters=parameters)
        name_launch(client, launch)
        run = client.get_run(launch.info.run_id)
        assert (run.info.run_name, run.data.tags["launch"]) == (name, command)


def test_a_name_of_the_users_own_stays(client, launched):
    launch = launched("predict", name="my pictures")
    name_launch(client, launch)
    assert client.get_run(launch.info.run_id).info.run_name == "my pictures"


def test_every_command_names_its_run_however_it_ends(client, launched, monkeypatch):
    monkeypatch.setattr("hypertuning.stages.repair.run.run_sync", lambda *_: Done())
    monkeypatch.setattr("hypertuning.stages.repair.records.find_records", lambda *_: [])
    for command, words, name, status in [
        (rollback, ["--model-name=mine"], "rollback mine", 1),
        (rollback, ["--model=mine"], "rollback mine", 2),
        (sync, [], "sync all", 0),
    ]:
        launch = launched(name.split()[0], parameters={"model_name": "mine", "study": "all"})
        assert CliRunner().invoke(command.main, words).exit_code == status
        assert client.get_run(launch.info.run_id).info.run_name == name


def test_a_run_that_was_taken_over_keeps_its_name(client, launched, tmp_path):
    study_id = open_run(client, GRID.name, {"stage": "grid"}).info.run_id  # without `mlflow run`
    launch = launched("report")
    result = CliRunner().invoke(report.main, ["--source", study_id, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output + result.stderr
    run = client.get_run(launch.info.run_id)
    assert run.info.run_name.startswith("report grid-")
    assert "launch" not in run.data.tags


def test_without_mlflow_run_there_is_no_launch(client):
    assert find_launch(client) is None
    file_launcher(client, None, "0" * 32, "grid")
    assert Path("mlflow.db").exists() is False
