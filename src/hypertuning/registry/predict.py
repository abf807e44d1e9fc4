"""Ask a registered model about pictures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException

from hypertuning.config import UserError
from hypertuning.registry import pyfunc
from hypertuning.registry.evaluate import Model
from hypertuning.registry.package import signature
from hypertuning.registry.pictures import Picture

TOP = 3


def load(model_uri: str) -> Model:
    """A model that `register` has made.

    Raises:
        UserError: there is none at this address, or one of another kind.
    """
    try:
        had = pyfunc.signature_of(model_uri)  # before any code of the model's runs
        wanted = signature([]).inputs.to_dict()
        if had is None or had.inputs is None or had.inputs.to_dict() != wanted:
            raise UserError(f"`model_uri` (={model_uri}) is no model of this project's images")
        return pyfunc.load(model_uri)
    except (MlflowException, OSError, ImportError) as error:
        what = " ".join(str(getattr(error, "message", error)).split())
        raise UserError(
            f"`model_uri` (={model_uri}) names no model that can be loaded ({what}); it is "
            "models:/<name>@champion, models:/<name>/<version> or a folder"
        ) from error


def predict(model: Model, pictures: Sequence[Picture]) -> pd.DataFrame:
    """One row per picture: file, class, probability, the classes of the highest probabilities.

    Args:
        pictures: Such as could be read.
    """
    answers = model.predict(np.stack([picture.pixels for picture in pictures]))
    shares = answers.filter(regex="^p_")
    first = np.argsort(-shares.to_numpy(), axis=1, kind="stable")[:, :TOP]  # (n, top)
    names = shares.columns.str.removeprefix("p_").to_numpy()
    top = [
        ", ".join(f"{names[i]} {row[i]:.3f}" for i in places)
        for row, places in zip(shares.to_numpy(), first, strict=True)
    ]
    return pd.DataFrame({
        "file": [str(picture.file) for picture in pictures],
        "class": answers["class"],
        "probability": answers["probability"],
        f"top_{TOP}": top,
    }).join(shares)  # fmt: skip
