"""Claims about `main`: the options of its stages, and that it goes on where it ended."""

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from mlflow import MlflowClient

from entrypoints.main import main
from hypertuning.space_files import plain
from hypertuning.stages.main.run import SPACE, options_of
from hypertuning.tracking import runs

ROOT = Path(__file__).parents[2]
STAGES = ["compare", "grid", "hyperband", "bohb", "register"]


@pytest.fixture
def children(tmp_path):
    """The studies that exist before a stage begins."""
    return pd.DataFrame({"stage": STAGES, "study_id": [f"{n}" * 32 for n in range(len(STAGES))]})


@pytest.fixture
def space(tmp_path) -> Path:
    file = tmp_path / "space.yaml"
    file.write_text(yaml.safe_dump(plain(SPACE), sort_keys=False))
    return file


def started_with(stage, words, children, space):
    """The options of a stage, read from what main starts it with."""
    given = options_of(
        stage, "a" * 32, main.options(main.make_context("main", list(words))), children, space
    )
    command = importlib.import_module(f"entrypoints.{stage}").main
    return command.make_context(
        stage, [f"--{name}={value}" for name, value in given.items()]
    ).params


@pytest.mark.parametrize("stage", [*STAGES, "report"])
@pytest.mark.parametrize("profile", ["quick", "full"])
def test_every_stage_takes_what_main_starts_it_with(profile, stage, children, space, tmp_path):
    words = [f"--profile={profile}", "--model-name=mine", f"--storage-path={tmp_path}"]
    taken = started_with(stage, words, children, space)
    assert taken.get("storage_path", tmp_path) == tmp_path
    assert taken.get("model_name", "mine") == "mine"


def test_images_are_those_of_the_profile_unless_they_are_given(children, space):
    sizes = [
        tuple(started_with("grid", words, children, space)[n] for n in ("train_size", "val_size"))
        for words in (["--profile=quick"], ["--profile=quick", "--train-size=70"],
                      ["--profile=full"])
    ]  # fmt: skip
    assert sizes == [(1000, 300), (70, 300), (0, 0)]


def test_bohb_learns_from_hyperband_in_the_same_space_and_register_takes_its_best(children, space):
    hyperband, bohb = (started_with(s, [], children, space) for s in ("hyperband", "bohb"))
    assert hyperband["space"] == bohb["space"] == str(space)
    assert bohb["warm_start"] == children.set_index("stage").loc["hyperband", "study_id"]
    source = started_with("register", [], children, space)["source"]
    assert source == children.set_index("stage").loc["bohb", "study_id"]


def start(folder: Path, *words: str) -> subprocess.Popen:
    path = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    return subprocess.Popen(
        [sys.executable, "-m", "entrypoints.main", *words],
        cwd=folder, env={**os.environ, **store, "PYTHONPATH": path}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.slow
def test_a_stage_that_does_not_start_closes_main_which_says_how_to_go_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setattr("hypertuning.stages.main.run.call", lambda *_: 1)
    ended = CliRunner().invoke(main, ["--dataset=digits"])
    assert ended.exit_code == 1
    (run,) = MlflowClient(store).search_runs(["0"])
    assert (run.info.status, run.data.tags["outcome"]) == ("FAILED", "failed")
    assert "stage compare did not end well" in ended.output
    assert f"python -m entrypoints.main --resume {run.info.run_id}" in ended.output


@pytest.mark.slow
def test_a_main_run_that_is_stopped_goes_on_and_leaves_out_what_is_complete(tmp_path):
    sizes = ("--dataset=digits", "--train-size=200", "--val-size=60")
    command = start(tmp_path, *sizes)
    deadline = time.monotonic() + 300
    while len(list(tmp_path.glob("ray_results/*/part-001"))) < 2:
        assert time.monotonic() < deadline and command.poll() is None
        time.sleep(0.3)
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    command.send_signal(signal.SIGINT)
    printed = command.communicate(timeout=100)[0]
    assert command.returncode == 130, printed
    before = runs.studies(client)
    assert before["stage"].tolist() == ["compare", "grid"]
    main_run = before["parent_id"].iloc[0]
    assert client.get_run(main_run).info.status == "KILLED"
    assert f"python -m entrypoints.main --resume {main_run}" in printed

    command = start(tmp_path, f"--resume={main_run}")
    printed = command.communicate(timeout=900)[0]
    assert command.returncode == 0, printed
    assert "Traceback" not in printed
    assert f"compare: complete, run {before['study_id'].iloc[0]}" in printed
    studies = runs.studies(client)
    assert studies["stage"].tolist() == STAGES
    assert set(studies["outcome"]) == {"completed"}
    assert set(studies["parent_id"]) == {main_run}
    assert client.get_run(main_run).info.status == "FINISHED"
    assert list(client.get_registered_model("digits-cnn").aliases) == ["champion"]
    assert "trials placed" in printed, "bohb has learnt from hyperband"
    report = next((tmp_path / "reports").glob("*/report.md")).read_text()
    assert all(f"## {stage}: study" in report for stage in STAGES)
