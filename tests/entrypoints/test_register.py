"""Claims about registering, serving and predicting, run as users run them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import mlflow
import numpy as np
import pandas as pd
import pytest
import requests
import yaml
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from PIL import Image

from hypertuning.config import parse_config
from hypertuning.learn import data
from hypertuning.learn.cache import read_meta
from hypertuning.registry.predict import load
from hypertuning.registry.versions import uri
from hypertuning.tracking import runs
from hypertuning.tracking.study_run import Opening, open_study

ROOT = Path(__file__).parents[2]
MODEL = "digits-cnn"
GOOD = {"filters": 8, "hidden_size": 32, "num_conv_layers": 2, "learning_rate": 0.01}
POOR = {**GOOD, "filters": 1, "hidden_size": 2, "learning_rate": 0.0001}


class Home(NamedTuple):
    """A folder with a store, in which commands are run."""

    folder: Path

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder}/mlflow.db"

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.store)

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
        # mlflow finds the programs of its servers by name
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        store = {"MLFLOW_TRACKING_URI": self.store}
        return {**os.environ, **store, "PYTHONPATH": path, "PATH": programs}

    def start(self, stage: str, **options) -> subprocess.Popen:
        given = [f"--{name}={value}" for name, value in options.items()]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, "-m", f"entrypoints.{stage}", *given]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes)

    def run(self, stage: str, status: int = 0, **options) -> str:
        """Run a command; return what it printed."""
        with self.start(stage, **options) as command:
            printed = "".join(command.communicate(timeout=500))
        assert command.returncode == status, printed
        assert "Traceback" not in printed
        return printed

    def train(self, config: dict, epochs: int = 3) -> str:
        """Train a configuration; return the study's id."""
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config))
        sizes = {"train_size": 300, "val_size": 100}
        self.run("train", config="config.yaml", epochs=epochs, dataset="digits", **sizes)
        return runs.studies(self.client)["study_id"].iloc[-1]

    def searched(self, config: dict, epochs: int = 3) -> str:
        """Leave a study of one trial in the store, as `train` does; give the study's id."""
        client = self.client
        meta = read_meta(data.prepare("digits", self.folder / "data"))
        images = {"name": "digits", "digest": meta["digest"], "classes": meta["classes"]}
        sizes = {"train": 300, "val": 100}
        opening = Opening("train", "train · digits", "", {"images": "digits"}, {})
        given = {"dataset": "digits", "split_seed": "0"}
        study_id = open_study(client, opening, given, {**images, **sizes}, self.folder)
        parent = {"mlflow.parentRunId": study_id}
        experiment_id = client.get_run(study_id).info.experiment_id
        trial = client.create_run(experiment_id, tags=parent).info.run_id
        measured = {"best_val_loss": 0.5, "best_epoch": epochs, "epochs_run": epochs}
        given = parse_config(config).hyperparameters()
        client.log_batch(
            trial,
            [Metric(name, value, 0, 1) for name, value in measured.items()],
            [Param(name, str(value)) for name, value in given.items()],
            [RunTag("trial_id", "t0000"), RunTag("outcome", "completed")],
        )
        client.set_tag(study_id, "outcome", "completed")
        return study_id

    def studies(self, stage: str) -> pd.DataFrame:
        studies = runs.studies(self.client)
        return studies[studies["stage"] == stage]

    def version(self, alias: str) -> str | None:
        version = self.client.get_registered_model(MODEL).aliases.get(alias)
        return version and str(version)


@pytest.fixture(scope="module")
def home(tmp_path_factory, empty_store) -> Home:
    """A place where one configuration is known, and was registered from that."""
    home = Home(tmp_path_factory.mktemp("home"))
    shutil.copy(empty_store, home.folder)
    home.searched(GOOD)
    printed = home.run("register", source="train", top_k=1, repeats=2)
    assert f"models:/{MODEL}@champion (version 1)" in printed
    return home


