"""What a registered model shows: its choice, its refit, its test."""

from collections.abc import Mapping

import pandas as pd

from hypertuning.report import figures, findings, tables
from hypertuning.report.exhibits import Exhibit

UNTESTED = "the model has not been tested yet"


def registered(found: Mapping[str, pd.DataFrame]) -> list[Exhibit]:
    """What choosing, refitting and testing a model has left, by the names of its tables.

    `candidates` and `repeats`, then `refit`, then `predictions` and `mistakes`: as far as the stage
    register has got.
    """
    candidates, repeats, refit, mistakes = (
        found.get(name, pd.DataFrame()) for name in ("candidates", "repeats", "refit", "mistakes")
    )
    return [
        Exhibit(
            "choice",
            "The best configurations of the search, each trained again with fresh seeds.",
            candidates,
            "the repeats have not all been trained yet",
            lambda: figures.candidates(candidates, repeats),
            findings.winner(candidates),
            {"candidates": candidates, "repeats": repeats},
        ),
        Exhibit(
            "refit",
            "The winner, trained again on the images of training and validation together, for as "
            "many epochs as its repeats needed on average.",
            refit,
            "the winner has not been refitted yet",
            lambda: figures.refit(refit),
            [],
        ),
        *_tested(found.get("predictions", pd.DataFrame())),
        Exhibit(
            "mistakes",
            "Test images that the model takes for something else, the surest answers first.",
            mistakes,
            "the model takes no test image for something else"
            if "predictions" in found
            else UNTESTED,
            lambda: figures.mistakes(mistakes),
            [],
        ),
    ]


def _tested(predictions: pd.DataFrame) -> list[Exhibit]:
    """What the answers to all test images show."""
    scores, classes, pairs, bins = (
        make(predictions) if len(predictions) else predictions
        for make in (
            tables.test_scores, tables.class_accuracy, tables.confusion, tables.calibration
        )
    )  # fmt: skip
    return [
        Exhibit(
            "class_accuracy",
            "How many test images of each class the model recognises.",
            classes,
            UNTESTED,
            lambda: figures.class_accuracy(classes),
            [*findings.test(scores), *findings.classes(classes)],
            {"test_scores": scores},
        ),
        Exhibit(
            "confusion",
            "What the test images of each class are taken for.",
            pairs,
            UNTESTED,
            lambda: figures.confusion(pairs),
            findings.confusions(pairs),
        ),
        Exhibit(
            "calibration",
            "Whether the model's probabilities can be believed.",
            bins,
            UNTESTED,
            lambda: figures.calibration(bins),
            [],
        ),
    ]
