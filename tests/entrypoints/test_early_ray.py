"""Claims about a study that cannot begin after all, while its Ray is starting."""

import shutil
import threading

import mlflow
import pytest
import ray
from click.testing import CliRunner

from entrypoints import grid
from hypertuning.config import UserError
from hypertuning.learn import data
from hypertuning.stages.process import restored

STORE, NONSENSE = "MLFLOW_TRACKING_URI", "nonsense://here"


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What Ray was told to do; its start lasts until the test says `ray.goes_on`."""
    told, goes_on = [], threading.Event()

    def init(**_):
        told.append("start")
        goes_on.wait(60)
        told.append("started")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: told.append("end"))
    monkeypatch.setattr(ray, "goes_on", goes_on, raising=False)
    monkeypatch.chdir(tmp_path)
    with restored():
        yield told


@pytest.fixture
def store(told, tmp_path, empty_store) -> None:
    """A store in the working folder."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")


def run(*words: str, store: str = ""):
    mlflow.set_tracking_uri(None)  # an earlier test may have named one
    return CliRunner().invoke(grid.main, ["--dataset", "digits", *words], env={STORE: store})


def test_an_error_found_meanwhile_is_one_line_and_leaves_neither_ray_nor_record(told, tmp_path):
    threading.Timer(0.5, ray.goes_on.set).start()
    result = run(store=NONSENSE)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {STORE} (={NONSENSE}) has a scheme that MLflow")
    assert result.stderr.count("\n") == 1
    assert told == ["start", "started", "end"], "a start is over before it is ended"
    assert not (tmp_path / "ray_results").exists()


def test_that_error_is_told_also_if_ray_did_not_start(told, monkeypatch):
    def init(**_):
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(ray, "init", init)
    result = run(store=NONSENSE)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {STORE} ") and result.stderr.count("\n") == 1


def test_ctrl_c_meanwhile_ends_ray_too(told, store, monkeypatch):
    def prepare(*_):
        ray.goes_on.set()
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "prepare", prepare)
    result = run()
    assert (result.exit_code, result.stderr.strip()) == (130, "error: stopped")
    assert told == ["start", "started", "end"]


def test_ray_is_not_started_for_a_dry_run_nor_before_images_are_there(told, store, monkeypatch):
    def prepare(*_):
        raise UserError("no mirror answers")

    monkeypatch.setattr(data, "prepare", prepare)
    assert run("--dry-run", "true").stderr == "error: no mirror answers\n"
    assert run("--dataset", "cifar10").stderr == "error: no mirror answers\n"
    assert not told