def test_the_version_says_where_it_comes_from_and_what_it_does(home):
    version = home.client.get_model_version(MODEL, "1")
    source, study = home.studies("train").iloc[0], home.studies("register").iloc[0]
    assert version.tags["source_study"] == source["study_id"]
    assert version.tags["source_trial"] == "t0000"
    assert version.tags["register_study"] == study["study_id"]
    assert version.tags["digest"].startswith(source["digest"])
    assert json.loads(version.tags["classes"]) == [str(digit) for digit in range(10)]
    assert version.tags["test_opened"] == "1"
    assert source["study_id"] in version.description
    assert f"# {MODEL}" in version.description
    assert "Fitted on 400 images of digits" in version.description, "those of validation too"
    note = home.client.get_run(study["study_id"]).data.tags["mlflow.note.content"]
    assert all(found in note for found in ("The only candidate is trial t0000", "test images: acc"))
    assert f"models:/{MODEL}@champion (version 1)" in note
    metrics = home.client.get_run(version.run_id).data.metrics
    assert f"{metrics['test_accuracy']:.4f}" == version.tags["test_accuracy"]
    assert metrics["test_accuracy_low"] < metrics["test_accuracy"] < metrics["test_accuracy_high"]
    assert metrics["test_expected_calibration_error"] >= 0
    assert "test_accuracy.7" in metrics


def test_repeats_have_seeds_that_the_search_did_not_have(home):
    source, study = home.studies("train").iloc[0], home.studies("register").iloc[0]
    searched, again = (runs.trials(home.client, [s["study_id"]]) for s in (source, study))
    assert len(again) == 2
    assert set(again["sampler"]) == {"repeat"}
    assert not set(again["seed"]) & set(searched["seed"])
    assert set(again["epochs_run"]) == {3}


def test_the_refit_is_a_run_of_the_study_with_all_that_is_shown_of_it(home):
    study = home.studies("register").iloc[0]
    run_id = home.client.get_model_version(MODEL, "1").run_id
    run = home.client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.parentRunId"] == study["study_id"]
    epochs = [point.step for point in home.client.get_metric_history(run_id, "train_loss")]
    assert epochs == list(range(1, len(epochs) + 1)) and epochs
    names = {Path(a.path).name for a in home.client.list_artifacts(run_id, "figures")}
    assert names >= {"confusion.png", "class_accuracy.png", "calibration.png", "refit.png"}
    file = home.client.download_artifacts(run_id, "tables/predictions.csv")
    predictions = pd.read_csv(file)
    right = (predictions["label"] == predictions["predicted"]).mean()
    assert right == pytest.approx(run.data.metrics["test_accuracy"])


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Three pictures of different sizes and modes, and a file that is not a picture."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    Image.fromarray(rng.integers(0, 255, (50, 90), np.uint8)).save(folder / "grey.png")
    Image.fromarray(rng.integers(0, 255, (9, 7, 4), np.uint8)).save(folder / "alpha.png")
    Image.fromarray(rng.integers(0, 255, (32, 32, 3), np.uint8)).save(folder / "more/colour.jpg")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_predict_answers_for_every_picture_and_names_what_is_none(home, pictures):
    answers = pictures.parent / "answers.csv"
    printed = home.run("predict", status=1, images=pictures, out=answers)
    table = pd.read_csv(answers, dtype={"class": str})
    assert [Path(file).name for file in table["file"]] == ["alpha.png", "grey.png", "colour.jpg"]
    assert "notes.txt is not a picture" in printed
    assert table.filter(regex="^p_").sum(axis=1).to_numpy() == pytest.approx(1)
    assert "top 3" in printed
    _, _, answered = printed.partition("champion")
    assert "more/colour.jpg" in answered and str(pictures) not in answered.split("skipped")[0]


@pytest.mark.slow
def test_resuming_what_is_done_tests_and_registers_nothing_again(home):
    study = home.studies("register").iloc[0]["study_id"]
    printed = home.run("register", resume=study)
    assert "nothing is left to do" in printed
    assert home.client.get_registered_model(MODEL).tags["test_opened"] == "1"
    assert len(home.client.search_model_versions(f"name = '{MODEL}'")) == 1


@pytest.fixture(scope="module")
def challenged(home) -> Home:
    """There is a second version, which is worse."""
    study = home.searched(POOR)
    larger = {"repeat_size": 500, "refit_size": 0, "refit_epochs": 2, "test_augment": "mirror"}
    printed = home.run("register", source=study, top_k=1, repeats=1, **larger)
    assert f"models:/{MODEL}@challenger (version 2)" in printed
    return home


