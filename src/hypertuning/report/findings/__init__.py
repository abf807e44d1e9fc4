"""Rows of `tables` → what they say, in sentences with numbers and 95 % intervals."""

from hypertuning.report.findings.register import (
    changes_of_candidates,
    classes,
    confusions,
    luck,
    test,
    winner,
)
from hypertuning.report.findings.search import (
    augmentation,
    best,
    cells,
    first_and_last,
    models,
    models_compared,
    prediction,
    proposals,
    steps,
    tells,
    turns,
    weights,
)

__all__ = [
    "augmentation",
    "best",
    "cells",
    "changes_of_candidates",
    "classes",
    "confusions",
    "first_and_last",
    "luck",
    "models",
    "models_compared",
    "prediction",
    "proposals",
    "steps",
    "tells",
    "test",
    "turns",
    "weights",
    "winner",
]
