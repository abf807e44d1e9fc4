"""How well a model does on the test images, class by class."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hypertuning.intervals import Interval, of_mean, of_share
from hypertuning.report import style
from hypertuning.report.answers import UNTESTED, classes_of, from_answers, labelled
from hypertuning.report.exhibit import MODEL, Exhibit, shown_in
from hypertuning.report.exhibits import calibration
from hypertuning.report.scales import ACCURACY
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import shorten

ENDS = 20
"""Number of the best and of the worst classes that are shown if there are many."""


@shown_in(MODEL, place=230)
def exhibit(tables: Mapping[str, pd.DataFrame]) -> Exhibit:
    rows, scores = from_answers(tables, table), from_answers(tables, test_scores)
    return Exhibit(
        "class_accuracy",
        "How many test images of each class the model recognises.",
        rows,
        UNTESTED,
        lambda: draw(rows),
        [*test_says(scores), *says(rows)],
        {"test_scores": scores},
    )


def table(predictions: pd.DataFrame) -> pd.DataFrame:
    """How many images of each class are recognised, the best class first.

    `accuracy` is the share of the class's images that are `correct` (its recall) with Wilson's
    interval, `precision` the share of the images `predicted` to be of the class that are.
    """
    shown = labelled(predictions)
    of_class, told = shown.groupby("label")["right"], shown.groupby("predicted")["right"]
    counts = {"images": of_class.size(), "correct": of_class.sum(), "predicted": told.size()}
    rows = pd.DataFrame(counts, index=classes_of(shown)).fillna(0).astype(int)
    shares = [of_share(row.correct, row.images) for row in rows.itertuples()]
    rows[["accuracy", "low", "high"]] = np.array(shares)
    rows["precision"] = rows["correct"] / rows["predicted"]
    rows = rows.sort_values("accuracy", ascending=False, kind="stable")
    return rows.rename_axis("label").reset_index()


def test_scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """Accuracy, mean loss and expected calibration error over all images: one row per `measure`.

    `low` to `high` is Wilson's interval of the accuracy, the t interval of the loss; the
    calibration error has none.
    """
    right = labelled(predictions)["right"]
    error = calibration.expected_error(calibration.table(predictions))
    scores = {
        "accuracy": of_share(right.sum(), len(right)),
        "loss": of_mean(predictions["loss"]),
        "expected_calibration_error": Interval(error, np.nan, np.nan),
    }
    return pd.DataFrame([
        {"measure": measure, **score._asdict(), "images": len(right)}
        for measure, score in scores.items()
    ])  # fmt: skip


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """The share of each class's test images that is recognised, the best class above."""
    shown, note = rows, "Bars: 95 % intervals (Wilson)."
    if len(rows) > 2 * ENDS:
        shown = pd.concat([rows.head(ENDS), rows.tail(ENDS)])
        note += f" The {ENDS} best and the {ENDS} worst of {len(rows)} classes."
    title = "Test accuracy of each class"
    figure = new_figure(5.6, 1.2 + 0.19 * len(shown), title, note)
    axes = figure.subplots()
    axes.grid(axis="x")
    axes.grid(False, axis="y")
    places = np.arange(len(shown))
    errors = (shown["accuracy"] - shown["low"], shown["high"] - shown["accuracy"])
    axes.errorbar(shown["accuracy"], places, xerr=errors, fmt="o", color=style.BLUE, elinewidth=1.2)
    axes.set_yticks(places, [shorten(name, 24) for name in shown["label"]])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlabel(ACCURACY)
    return figure


def says(rows: pd.DataFrame) -> list[str]:
    """The classes that are recognised best and worst."""
    if rows.empty:
        return []
    known = rows.dropna(subset="accuracy")
    said = [
        f"{row.label}, {Interval(row.accuracy, row.low, row.high).text()}"
        for row in (known.iloc[0], known.iloc[-1])
    ]
    return [f"Recognised best: {said[0]}; worst: {said[1]}."]


def test_says(scores: pd.DataFrame) -> list[str]:
    """How the model does on all test images together, of `test_scores`."""
    if scores.empty:
        return []
    found = {row.measure: Interval(row.value, row.low, row.high) for row in scores.itertuples()}
    return [
        f"On {scores['images'].iloc[0]:,} test images: accuracy {found['accuracy'].text()}, loss "
        f"{found['loss'].text()}.",
        f"The probabilities that it gives are off by {found['expected_calibration_error'].text()} "
        "on average (expected calibration error).",
    ]
