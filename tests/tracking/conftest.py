"""A record and stores for every test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from records import Record
from stores import Server, new_study, track

from hypertuning.tracking.store import connect


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "study")


@pytest.fixture
def new_store(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], tuple[Path, MlflowClient]]:
    """Make a store of the test's own with an experiment `tests`, and a client of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "tests")
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)

    def make() -> tuple[Path, MlflowClient]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        store = Path(shutil.copy(empty_store, folder / "mlflow.db"))
        track(monkeypatch, f"sqlite:///{store}")
        client = connect(timeout_s=60)
        client.create_experiment("tests", artifact_location=str(folder / "artifacts"))
        return store, client

    return make


@pytest.fixture
def _default_store(new_store) -> tuple[Path, MlflowClient]:
    return new_store()


@pytest.fixture
def store(_default_store) -> Path:
    return _default_store[0]


@pytest.fixture
def client(_default_store) -> MlflowClient:
    return _default_store[1]


@pytest.fixture
def study_id(client: MlflowClient) -> str:
    return new_study(client)


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Server]:
    store = Path(shutil.copy(empty_store, tmp_path_factory.mktemp("server") / "mlflow.db"))
    server = Server(store)
    yield server
    server.stop()


@pytest.fixture
def server(_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A tracking server over HTTP, which MLFLOW_TRACKING_URI names."""
    track(monkeypatch, _server.uri)
    return _server
