"""MLflow's models, loaded and saved without its advice to the user, who cannot follow it."""

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
    from mlflow.models import ModelSignature, get_model_info
    from mlflow.pyfunc import PyFuncModel, load_model, save_model


def load(uri: str) -> PyFuncModel:
    """A model from a folder, or from an address that MLflow knows."""
    with quiet():
        return load_model(uri)


def signature_of(uri: str) -> ModelSignature | None:
    """The signature of a model that need not be loaded for that; None if it has none."""
    with quiet():
        return get_model_info(uri).signature


def save(folder: str, **options) -> None:
    """Write a model to a new folder."""
    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)  # it tells what it validates
    with quiet():
        save_model(folder, **options)
