"""Which figures a stage leaves in its study."""

import pandas as pd
from matplotlib.figure import Figure

from hypertuning.report import figures, tables

STAGE_FIGURES = {
    "compare": lambda trials, curves: {
        "learning_curves": figures.learning_curves(tables.learning_curves(trials, curves))
    },
    "grid": lambda trials, curves: {
        "heat_maps": figures.grid_heat_maps(tables.grid_heat_maps(trials))
    },
    "hyperband": lambda trials, curves: {
        "overfitting": figures.overfitting(tables.overfitting(trials, curves))
    },
    "bohb": lambda trials, curves: {"anytime": figures.anytime(tables.anytime(trials, curves))},
}


def stage_figures(stage: str, trials: pd.DataFrame, curves: pd.DataFrame) -> dict[str, Figure]:
    """The figures of one study, by name."""
    return STAGE_FIGURES[stage](trials, curves)
