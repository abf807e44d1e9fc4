"""Frames of trials and curves → the tidy rows of each figure, under the figure's name.

`trials` holds one row per trial, `curves` one per trial and epoch, as `tracking.runs` reads them.
Losses are in nats per image, accuracies are fractions of the images, 0 to 1.
"""

from hypertuning.report.tables.bohb import anytime, at_equal_epochs
from hypertuning.report.tables.compare import final_scores, learning_curves
from hypertuning.report.tables.configurations import best_runs
from hypertuning.report.tables.grid import contrasts, grid_heat_maps, main_effects
from hypertuning.report.tables.hyperband import (
    augmentation_effect,
    best_configurations,
    overfitting,
    turning_points,
)
from hypertuning.report.tables.ladder import (
    rank_correlation,
    rung_losses,
    samplers,
    survival,
    trial_curves,
)
from hypertuning.report.tables.parameters import (
    FEWEST,
    TELLING,
    importance,
    parallel_coordinates,
    slices,
)
from hypertuning.report.tables.register import (
    calibration,
    class_accuracy,
    confusion,
    expected_calibration_error,
    test_scores,
)
from hypertuning.report.tables.trials import leaderboard, with_bests

__all__ = [
    "FEWEST",
    "TELLING",
    "anytime",
    "at_equal_epochs",
    "augmentation_effect",
    "best_configurations",
    "best_runs",
    "calibration",
    "class_accuracy",
    "confusion",
    "contrasts",
    "expected_calibration_error",
    "final_scores",
    "grid_heat_maps",
    "importance",
    "leaderboard",
    "learning_curves",
    "main_effects",
    "overfitting",
    "parallel_coordinates",
    "rank_correlation",
    "rung_losses",
    "samplers",
    "slices",
    "survival",
    "test_scores",
    "trial_curves",
    "turning_points",
    "with_bests",
]
