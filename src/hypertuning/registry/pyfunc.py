"""Load and save MLflow's models without its warnings: a user cannot do anything about them."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


with quiet():  # importing it warns of type hints in MLflow's own code
    from mlflow.artifacts import download_artifacts
    from mlflow.models import get_model_info
    from mlflow.models.model import ModelInfo
    from mlflow.pyfunc import PyFuncModel, load_model, save_model


def load(uri: str) -> PyFuncModel:
    """Load a model from a folder or an address that MLflow knows; its code is run."""
    with quiet():
        return load_model(uri)


def info(uri: str) -> ModelInfo:
    """Read the description of a model; its code is not run."""
    with quiet():
        return get_model_info(uri)


def download(uri: str, folder: str) -> str:
    """Copy a model's files into a folder; return the path of the model there."""
    with quiet():
        return download_artifacts(artifact_uri=uri, dst_path=folder)


def save(folder: str, **options) -> None:
    """Write a model to a new folder."""
    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)  # it logs what it validates
    with quiet():
        save_model(folder, **options)