@pytest.mark.slow
def test_repeats_and_refit_may_have_more_images_than_the_search(challenged):
    study = challenged.studies("register").iloc[1]
    assert (study["train_images"], study["val_images"]) == (500, 100)
    version = challenged.client.get_model_version(MODEL, "2")
    assert "Fitted on 1,437 images of digits" in version.description, "all but the test images"
    assert "its mirror image, averaged" in version.description
    losses = challenged.client.get_metric_history(version.run_id, "train_loss")
    assert [point.step for point in losses] == [1, 2]
    note = challenged.client.get_run(version.run_id).data.tags["mlflow.note.content"]
    assert "for 2 epochs: as asked" in note


@pytest.mark.slow
def test_a_model_that_is_no_better_does_not_become_champion(challenged):
    assert (challenged.version("champion"), challenged.version("challenger")) == ("1", "2")
    version = challenged.client.get_model_version(MODEL, "2")
    assert "McNemar" in version.tags["gate"]
    assert version.tags["compared_with"] == "1"
    assert (version.tags["test_opened"], version.tags["forced"]) == ("2", "false")
    assert "opened 2 times" in version.description
    study = challenged.studies("register").iloc[1]["study_id"]
    note = challenged.client.get_run(study).data.tags["mlflow.note.content"]
    assert "version 1 stays champion" in note


@pytest.mark.slow
def test_force_makes_it_champion_and_a_rollback_takes_that_back(challenged):
    study = challenged.studies("train").iloc[-1]["study_id"]
    challenged.run("register", source=study, top_k=1, repeats=1, force="true")
    assert (challenged.version("champion"), challenged.version("previous")) == ("3", "1")
    assert challenged.client.get_model_version(MODEL, "3").tags["forced"] == "true"
    printed = challenged.run("rollback")
    assert "version 1 is champion again" in printed
    assert (challenged.version("champion"), challenged.version("previous")) == ("1", "3")


