"""Claims about what a stage leaves in MLflow, run as users run it: by `mlflow run`."""

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient
from stand_ins import parsed

from hypertuning.epoch import EPOCH_METRICS
from hypertuning.tracking import runs
from hypertuning.tracking.store_address import file_of

ROOT = Path(__file__).parents[2]
SECRET = "98765.4321"
"""Stands in the address of the store, like a password: no file and no output may contain it."""
SMALL = {"dataset": "digits", "train_size": 100, "val_size": 50}
STAGES = {
    "compare": ({"epochs": 1}, 3, "learning_curves"),
    "grid": ({"epochs": 1}, 36, "heat_maps"),
    "hyperband": ({"num_samples": 4, "grace_period": 1, "max_epochs": 3}, 8, "overfitting"),
    "bohb": ({"num_samples": 9, "max_epochs": 3}, 9, "anytime"),
}


@pytest.fixture(scope="module")
def stage_run(tmp_path_factory):
    """A function that runs a stage only once, however many tests use its results."""
    folder = tmp_path_factory.mktemp
    return functools.cache(lambda stage: mlflow_run(folder(f"{stage} at 100% in c#"), stage))


def python_m(folder, stage, store=None, **parameters):
    """Run a stage without MLflow's runner; return the client of its store, and the process."""
    places = {"data_dir": folder / "data", "storage_path": folder / "ray_results"}
    given = [f"--{name}={value}" for name, value in {**SMALL, **places, **parameters}.items()]
    store = store or f"sqlite:///{folder}/mlflow.db"
    path = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    ended = subprocess.run(
        [sys.executable, "-m", f"entrypoints.{stage}", *given],
        cwd=folder,
        env={**os.environ, "MLFLOW_TRACKING_URI": store, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return MlflowClient(store), ended


def mlflow_run(folder, stage):
    """Run a stage in its own folder; return the client of its store, and the output."""
    places = {"data_dir": folder / "data", "storage_path": folder / "ray_results"}
    given = [f"-P{name}={value}" for name, value in {**SMALL, **places, **STAGES[stage][0]}.items()]
    store = f"sqlite:///{folder}/mlflow.db?timeout={SECRET}"
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": store,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VIRTUAL_ENV": sys.prefix,  # as activating it does: no printed command has to
    }
    command = ["mlflow", "run", str(ROOT), "-e", stage, "--env-manager", "local", *given]
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert SECRET not in ended.stdout + ended.stderr
    return MlflowClient(store), ended.stdout


@pytest.mark.parametrize(
    "stage",
    [
        "hyperband",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("compare", "grid", "bohb")),
    ],
)
def test_every_trial_has_its_parameters_points_tags_and_figure(stage_run, stage):
    _, num_trials, figure = STAGES[stage]
    client, printed = stage_run(stage)

    study = runs.studies(client).iloc[0]
    assert (study["stage"], study["outcome"]) == (stage, "completed")
    run = client.get_run(study["study_id"])
    assert run.data.params["dataset"] == "digits"
    assert run.inputs.dataset_inputs[0].dataset.name == "digits"
    figures, tables = (
        {Path(a.path).stem for a in client.list_artifacts(study["study_id"], folder)}
        for folder in ("figures", "tables")
    )
    assert figure in figures
    assert tables >= figures | {"trials"}, "every figure has its rows beside it"
    assert "**Found**" in run.data.tags["mlflow.note.content"]
    assert study["planned_trials"] == num_trials

    trials = runs.trials(client, [study["study_id"]])
    assert len(trials) == num_trials
    assert set(trials["outcome"]) <= {"completed", "pruned"}
    assert trials["learning_rate"].notna().all()
    for trial in trials.itertuples():
        for name in EPOCH_METRICS:
            steps = [point.step for point in client.get_metric_history(trial.run_id, name)]
            assert steps == list(range(1, trial.epochs_run + 1)), (trial.trial_id, name)
        files = [file.path for file in client.list_artifacts(trial.run_id)]
        assert files == ["overfitting.png"] * (trial.epochs_run > 1)
        assert client.get_run(trial.run_id).info.status == "FINISHED"
    assert f"best 5 of {num_trials} trials" in printed or num_trials < 5


