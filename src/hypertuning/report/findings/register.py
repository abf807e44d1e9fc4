"""What became of the best of a search: its repeats, and what it does on the test images."""

import pandas as pd

from hypertuning.intervals import Interval, of_mean
from hypertuning.words import counted


def winner(rows: pd.DataFrame) -> list[str]:
    """Which candidate is best on average, and by how much the search had flattered all of them."""
    if rows.empty:
        return []
    best = rows[rows["winner"]].iloc[0]
    mean = Interval(best["val_loss"], best["low"], best["high"])
    which = f"best of {len(rows)} candidates on average" if len(rows) > 1 else "only candidate"
    said = [
        f"The {which} is trial {best['source_trial']} "
        f"({best['run_name']}): a validation loss of {mean.text()} over "
        f"{counted(best['repeats'], 'repeat')}; its trial in the search had "
        f"{best['searched_val_loss']:.3f}."
    ]
    if broken := int((rows["broken"] > 0).sum()):
        said.append(f"{counted(broken, 'candidate')} failed in a repeat, and could not win.")
    return said + luck(changes_of_candidates(rows))


def changes_of_candidates(rows: pd.DataFrame) -> pd.Series:
    """The loss of each candidate in its repeats less that in the search, after as many epochs."""
    alike = rows[rows["epochs"] == rows["searched_epochs"]]
    return (alike["val_loss"] - alike["searched_val_loss"]).dropna().astype(float)


def luck(changes: pd.Series) -> list[str]:
    """By how much the search had flattered the candidates, of `changes_of_candidates`."""
    if len(changes) < 2:
        return []
    change = of_mean(changes.to_numpy())
    why = ": the best of many are partly the luckiest of many." if change.low > 0 else "."
    return [
        f"Trained again with new seeds, the {len(changes)} candidates have a validation loss that "
        f"differs from the one in the search by {change.text(sign=True)} on average{why}"
    ]


def test(rows: pd.DataFrame) -> list[str]:
    """What the model does on the test images, of `test_scores`."""
    if rows.empty:
        return []
    found = {row.measure: Interval(row.value, row.low, row.high) for row in rows.itertuples()}
    return [
        f"On {rows['images'].iloc[0]:,} test images: accuracy {found['accuracy'].text()}, loss "
        f"{found['loss'].text()}.",
        f"The probabilities that it gives are off by {found['expected_calibration_error'].text()} "
        "on average (expected calibration error).",
    ]


def classes(rows: pd.DataFrame) -> list[str]:
    """The classes that are recognised best and worst, of `class_accuracy`."""
    if rows.empty:
        return []
    known = rows.dropna(subset="accuracy")
    said = [
        f"{row.label}, {Interval(row.accuracy, row.low, row.high).text()}"
        for row in (known.iloc[0], known.iloc[-1])
    ]
    return [f"Recognised best: {said[0]}; worst: {said[1]}."]


def confusions(rows: pd.DataFrame) -> list[str]:
    """What is most often taken for what, of `confusion`."""
    if rows.empty:
        return []
    wrong = rows[(rows["label"] != rows["predicted"]) & (rows["images"] > 0)]
    return [
        f"The commonest mistake: {row.label} taken for {row.predicted}, {100 * row.share:.1f} % of "
        "the images of its class."
        for row in wrong.nlargest(1, "images").itertuples()
    ]