class Server:
    """`mlflow models serve`, as the README starts it."""

    def __init__(self, home: Home) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        mlflow = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{MODEL}/1"]
        nothing_of_ours = {k: v for k, v in home.environment.items() if k != "PYTHONPATH"}
        self.process = subprocess.Popen(
            [*mlflow, "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)],
            cwd=home.folder, env=nothing_of_ours, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{port}"

    def wait(self) -> None:
        for _ in range(300):
            try:
                if requests.get(f"{self.url}/ping", timeout=5).ok:
                    return
            except requests.RequestException:
                time.sleep(0.3)
        raise AssertionError("the server does not answer")

    def ask(self, images: object) -> requests.Response:
        return requests.post(f"{self.url}/invocations", json={"inputs": images}, timeout=60)


@pytest.fixture(scope="module")
def server(home):
    started = Server(home)
    try:
        started.wait()
        yield started
    finally:
        os.killpg(started.process.pid, signal.SIGKILL)
        started.process.wait()


IMAGES = np.random.default_rng(1).integers(0, 256, (3, 3, 32, 32))


@pytest.fixture
def in_store(home) -> Iterator[None]:
    """MLflow in this process uses the place's store, whatever earlier tests have set."""
    mlflow.set_tracking_uri(home.store)
    yield
    mlflow.set_tracking_uri(None)


@pytest.mark.usefixtures("in_store")
def test_a_server_answers_as_the_loaded_model_does(home, server):
    answered = server.ask(IMAGES.tolist())
    assert answered.status_code == 200, answered.text
    told = pd.DataFrame(answered.json()["predictions"])
    local = load(uri(home.client.get_model_version(MODEL, "1"))).predict(IMAGES.astype(np.uint8))
    assert list(told) == list(local)
    assert told["class"].tolist() == local["class"].tolist()
    shares = [table.filter(regex="^p").to_numpy() for table in (told, local)]
    assert np.abs(shares[0] - shares[1]).max() < 1e-5


@pytest.mark.parametrize(
    ("images", "says"),
    [
        ((IMAGES / 255).tolist(), "got float64"),
        ((IMAGES + 1).tolist(), "0 to 255"),
        (IMAGES[0].tolist(), "(n, 3, 32, 32)"),
        (IMAGES[:, :, :8, :8].tolist(), "(n, 3, 32, 32)"),
        ("a picture", ""),
    ],
)
def test_a_server_refuses_what_is_no_image_and_says_why(server, images, says):
    answered = server.ask(images)
    assert answered.status_code == 400, answered.text
    assert says in answered.text
    assert len(answered.text) < 1000, "not the pixels as well"


@pytest.mark.slow
def test_a_refit_that_is_broken_off_goes_on_where_it_was(home):
    study = home.train(GOOD, epochs=60)
    before = len(home.studies("register"))
    command = home.start("register", source=study, top_k=1, repeats=1)
    record = home.folder / "ray_results"

    def refit_begun() -> bool:
        new = home.studies("register").iloc[before:]["study_id"]
        return any((record / study_id / "refit.pt").exists() for study_id in new)

    deadline = time.monotonic() + 200
    while not refit_begun():
        assert time.monotonic() < deadline and command.poll() is None
        time.sleep(0.05)
    command.send_signal(signal.SIGINT)
    printed = "".join(command.communicate(timeout=60))
    assert command.returncode == 130, printed
    broken_off = home.studies("register").iloc[before]["study_id"]
    assert f"--resume {broken_off}" in printed
    assert "model_version" not in home.client.get_run(broken_off).data.tags

    home.run("register", resume=broken_off)
    tags = home.client.get_run(broken_off).data.tags
    run_id = home.client.get_model_version(MODEL, tags["model_version"]).run_id
    assert run_id == tags["refit_run"], "one run for both parts"
    epochs = [point.step for point in home.client.get_metric_history(run_id, "train_loss")]
    assert epochs == list(range(1, len(epochs) + 1))


@pytest.mark.slow
def test_a_kill_while_the_model_is_tested_counts_one_opening_and_makes_one_version(home):
    study = home.train(GOOD)
    command = home.start("register", source=study, top_k=1, repeats=1, model_name="killed")

    def opened() -> bool:
        named = home.client.search_registered_models("name = 'killed'")
        return any(name.startswith("test_opened.") for model in named for name in model.tags)

    deadline = time.monotonic() + 200
    while not opened():
        assert time.monotonic() < deadline and command.poll() is None
        time.sleep(0.02)
    command.kill()
    command.communicate()
    killed = home.studies("register").iloc[-1]["study_id"]
    refit = home.client.get_run(killed).data.tags["refit_run"]
    found = home.run("doctor", status=1, study=killed)
    assert f"refit {refit} is RUNNING, but its driver is gone" in found

    home.run("register", resume=killed)
    model = home.client.get_registered_model("killed")
    assert model.tags["test_opened"] == "1"
    assert [int(version.version) for version in model.latest_versions] == [1]
    assert {alias: int(number) for alias, number in model.aliases.items()} == {"champion": 1}
    assert home.client.get_run(refit).info.status == "FINISHED"
    assert "all is well" in home.run("doctor", study=killed)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"source": "hyperband"}, "or a stage of which experiment 'Default' holds one, got"),
        ({"source": "train", "model_name": "a/b"}, "`model_name`: "),
        ({"source": "train", "alias": "champion"}, "`alias` (=champion) is given by the gate"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_what_cannot_be_registered_is_said_in_one_line(home, given, says):
    studies = len(runs.studies(home.client))
    with home.start("register", **given) as command:
        _, said = command.communicate(timeout=100)
    assert command.returncode in (1, 2)
    assert said.startswith("error: ") and len(said.splitlines()) == 1
    assert says in said
    assert len(runs.studies(home.client)) == studies


@pytest.mark.slow
def test_a_champion_of_other_classes_is_known_before_anything_is_trained(home, tmp_path):
    rng = np.random.default_rng(0)
    for split, count in (("train", 30), ("test", 5)):
        for shade, name in ((60, "dark"), (200, "light")):
            folder = tmp_path / "shades" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = np.clip(rng.normal(shade, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{number:04d}.png")
    (home.folder / "shades.yaml").write_text(yaml.safe_dump(GOOD))
    home.run("train", config="shades.yaml", epochs=2, dataset=tmp_path / "shades")
    study = runs.studies(home.client)["study_id"].iloc[-1]
    few = {"source": study, "top_k": 1, "repeats": 1}
    refused = home.run("register", status=1, **few, model_name=MODEL)
    assert "its champion, cannot be compared with: it tells 0, 1, 2" in refused
    assert "these images are of dark, light" in refused
    made = home.run("register", **few)
    assert "models:/shades-cnn@champion (version 1)" in made
