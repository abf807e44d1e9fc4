"""The first page in words: the best configuration, what is known of it, and three findings."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml

from hypertuning.config import BEST
from hypertuning.intervals import Interval
from hypertuning.report.choice import Choice, choices, searched
from hypertuning.report.data import Data, images_of, named
from hypertuning.report.exhibits.class_accuracy import test_scores
from hypertuning.report.frames import best_first, hyperparameters
from hypertuning.report.headlines import most_important
from hypertuning.report.section import Section
from hypertuning.words import counted

FINDINGS = 3


class Number(NamedTuple):
    """One number of the first page; the note says why it is missing."""

    name: str
    value: str
    interval: str
    note: str


class Best(NamedTuple):
    """The best configuration on the images of one data set."""

    dataset: str
    run_name: str
    where: str
    numbers: list[Number]
    notes: list[str]
    yaml: str
    """The configuration, as the stage train takes it."""
    page: str
    """The address of its run in MLflow."""


class Finding(NamedTuple):
    section: str
    """The title of the section that shows more."""
    text: str


class Summary(NamedTuple):
    counts: str
    """How many studies, trials and epochs there are."""
    bests: list[Best]
    findings: list[Finding]


def summary(data: Data, sections: Iterable[Section]) -> Summary:
    """The first page of a report with these sections."""
    every = [section for top in sections for section in top.all()]
    given = {line: section.title for section in every for line in section.headlines}
    chosen = most_important(list(given), FINDINGS)
    counts = counted(len(data.studies), "study", "studies"), counted(len(data.trials), "trial")
    return Summary(
        ", ".join([*counts, counted(len(data.curves), "epoch")]),
        [_best(data, choice) for choice in choices(data)],
        [Finding(given[line], line.text) for line in chosen],
    )


def _best(data: Data, choice: Choice) -> Best:
    first = next(choice.runs.itertuples())
    run_id = first.study_id if len(choice.runs) > 1 else first.run_id
    return Best(
        choice.study.dataset or "unknown images",
        choice.run_name,
        f"{_whose(choice)} Trained on {images_of(choice.study)}.",
        _numbers(choice, first),
        _notes(data, choice),
        yaml.safe_dump(_config(choice.runs), sort_keys=False, allow_unicode=True),
        data.page(first.study_id, run_id),
    )


def _whose(choice: Choice) -> str:
    """Where the configuration was found, and how it was chosen."""
    study = named(choice.study)
    if choice.searched_loss is not None:
        out_of = counted(choice.among, "candidate")
        return f"Trial {choice.trial_id} of the search, which {study} chose from {out_of}."
    if len(choice.runs) > 1:
        return f"{counted(len(choice.runs), 'run')} of {study}, which differ only in their seed."
    of = counted(choice.among, "trial")
    return f"Trial {choice.trial_id} of {study}: the lowest validation loss of {of}."


def _numbers(choice: Choice, first) -> list[Number]:
    again = choice.searched_loss is not None
    count = len(choice.runs)
    seeds = "repeats with new seeds" if again else "runs that differ in their seed"
    many = f"Mean of {count} {seeds}"
    loss = f"{many}. In nats per image, lower is better."
    accuracy = f"{many}, each in its epoch of the lowest loss."
    if count == 1:
        run = "One repeat with a new seed" if again else "One run"
        loss = f"{run}, so without an interval; epoch {first.best_epoch} of {first.epochs_run}."
        accuracy = (
            f"{run}, in that epoch. The interval covers only the choice of validation images."
        )
    return [
        _number("Validation loss", choice.loss, loss),
        _number("Validation accuracy", choice.accuracy, accuracy),
        _tested(choice.predictions),
    ]


def _number(name: str, value: Interval, note: str) -> Number:
    known = np.isfinite(value.value)
    ends = f"{value.low:.3f} to {value.high:.3f}" if np.isfinite(value.low) else ""
    return Number(name, f"{value.value:.3f}" if known else "", ends, note)


def _tested(predictions: pd.DataFrame) -> Number:
    if predictions.empty:
        return Number("Test accuracy", "", "", "Not tested yet: `register` opens the test images.")
    score = test_scores(predictions).set_index("measure").loc["accuracy"]
    value = Interval(score["value"], score["low"], score["high"])
    images = counted(len(predictions), "test image")
    return _number("Test accuracy", value, f"On {images}, opened after the choice was made.")


def _notes(data: Data, choice: Choice) -> list[str]:
    """What one must know before one decides by these numbers."""
    if choice.searched_loss is None:
        if len(choice.runs) > 1 or choice.among == 1:
            return []
        return [
            f"The best of {counted(choice.among, 'trial')} is partly the luckiest: trained again, "
            "it may have a higher loss. `register` trains the best ones again with new seeds."
        ]
    first = best_first(searched(data.on_images_of(choice.study.study_id))).head(1)
    return [
        f"The search has a lower validation loss: {getattr(trial, BEST):.3f}, in trial "
        f"{trial.trial_id} of {named(trial)}, against {choice.searched_loss:.3f} of this one, each "
        "in one run."
        for trial in first.itertuples()
        if getattr(trial, BEST) < choice.searched_loss
    ]


def _config(runs: pd.DataFrame) -> dict[str, object]:
    """The hyperparameters of the runs, with the seed if there is one."""
    names = [name for name in hyperparameters(runs) if name != "seed" or len(runs) == 1]
    row = runs.iloc[0]
    known = {name: row[name] for name in names if not pd.isna(row[name])}
    return {
        name: value.item() if hasattr(value, "item") else value for name, value in known.items()
    }
