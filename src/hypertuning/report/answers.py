"""A model's answers to the test images.

`predictions` holds one row per image: `label` and `predicted` (classes), `probability` (of the
predicted one), `loss`, and a column `p_<class>` for each class that the model knows. A table of
digits is read back as numbers, so classes are turned into text here.
"""

from collections.abc import Callable, Mapping

import pandas as pd

UNTESTED = "the model has not been tested yet"


def from_answers(
    tables: Mapping[str, pd.DataFrame], make: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """The rows that `make` gives for a model's predictions; none before the test."""
    predictions = tables.get("predictions", pd.DataFrame())
    return make(predictions) if len(predictions) else predictions


def labelled(predictions: pd.DataFrame) -> pd.DataFrame:
    """Classes as text, and whether each answer is `right`."""
    label, predicted = predictions["label"].astype(str), predictions["predicted"].astype(str)
    return predictions.assign(label=label, predicted=predicted, right=label == predicted)


def classes_of(shown: pd.DataFrame) -> list[str]:
    """All classes that the model knows, in its order, also those without an image."""
    known = [name.removeprefix("p_") for name in shown if name.startswith("p_")]
    return known + sorted({*shown["label"], *shown["predicted"]}.difference(known))
