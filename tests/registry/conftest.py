"""A trained network, its model, and a registry."""

import shutil
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from hypertuning.config import Config
from hypertuning.learn import data, splits
from hypertuning.learn.training import Hardware
from hypertuning.registry import pyfunc
from hypertuning.registry.package import package
from hypertuning.registry.refit import begin, refit

CONFIG = Config(filters=4, hidden_size=8, learning_rate=0.01)


@pytest.fixture(scope="session")
def digits_cache(tmp_path_factory) -> Path:
    return data.prepare("digits", tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="session")
def all_digits(digits_cache) -> splits.Splits:
    """Without images held out."""
    return splits.load(digits_cache, 300, 100, split_seed=0, hold_out=False)


@pytest.fixture(scope="session")
def fitted(tmp_path_factory, all_digits):
    checkpoint = tmp_path_factory.mktemp("refit") / "refit.pt"
    state = begin(CONFIG, all_digits, 2, checkpoint, Hardware.of("cpu", "float32"))
    list(refit(state, all_digits, checkpoint))
    return state


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory, fitted, all_digits) -> Path:
    folder = tmp_path_factory.mktemp("package") / "model"
    package(fitted, all_digits, folder)
    return folder


@pytest.fixture(scope="session")
def model(model_folder):
    return pyfunc.load(str(model_folder))


@pytest.fixture(scope="session")
def _registry(tmp_path_factory, empty_store) -> MlflowClient:
    folder = tmp_path_factory.mktemp("registry")
    shutil.copy(empty_store, folder)
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    client.create_experiment("models", artifact_location=str(folder / "artifacts"))
    shutil.copy(folder / "mlflow.db", folder / "empty.db")  # to make one anew takes seconds
    return client


@pytest.fixture
def empty_registry(_registry: MlflowClient, tmp_path: Path) -> MlflowClient:
    """A registry without models."""
    made = Path(_registry.tracking_uri.removeprefix("sqlite:///"))
    shutil.copy(made.with_name("empty.db"), tmp_path / "registry.db")
    return MlflowClient(f"sqlite:///{tmp_path}/registry.db")


@pytest.fixture
def client(_registry: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """A real registry, which MLflow's addresses `models:/…` mean."""
    mlflow.set_tracking_uri(_registry.tracking_uri)
    yield _registry
    mlflow.set_tracking_uri(None)


@pytest.fixture
def name(request) -> str:
    """A model name for each test."""
    return request.node.name.replace("/", "-").replace(":", "-")[:200]


@pytest.fixture
def new_version(client, name, model_folder):
    """Make a run with the model, and a version of it."""
    from hypertuning.registry import versions

    def make(**tags):
        experiment = client.get_experiment_by_name("models")
        run = client.create_run(experiment.experiment_id).info
        client.log_artifacts(run.run_id, str(model_folder), "model")
        versions.open_test(client, name, run.run_id)
        source = f"{run.artifact_uri}/model"
        return versions.register(client, name, source, run.run_id, tags, "a card")

    return make