def test_a_stage_ends_with_its_files_the_commands_that_follow_and_its_page(stage_run):
    client, printed = stage_run("hyperband")
    *_, took, files, train, register, report, server, page = printed.strip().splitlines()
    study = client.get_run(runs.studies(client)["study_id"].iloc[0])
    study_id, experiment_id = study.info.run_id, study.info.experiment_id
    assert re.fullmatch(r"8 trials, \d+ epochs; this command took 0:\d\d:\d\d", took)
    folder = Path(files.removeprefix("figures and tables: "))
    assert (folder / "figures" / "overfitting.png").is_file()
    best = yaml.safe_load((folder / "best.yaml").read_text())
    trials = runs.trials(client, [study.info.run_id])
    assert best["filters"] == trials.sort_values("best_val_loss")["filters"].iloc[0]
    for line, stage in ((train, "train"), (register, "register"), (report, "report")):
        command = line.partition(": ")[2]
        assert command.startswith(f"mlflow run {ROOT} -e {stage} --env-manager local")
        assert parsed(command)[0] == stage
    assert parsed(register.partition(": ")[2])[1]["source"] == study_id
    assert server == 'start MLflow\'s pages: mlflow ui --backend-store-uri "$MLFLOW_TRACKING_URI"'
    assert page.startswith(f"http://127.0.0.1:5000/#/experiments/{experiment_id}/runs?")


def test_no_file_holds_a_secret_of_the_stores_address(stage_run):
    client, _ = stage_run("hyperband")
    store = file_of(client.tracking_uri)
    files = [file for file in store.parent.rglob("*") if file.is_file()]
    assert store in files and any(file.suffix == ".pkl" for file in files)
    assert [file for file in files if SECRET.encode() in file.read_bytes()] == []


def test_both_arms_of_hyperband_train_the_same_configurations(stage_run):
    client, _ = stage_run("hyperband")
    trials = runs.trials(client, runs.studies(client)["study_id"])
    searched = ["hidden_size", "filters", "kernel_size", "padding", "seed"]
    by_arm = {arm: rows[searched].values.tolist() for arm, rows in trials.groupby("augment")}
    assert by_arm["none"] == by_arm["crop_flip"]


@pytest.mark.slow
def test_bohb_learns_from_an_earlier_study_and_keeps_to_its_plan(stage_run, tmp_path):
    client, _ = stage_run("hyperband")
    (tmp_path / "space.yaml").write_text(
        "{filters: {low: 100, high: 200}, kernel_size: [2, 3], padding: [0, 1]}"
    )
    given = {"strategy": "bohb", "num_samples": 5, "max_epochs": 3, "warm_start": "hyperband"}
    client, ended = python_m(
        tmp_path, "bohb", client.tracking_uri, space=tmp_path / "space.yaml", **given
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    earlier, study = runs.studies(client)["study_id"]
    # rungs after 1 and 3 epochs; one in three of four trials went on to the second at least
    assert f"warm start from {earlier[:8]}: 4 of 8 trials placed" in ended.stdout
    assert "results after 1, 3 epochs" in ended.stdout
    assert "left out: 4 × another augment" in ended.stdout
    assert "`num_samples` (=5) never gives the model the 22 results" in ended.stdout

    record = json.loads((tmp_path / "ray_results" / study / "study.json").read_text())
    assert record["warm_start"]["studies"] == [earlier]
    assert sorted({epoch for _, epoch, _ in record["warm_start"]["results"]}) == [1, 3]
    trials = runs.trials(client, [study])
    assert len(trials) == record["plan"]["trials"] == 5
    assert trials["epochs_run"].sum() == record["plan"]["epochs"] == 11
    tags = client.get_run(study).data.tags
    assert (tags["model_needs"], tags["model_first_trial"], tags["model_share"]) == (
        "22", "none", "0.000",
    )  # fmt: skip


@pytest.mark.slow
def test_a_diverging_trial_ends_alone_and_the_others_go_on(tmp_path):
    points = tmp_path / "points.yaml"
    points.write_text("- {optimizer: sgd, learning_rate: 1.0e+30}\n- {learning_rate: 0.001}\n")
    client, ended = python_m(
        tmp_path, "bohb", num_samples=3, max_epochs=2, min_epochs=2, points=points
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "t0000-e002  diverged" in ended.stdout
    study = runs.studies(client).iloc[0]
    trials = runs.trials(client, [study["study_id"]])
    assert study["outcome"] == "completed"
    assert trials["outcome"].tolist() == ["diverged", "completed", "completed"]
    assert trials["status"].tolist() == ["FAILED", "FINISHED", "FINISHED"]
    assert trials["sampler"].tolist() == ["point", "point", "random"]
    assert trials["epochs_run"].tolist() == [0, 2, 2]


@pytest.mark.slow
def test_a_study_in_which_every_trial_diverges_fails_and_says_so_in_one_line(tmp_path):
    client, ended = python_m(tmp_path, "compare", epochs=1, learning_rate=1e30)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "none of its 3 trials finished an epoch; the first cause: diverged" in ended.stderr
    study = runs.studies(client).iloc[0]
    assert (study["outcome"], study["status"]) == ("failed", "FAILED")
    assert set(runs.trials(client, [study["study_id"]])["status"]) == {"FAILED"}
