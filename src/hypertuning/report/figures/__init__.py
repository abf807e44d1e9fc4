"""Rows of `tables` → figures, under the same names. Never pyplot: they are drawn in any thread."""

from hypertuning.report.figures.compare import learning_curves
from hypertuning.report.figures.grid import grid_heat_maps, main_effects
from hypertuning.report.figures.overfitting import (
    augmentation_effect,
    overfitting,
    trial_overfitting,
    turning_points,
)
from hypertuning.report.figures.parameters import importance, parallel_coordinates, slices
from hypertuning.report.figures.register import (
    calibration,
    candidates,
    class_accuracy,
    confusion,
    mistakes,
    refit,
)
from hypertuning.report.figures.search import (
    anytime,
    rank_correlation,
    samplers,
    survival,
    trial_curves,
)

__all__ = [
    "anytime",
    "augmentation_effect",
    "calibration",
    "candidates",
    "class_accuracy",
    "confusion",
    "grid_heat_maps",
    "importance",
    "learning_curves",
    "main_effects",
    "mistakes",
    "overfitting",
    "parallel_coordinates",
    "rank_correlation",
    "refit",
    "samplers",
    "slices",
    "survival",
    "trial_curves",
    "trial_overfitting",
    "turning_points",
]
