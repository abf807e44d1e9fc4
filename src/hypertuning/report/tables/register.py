"""What a model does on the test images, from its answers to each of them.

`predictions` holds one row per image: `label` and `predicted` (classes), `probability` (of the
predicted one), `loss`, and a column `p_<class>` for each class that the model knows. A table of
digits is read back as numbers, so classes are turned into text here.
"""

import numpy as np
import pandas as pd

from hypertuning.intervals import Interval, of_mean, of_share

BINS = 15
"""Of equal width, as in Guo et al., On Calibration of Modern Neural Networks (ICML 2017)."""


def test_scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """Accuracy, mean loss and expected calibration error over all images: one row per `measure`.

    `low` to `high` is Wilson's interval of the accuracy, the t interval of the loss; the
    calibration error has none.
    """
    right = _labelled(predictions)["right"]
    error = expected_calibration_error(calibration(predictions))
    scores = {
        "accuracy": of_share(right.sum(), len(right)),
        "loss": of_mean(predictions["loss"]),
        "expected_calibration_error": Interval(error, np.nan, np.nan),
    }
    return pd.DataFrame([
        {"measure": measure, **score._asdict(), "images": len(right)}
        for measure, score in scores.items()
    ])  # fmt: skip


def class_accuracy(predictions: pd.DataFrame) -> pd.DataFrame:
    """How many images of each class are recognised, the best class first.

    `accuracy` is the share of the class's images that are `correct` (its recall) with Wilson's
    interval, `precision` the share of the images `predicted` to be of the class that are.
    """
    shown = _labelled(predictions)
    of_class, told = shown.groupby("label")["right"], shown.groupby("predicted")["right"]
    counts = {"images": of_class.size(), "correct": of_class.sum(), "predicted": told.size()}
    table = pd.DataFrame(counts, index=_classes(shown)).fillna(0).astype(int)
    shares = [of_share(row.correct, row.images) for row in table.itertuples()]
    table[["accuracy", "low", "high"]] = np.array(shares)
    table["precision"] = table["correct"] / table["predicted"]
    table = table.sort_values("accuracy", ascending=False, kind="stable")
    return table.rename_axis("label").reset_index()


def confusion(predictions: pd.DataFrame) -> pd.DataFrame:
    """Every pair of `label` and `predicted` with its `images`, and their `share` of the label's.

    Pairs that do not occur are there with 0; classes are in the model's order.
    """
    shown = _labelled(predictions)
    classes, names = _classes(shown), ["label", "predicted"]
    pairs = pd.MultiIndex.from_product([classes, classes], names=names)
    counts = shown.groupby(names).size().reindex(pairs, fill_value=0)
    rows = counts.rename("images").reset_index()
    return rows.assign(share=rows["images"] / rows.groupby("label")["images"].transform("sum"))


def calibration(predictions: pd.DataFrame) -> pd.DataFrame:
    """Mean probability (`confidence`) beside accuracy in bins of the probability, empty ones too.

    A bin holds what lies above `bin_low` and not above `bin_high` (Guo et al., section 2);
    `low` to `high` is Wilson's interval of the accuracy.
    """
    shown = _labelled(predictions)
    edges = np.linspace(0, 1, BINS + 1)
    bins = shown.groupby(np.digitize(shown["probability"], edges[1:-1], right=True))
    counts = pd.DataFrame({"images": bins.size(), "correct": bins["right"].sum()}, range(BINS))
    counts = counts.fillna(0).astype(int)
    shares = np.array([of_share(row.correct, row.images) for row in counts.itertuples()])
    return pd.DataFrame({
        "bin_low": edges[:-1],
        "bin_high": edges[1:],
        "images": counts["images"],
        "confidence": bins["probability"].mean().reindex(range(BINS)),
        **dict(zip(("accuracy", "low", "high"), shares.T, strict=True)),
    })  # fmt: skip


def expected_calibration_error(rows: pd.DataFrame) -> float:
    """The mean distance of accuracy and confidence, of `calibration` (Guo et al., equation 3)."""
    distances = (rows["accuracy"] - rows["confidence"]).abs()  # NaN in empty bins, which sums skip
    return float((rows["images"] * distances).sum() / rows["images"].sum())


def _labelled(predictions: pd.DataFrame) -> pd.DataFrame:
    """Classes as text, and whether each answer is `right`."""
    label, predicted = predictions["label"].astype(str), predictions["predicted"].astype(str)
    return predictions.assign(label=label, predicted=predicted, right=label == predicted)


def _classes(shown: pd.DataFrame) -> list[str]:
    """All classes that the model knows, in its order, whether or not an image has them."""
    known = [name.removeprefix("p_") for name in shown if name.startswith("p_")]
    return known + sorted({*shown["label"], *shown["predicted"]}.difference(known))
