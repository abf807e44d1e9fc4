"""Every structure of the grid as a cell of a heat map."""

import pandas as pd
from matplotlib.figure import Figure

from hypertuning.config import BEST
from hypertuning.report import heat_map
from hypertuning.report.exhibit import NO_EPOCH, Exhibit, Found, shown_in
from hypertuning.report.frames import ACCURACY, fully_trained, with_columns
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import some_of
from hypertuning.words import counted

GRID_AXES = ["kernel_size", "num_fully_connected_layers", "num_conv_layers", "filters"]
"""Rows and columns of panels, then rows and columns of cells within each."""


@shown_in("grid", place=20)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = table(trials)
    return Exhibit(
        "heat_maps",
        "Every structure of the grid: darker is more accurate.",
        rows,
        NO_EPOCH,
        lambda: draw(rows),
        says(rows),
        headline=lambda: headline(rows),
    )


def table(trials: pd.DataFrame) -> pd.DataFrame:
    """Give every combination of the structure's values a row, trained or not.

    `best_val_accuracy` and `best_val_loss` are means over the cell's `trials`. Where they are
    missing, `state` says why: 'not run', or the trial's outcome. `best` marks the cells of the
    highest accuracy. A trial that trained for fewer epochs than others cannot be compared, and
    counts as not measured.
    """
    known = fully_trained(with_columns(trials, *GRID_AXES, "outcome")).dropna(subset=GRID_AXES)
    cells = known.groupby(GRID_AXES).agg(
        best_val_accuracy=(ACCURACY, "mean"),
        **{BEST: (BEST, "mean")},
        trials=(ACCURACY, "count"),
        begun=(ACCURACY, "size"),
        outcome=("outcome", "last"),
    )
    values = [sorted(known[axis].unique()) for axis in GRID_AXES]
    cells = cells.reindex(pd.MultiIndex.from_product(values, names=GRID_AXES)).reset_index()
    accuracy = cells[ACCURACY]
    unmeasured = cells["outcome"].where(cells["outcome"].notna(), "running")
    unmeasured = unmeasured.where(cells["begun"] > 0, "not run")
    return cells.drop(columns=["outcome", "begun"]).assign(
        trials=cells["trials"].fillna(0).astype(int),
        state=unmeasured.where(accuracy.isna(), "measured"),
        best=accuracy == accuracy.max(),
    )


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """Best validation accuracy by filters and conv layers, a panel for each of the other pairs."""
    down, across, layers, filters = rows[GRID_AXES].nunique()
    height = 0.9 + down * (0.45 + max(0.32 * layers, 0.6))
    title = "Best validation accuracy (fraction of images) of each structure"
    figure = new_figure(7.6, height, title, _note(rows))
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    scale = heat_map.ColourScale.of(rows[ACCURACY])
    pairs = rows.groupby(["kernel_size", "num_fully_connected_layers"])
    for axes, ((kernel, connected), shown) in zip(panels.flat, pairs, strict=True):
        name = f"kernel {kernel:g}×{kernel:g}, {connected:g} fully connected"
        axes.set_title(name, fontsize=min(8.5, 28 / across))
        heat_map.draw_cells(axes, shown, scale, inches=6 / across / filters)
    for axes in panels[-1]:
        axes.set_xlabel("filters per conv layer")
    for axes in panels[:, 0]:
        axes.set_ylabel("conv layers")
    heat_map.colour_bar(figure, panels, scale, "accuracy")
    return figure


def _note(rows: pd.DataFrame) -> str:
    """What the cells cannot say where they are too narrow for text: the best value, the gaps."""
    best = rows.loc[rows["best"], ACCURACY]
    tied = f", shared by {len(best)} structures" if len(best) > 1 else ""
    parts = [f"Framed: the highest, {value:.3f}{tied}." for value in best.head(1)]
    gaps = rows.loc[rows["state"] != "measured", "state"].value_counts()
    if len(gaps):
        parts.append("Hatched: " + ", ".join(f"{n} {state}" for state, n in gaps.items()) + ".")
    if (most := rows["trials"].max()) > 1:
        parts.append(f"Values: mean of up to {most} trials.")
    return " ".join(parts)


def says(rows: pd.DataFrame) -> list[str]:
    """The structures of lowest loss and of highest accuracy."""
    measured = rows[rows["state"] == "measured"]
    if measured.empty:
        return []
    lowest = measured[measured[BEST] == measured[BEST].min()]
    accurate = measured[measured[ACCURACY] == measured[ACCURACY].max()]
    loss, accuracy = lowest[BEST].iloc[0], accurate[ACCURACY].iloc[0]
    if list(lowest.index) == list(accurate.index):
        both = f"the lowest validation loss, {loss:.3f}, and the highest accuracy, {accuracy:.3f}"
        return [_shared(both, lowest)]
    return [
        _shared(f"the lowest validation loss, {loss:.3f}", lowest),
        _shared(f"the highest validation accuracy, {accuracy:.3f}", accurate),
    ]


def _shared(measure: str, tied: pd.DataFrame) -> str:
    """Which structure has the best of a measure, or which of them share it."""
    structures = [
        f"{counted(row.num_conv_layers, 'conv layer')} of {counted(row.filters, 'filter')} with "
        f"kernel {row.kernel_size} and "
        f"{counted(row.num_fully_connected_layers, 'fully connected layer')}"
        for row in tied.itertuples()
    ]
    if len(tied) == 1:
        return f"The structure with {measure}, is {structures[0]}."
    return f"{len(tied)} structures share {measure}: {some_of(structures, '; ')}."


def headline(rows: pd.DataFrame) -> Found:
    said = says(rows)
    return (said[0], False) if said else None
