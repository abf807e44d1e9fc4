"""No test sees the MLflow or Ray that the user has set up; those that need Ray share one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def pytest_configure() -> None:
    """Forget the user's settings before any library is imported and reads them."""
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "RAY_", "TUNE_"))]:
        del os.environ[name]
    os.environ.update(
        MLFLOW_DISABLE_TELEMETRY="true",
        RAY_USAGE_STATS_ENABLED="0",
        # for the processes that tests start, and for Ray's workers, wherever they run
        PYTHONPATH=os.pathsep.join(filter(None, [f"{ROOT}/src", os.environ.get("PYTHONPATH")])),
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that share a Ray at the end: the others may start one of their own."""
    items.sort(key=lambda item: "ray_local" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Stay out of the checkout, where MLflow's default store and `mlruns` would be made."""
    with pytest.MonkeyPatch.context() as session:
        session.chdir(tmp_path_factory.mktemp("elsewhere"))
        yield


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, in which MLflow has no other store set."""
    import mlflow

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", None)
    yield tmp_path
    mlflow.set_tracking_uri(None)


@pytest.fixture
def few_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model choose by the same rule among fewer candidates, hence sooner."""
    for name, count in {"candidates.DRAWN": 100, "candidates.NEAR": 50, "candidates.ROUNDS": 2,
                        "gp.PROMISING": 20, "gp.DRAWS": 100}.items():  # fmt: skip
        monkeypatch.setattr(f"hypertuning.search.{name}", count)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh SQLite store: making its tables takes seconds, copying it nothing."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def ray_local() -> Iterator[None]:
    """Ray with two CPUs, set up as a study sets it up; starting it takes seconds."""
    import ray

    from hypertuning.search.ray_start import DRIVER_ENVIRONMENT, WORKER_ENVIRONMENT

    with pytest.MonkeyPatch.context() as session:
        for name, value in DRIVER_ENVIRONMENT.items():
            session.setenv(name, value)
        ray.init(
            address="local",
            num_cpus=2,
            runtime_env={"env_vars": WORKER_ENVIRONMENT},
            include_dashboard=False,
            log_to_driver=False,
        )
        yield
        ray.shutdown()


@pytest.fixture(scope="session")
def real_images() -> Path:
    """A folder of CIFAR-10 images that the user has: `train/<class>/*`, `test/<class>/*`."""
    if not (given := os.environ.get("CIFAR10_IMAGES")):
        pytest.skip("CIFAR10_IMAGES does not name a folder with the images of CIFAR-10")
    return (ROOT / given).absolute()
