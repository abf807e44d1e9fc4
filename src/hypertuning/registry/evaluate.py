"""The only place in the project that reads the test images."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from PIL import Image

from hypertuning.config import UserError
from hypertuning.learn.cache import read_meta
from hypertuning.learn.splits import Split, load_test

SHOWN = 24
"""Mistakes whose pictures are kept."""


class Model(Protocol):
    """What MLflow loads."""

    def predict(self, data: np.ndarray) -> pd.DataFrame: ...


def answers_of(model: Model, images: np.ndarray) -> pd.DataFrame:
    """What a model says about images (n, 3, size, size), a row for each: class, probability, and
    p_<class> of every class.

    Raises:
        UserError: it says something else.
    """
    answers = model.predict(images)
    columns = [str(name) for name in getattr(answers, "columns", ())]
    shares = [name for name in columns if name.startswith("p_")]
    if not shares or columns != ["class", "probability", *shares]:
        said = ", ".join(columns) or f"a {type(answers).__name__}"
        raise UserError(
            f"the model answers with {said}; a model of this project answers with class, "
            "probability and p_<class> of every class"
        )
    return answers


class TestImages:
    """The test images of a data set, and what a model says about them."""

    def __init__(self, cache: Path, classes: Sequence[str]) -> None:
        split: Split = load_test(cache)
        self.images, self.labels = split.images.numpy(), split.labels.numpy()
        self.classes = np.array(classes)

    def predictions(self, model: Model) -> pd.DataFrame:
        """One row for each image: label, predicted class, its probability, loss in nats, p_<class>.

        Raises:
            UserError: the model has other classes, or is none of this project's kind.
        """
        columns = [f"p_{name}" for name in self.classes]
        answers = answers_of(model, self.images)
        if list(answers.columns[2:]) != columns:
            apart = ", ".join(self.classes)
            raise UserError(f"the model does not tell these classes apart: {apart}")
        shares = answers[columns].to_numpy(np.float64)  # (n, classes)
        own = shares[np.arange(len(self.labels)), self.labels]
        known = pd.DataFrame({
            "index": np.arange(len(self.labels)),
            "label": self.classes[self.labels],
            "predicted": answers["class"],
            "probability": answers["probability"],
            "loss": -np.log(np.maximum(own, np.finfo(np.float32).tiny)),
        })  # fmt: skip
        return known.join(answers[columns])

    def mistakes(self, predictions: pd.DataFrame) -> pd.DataFrame:
        """The wrong answers of highest probability, each with its picture (PNG in base64)."""
        wrong = predictions[predictions["label"] != predictions["predicted"]]
        worst = wrong.nlargest(SHOWN, "probability")[["index", "label", "predicted", "probability"]]
        return worst.assign(png=[_png(self.images[i]) for i in worst["index"]])


def check_has_test(cache: Path) -> None:
    """Raise a UserError if a data set has no test images; none is read for this."""
    if not read_meta(cache)["test"]:
        name = read_meta(cache)["dataset"]
        raise UserError(
            f"{name} has no test images, and a model is registered only after a test; put some in "
            "test/<class>/ and search again, for they belong to the data set's digest"
        )


def _png(image: np.ndarray) -> str:
    written = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(written, format="PNG")  # (size, size, 3)
    return base64.b64encode(written.getvalue()).decode()
