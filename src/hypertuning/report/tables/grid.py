"""The structures of the CNN: every cell of the grid, and what each parameter does."""

import itertools

import numpy as np
import pandas as pd

from hypertuning.intervals import of_blocked_means, of_mean
from hypertuning.report.tables.trials import BEST, varied, with_columns

GRID_AXES = ["kernel_size", "num_fully_connected_layers", "num_conv_layers", "filters"]
"""Rows and columns of panels, then rows and columns of cells within each."""
MEASURE = "best_val_accuracy"


def grid_heat_maps(trials: pd.DataFrame) -> pd.DataFrame:
    """Give every combination of the structure's values a row, trained or not.

    `best_val_accuracy` and `best_val_loss` are means over the cell's `trials`. Where there is none,
    `state` says why: 'not run', or the trial's outcome. `best` marks the cells of the highest
    accuracy. A trial that trained for fewer epochs than others does not compare, and counts as not
    measured.
    """
    known = _whole(with_columns(trials, *GRID_AXES, "outcome")).dropna(subset=GRID_AXES)
    cells = known.groupby(GRID_AXES).agg(
        best_val_accuracy=(MEASURE, "mean"),
        **{BEST: (BEST, "mean")},
        trials=(MEASURE, "count"),
        begun=(MEASURE, "size"),
        outcome=("outcome", "last"),
    )
    values = [sorted(known[axis].unique()) for axis in GRID_AXES]
    cells = cells.reindex(pd.MultiIndex.from_product(values, names=GRID_AXES)).reset_index()
    accuracy = cells[MEASURE]
    unmeasured = cells["outcome"].where(cells["outcome"].notna(), "running")
    unmeasured = unmeasured.where(cells["begun"] > 0, "not run")
    return cells.drop(columns=["outcome", "begun"]).assign(
        trials=cells["trials"].fillna(0).astype(int),
        state=unmeasured.where(accuracy.isna(), "measured"),
        best=accuracy == accuracy.max(),
    )


def main_effects(trials: pd.DataFrame) -> pd.DataFrame:
    """Average the best validation accuracy over all structures that share one value.

    Only `blocks` count, the combinations of the other parameters that were trained with every value
    of this one: so the values are compared on the same structures. `low` and `high` are the ends of
    95 % intervals from which the differences between blocks are taken out.
    """
    rows = []
    for parameter, blocks in _blocks(trials):
        for value, mean in zip(blocks.columns, of_blocked_means(blocks.to_numpy()), strict=True):
            rows.append((parameter, value, len(blocks), mean.value, mean.low, mean.high))
    return pd.DataFrame(rows, columns=["parameter", "value", "blocks", "mean", "low", "high"])


def contrasts(trials: pd.DataFrame) -> pd.DataFrame:
    """What every step of a parameter adds to the best validation accuracy, block by block.

    `difference` is the mean over `blocks` pairs of structures that differ in this value alone, with
    the ends of its 95 % t interval. They are not corrected for being several.
    """
    rows = []
    for parameter, blocks in _blocks(trials):
        for lower, upper in itertools.pairwise(blocks.columns):
            step = of_mean((blocks[upper] - blocks[lower]).to_numpy())
            rows.append((parameter, lower, upper, len(blocks), step.value, step.low, step.high))
    names = ["parameter", "start", "to", "blocks", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=names)


def _blocks(trials: pd.DataFrame):
    """Each varied parameter with a frame (blocks, its values) of accuracies without gaps."""
    measured = _whole(trials).dropna(subset=[MEASURE])
    parameters = [name for name in varied(measured) if not _follows(measured, name)]
    for parameter in parameters:
        others = [name for name in parameters if name != parameter]
        keys = measured[others].astype(object).where(measured[others].notna(), "none")
        index = [keys[name] for name in others] or [np.zeros(len(measured))]
        table = measured[MEASURE].groupby([*index, measured[parameter]]).mean().unstack()
        if len(complete := table.dropna()):
            yield parameter, complete


def _whole(trials: pd.DataFrame) -> pd.DataFrame:
    """Take loss and accuracy from trials that did not train for all epochs."""
    known = with_columns(trials, MEASURE, BEST, "epochs_run")
    epochs = pd.to_numeric(known["epochs_run"])
    whole = (epochs >= epochs.max()).fillna(False)
    return known.assign(**{name: known[name].where(whole) for name in (MEASURE, BEST)})


def _follows(trials: pd.DataFrame, name: str) -> bool:
    """Whether the padding was not chosen but is what the kernel makes it."""
    return name == "padding" and bool((trials["padding"] == trials["kernel_size"] // 2).all())
