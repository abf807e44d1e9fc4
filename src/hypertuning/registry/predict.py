"""Ask a registered model about pictures."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from hypertuning.config import UserError
from hypertuning.learn.folders import as_text
from hypertuning.registry import origin, pyfunc
from hypertuning.registry.evaluate import Model, answers_of
from hypertuning.registry.package import signature
from hypertuning.registry.pictures import Picture

TOP = 3


def load(model_uri: str, trust: bool = False) -> Model:
    """Load a model that `register` has made.

    Args:
        trust: Also load a model that somebody else has made; its code is run.

    Raises:
        UserError: there is none at this address, or one of another kind or origin.
    """
    try:
        with TemporaryDirectory() as place:
            fetched = origin.fetch(model_uri, Path(place))
            _check(model_uri, fetched, trust)
            return pyfunc.load(model_uri) if fetched.foreign else origin.Ours(fetched.folder)
    except UserError:
        raise
    except Exception as error:  # stores and damaged files raise all kinds
        what = " ".join(str(getattr(error, "message", error)).split())
        raise UserError(
            f"`model_uri` (={model_uri}) names no model that can be loaded ({what}); it is "
            "models:/<name>@champion, models:/<name>/<version> or a folder"
        ) from error


def _check(model_uri: str, fetched: origin.Fetched, trust: bool) -> None:
    had, wanted = fetched.signature, signature([]).inputs.to_dict()
    if had is None or had.inputs is None or had.inputs.to_dict() != wanted:
        raise UserError(f"`model_uri` (={model_uri}) is no model of this project's images")
    if fetched.foreign and not trust:
        raise UserError(
            f"`model_uri` (={model_uri}) was not made by `register` ({fetched.foreign}), and "
            "loading it runs its code; if you trust whoever made it: trust=true"
        )


def predict(model: Model, pictures: Sequence[Picture]) -> pd.DataFrame:
    """One row per picture: file, class, probability, the classes of the highest probabilities.

    Args:
        pictures: Only those that could be read.

    Raises:
        UserError: the model is none of this project's kind.
    """
    answers = answers_of(model, np.stack([picture.pixels.values for picture in pictures]))
    shares = answers.filter(regex="^p_")
    first = np.argsort(-shares.to_numpy(), axis=1, kind="stable")[:, :TOP]  # (n, top)
    names = shares.columns.str.removeprefix("p_").to_numpy()
    top = [
        ", ".join(f"{names[i]} {row[i]:.3f}" for i in places)
        for row, places in zip(shares.to_numpy(), first, strict=True)
    ]
    return pd.DataFrame({
        "file": [as_text(picture.file) for picture in pictures],
        "class": answers["class"],
        "probability": answers["probability"],
        f"top_{TOP}": top,
    }).join(shares)  # fmt: skip
