"""Claims about what `register` and `main` check before anything is started."""

import shutil
from pathlib import Path

import mlflow
import numpy as np
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from PIL import Image

from entrypoints import main, register, rollback
from hypertuning.learn import data
from hypertuning.learn.cache import read_meta
from hypertuning.stages.register import run
from hypertuning.stages.register.publish import metric_names
from hypertuning.tracking.study_run import Opening, open_study


class Started(Exception):
    """Raised where the stage would be started."""


@pytest.fixture
def home(tmp_path, empty_store, monkeypatch) -> Path:
    """A folder of images, and a completed study on it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    for part, count in (("train", 12), ("test", 2)):
        for shade, name in ((60, "dark"), (200, "light")):
            place = tmp_path / "my shades" / part / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = np.full((32, 32), shade + number, np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")
    study(tmp_path / "my shades")
    yield tmp_path
    mlflow.set_tracking_uri(None)


def study(folder: Path) -> None:
    client = MlflowClient()
    meta = read_meta(data.prepare(str(folder), Path("data").absolute()))
    images = {"name": folder.name, "digest": meta["digest"], "classes": meta["classes"]}
    given = {"dataset": str(folder), "split_seed": "0"}
    sizes = {"train": 18, "val": 6}
    opening = Opening("train", "train · my shades", "", {}, {})
    run_id = open_study(client, opening, given, {**images, **sizes}, Path())
    trial = client.create_run("0", tags={"mlflow.parentRunId": run_id}).info.run_id
    client.log_batch(
        trial,
        [Metric(name, 1, 0, 1) for name in ("best_val_loss", "epochs_run", "best_epoch")],
        [Param("filters", "4"), Param("hidden_size", "8"), Param("seed", "0")],
        [RunTag("trial_id", "t0000"), RunTag("outcome", "completed")],
    )
    client.set_tag(run_id, "outcome", "completed")


def champion_of_somebody_else(name: str) -> None:
    """Register a champion without our code, or even files."""
    client = MlflowClient()
    client.create_registered_model(name)
    client.create_model_version(name, "/nowhere/at/all")
    client.set_registered_model_alias(name, "champion", "1")


def without_test(folder: Path) -> None:
    """Delete the test images, and make a source study without them."""
    shutil.rmtree(folder / "test")
    study(folder)


def changed(folder: Path) -> None:
    Image.new("L", (32, 32)).save(folder / "train" / "dark" / "more.png")


REGISTER = ["--source=train", "--top-k=1", "--repeats=1"]
MAIN = ["--dataset=my shades"]


@pytest.fixture(params=["a dry run", "a real run", "main"])
def refused(request, monkeypatch):
    """The one line with which a command ends before anything is started."""

    def start(*_, **__):
        raise Started

    def give(*words: str) -> str:
        monkeypatch.setattr(run, "carry_out", start)
        if request.param == "main":
            ended = CliRunner().invoke(main.main, [*MAIN, *words])
        else:
            dry = ["--dry-run=true"] if request.param == "a dry run" else []
            ended = CliRunner().invoke(register.main, [*REGISTER, *dry, *words])
        assert ended.exit_code in (1, 2), ended.output
        tags = [run.data.tags for run in MlflowClient().search_runs(["0"])]
        assert not [t for t in tags if t.get("stage") == "register" or "main" in t]
        assert not list(Path().glob("ray_results/*"))
        (line,) = ended.stderr.strip().splitlines()
        return line

    give.of = request.param
    return give


def test_what_would_be_wrong_at_the_end_is_seen_at_the_start(home, refused):
    assert "error: `model_name`" in refused("--model-name=a/b")
    champion_of_somebody_else("my-shades-cnn")
    said = "version 1 of model my-shades-cnn, its champion, cannot be compared with: its files are"
    assert said in refused()
    if refused.of != "main":
        assert "`alias` (=champion) is given by the gate" in refused("--alias=champion")
        assert "`source` must be" in refused("--source=hyperband")
        changed(home / "my shades")
        assert "is not what train" in refused("--model-name=new")
    without_test(home / "my shades")
    assert "my shades has no test images" in refused("--model-name=new")


def test_a_store_that_takes_no_files_is_seen_at_the_start(home, refused, monkeypatch):
    client = MlflowClient()
    (source,) = client.search_runs(["0"], "tags.stage = 'train'")
    client.create_experiment("far", artifact_location="s3://bucket/there")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "far")
    said = refused() if refused.of == "main" else refused(f"--source={source.info.run_id}")
    assert "artifacts of experiment far are in s3://bucket/there, which cannot be written" in said
    assert "pip install boto3" in said


def test_a_dry_run_that_finds_nothing_wrong_prints_the_plan_and_opens_nothing(home):
    ended = CliRunner().invoke(register.main, [*REGISTER, "--dry-run=true"])
    assert ended.exit_code == 0, ended.output
    assert "register: 1 trial, 1 epoch" in ended.output
    assert "for the refit" in ended.output
    client = MlflowClient()
    assert not client.search_runs(["0"], "tags.stage = 'register'")
    assert not client.search_registered_models()


def test_a_repeat_on_more_images_than_the_search_had_says_so(home):
    ended = CliRunner().invoke(register.main, [*REGISTER, "--repeat-size=10", "--dry-run=true"])
    assert ended.exit_code == 0, ended.output
    said = " ".join(ended.output.split())
    assert "train_size=10" in said and "the search had" in said


@pytest.mark.parametrize("option", ["repeat_size", "refit_size"])
def test_more_images_than_there_are_are_refused_by_the_option_that_asked(home, option):
    words = [f"--{option.replace('_', '-')}=100", "--dry-run=true"]
    ended = CliRunner().invoke(register.main, [*REGISTER, *words])
    assert ended.exit_code == 2
    assert f"`{option}` (=100)" in ended.output


def test_too_few_images_for_the_refit_are_refused_before_anything_is_trained(home):
    ended = CliRunner().invoke(register.main, [*REGISTER, "--refit-size=1", "--dry-run=true"])
    assert ended.exit_code == 2
    assert "`refit_size` (=1)" in ended.output


@pytest.mark.parametrize(
    ("given", "name"), [([], "my-shades-cnn"), (["--model-name=mine"], "mine")]
)
def test_the_model_is_named_after_its_images_and_the_record_says_so(home, monkeypatch, given, name):
    seen = []

    def start(console, job):
        seen.append(job.options.model_name)
        raise Started

    monkeypatch.setattr(run, "carry_out", start)
    ended = CliRunner().invoke(register.main, [*REGISTER, *given])
    assert isinstance(ended.exception, Started), ended.output
    assert seen == [name]


def test_a_rollback_without_a_name_lists_what_it_could_take(home):
    ended = CliRunner().invoke(rollback.main, [])
    assert ended.exit_code == 2
    assert "`model_name` is auto, but no model that `register` has made" in ended.stderr


def test_no_two_classes_share_the_name_of_a_metric():
    names = metric_names(["cat", "c++", "c--", "a:b", "été"])
    assert names == ["cat", "c---1", "c---2", "a-b", "été"]
    assert len(set(metric_names(["a!", "a?", "a--1"]))) == 3
