"""Rows of `tables` → figures, under the same names. Never pyplot: they are drawn in any thread."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hypertuning.report import cells, marks, style
from hypertuning.report.marks import TRAINING, VALIDATION, End, few, shorten
from hypertuning.report.style import page, styled
from hypertuning.report.tables import GRID_AXES

ACCURACY, LOSS = "accuracy (fraction of images)", "loss (nats per image)"
ARMS = {"none": "without augmentation", "crop_flip": "with crop and flip"}


@styled
def learning_curves(rows: pd.DataFrame) -> Figure:
    """Loss and accuracy of each model by epoch, training dashed, validation solid."""
    repeats = rows["repeats"].max()
    bands = f"Lines: median of up to {repeats} repeats. Bands: lowest to highest."
    title = "Learning curves of the models, on training and validation images"
    figure = page(7.6, 3.5, title, bands if repeats > 1 else "")
    panels = figure.subplots(1, 2)
    measures = (("loss", LOSS, marks.loss_axis), ("accuracy", ACCURACY, marks.value_axis))
    for axes, (measure, name, scale) in zip(panels, measures, strict=True):
        shown = rows[rows["measure"] == measure]
        scale(axes, shown[["middle", "low", "high"]].to_numpy().ravel())
        marks.epoch_axis(axes, rows["epoch"].max())
        axes.set_ylabel(name)
        marks.label_ends(axes, _model_curves(axes, shown))
    marks.splits_legend(panels[-1], few("o", rows["epoch"].unique()))
    return figure


def _model_curves(axes: Axes, rows: pd.DataFrame) -> list[End]:
    """Draw one measure of all models; where the validation lines end."""
    ends = []
    for place, (model, curves) in enumerate(rows.groupby("model")):
        colour, marker = style.MODEL_LOOKS.get(model, style.nth_look(place))
        for split, look in (("train", TRAINING), ("val", VALIDATION)):
            curve = curves[curves["split"] == split]
            look = {**look, "color": colour, "marker": few(marker, curve)}
            axes.fill_between("epoch", "low", "high", data=curve, color=colour, alpha=0.13, lw=0)
            axes.plot("epoch", "middle", data=curve, **look)
        epoch, middle, name = curve.iloc[-1][["epoch", "middle", "name"]]
        ends.append(End(epoch, middle, f"{shorten(name, 22)}  {middle:.2f}", colour))
    return ends


@styled
def grid_heat_maps(rows: pd.DataFrame) -> Figure:
    """Best validation accuracy by filters and conv layers, a panel for each of the other pairs."""
    down, across, layers, filters = rows[GRID_AXES].nunique()
    height = 0.9 + down * (0.45 + max(0.32 * layers, 0.6))
    title = "Best validation accuracy (fraction of images) of each structure"
    figure = page(7.6, height, title, _cells_note(rows))
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    scale = cells.Scale.of(rows["best_val_accuracy"])
    pairs = rows.groupby(["kernel_size", "num_fully_connected_layers"])
    for axes, ((kernel, connected), shown) in zip(panels.flat, pairs, strict=True):
        name = f"kernel {kernel:g}×{kernel:g}, {connected:g} fully connected"
        axes.set_title(name, fontsize=min(8.5, 28 / across))
        cells.heat_map(axes, shown, scale, inches=6 / across / filters)
    for axes in panels[-1]:
        axes.set_xlabel("filters per conv layer")
    for axes in panels[:, 0]:
        axes.set_ylabel("conv layers")
    cells.colour_bar(figure, panels, scale, "accuracy")
    return figure


def _cells_note(rows: pd.DataFrame) -> str:
    """What the cells cannot say where they are too narrow for text: the best value, the gaps."""
    best = rows.loc[rows["best"], "best_val_accuracy"]
    parts = [f"Framed: the best, {value:.3f}." for value in best]
    gaps = rows.loc[rows["state"] != "measured", "state"].value_counts()
    if len(gaps):
        parts.append("Hatched: " + ", ".join(f"{n} {state}" for state, n in gaps.items()) + ".")
    if (most := rows["trials"].max()) > 1:
        parts.append(f"Values: mean of up to {most} trials.")
    return " ".join(parts)


@styled
def overfitting(rows: pd.DataFrame) -> Figure:
    """Training against validation loss of the best configurations, an arm a panel, on one scale."""
    arms = [arm for arm in ARMS if arm in set(rows["augment"])]
    figure = page(1 + 3.3 * len(arms), 3.5 + 0.15 * rows["place"].max(), *_arms_texts(rows, arms))
    panels = figure.subplots(1, len(arms), sharey=True, squeeze=False)[0]
    panels[0].set_ylabel(LOSS)
    for axes, arm in zip(panels, arms, strict=True):
        shown = rows[rows["augment"] == arm]
        marks.loss_axis(axes, _both(shown), among=_both(rows))
        marks.epoch_axis(axes, rows["epoch"].max())
        axes.set_title(ARMS[arm])
        ends = _arm(axes, shown)
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.17), handlelength=1.6, fontsize=7)
        marks.label_ends(axes, ends)
    return figure


def _both(rows: pd.DataFrame) -> np.ndarray:
    return rows[["train_loss", "val_loss"]].to_numpy(float).ravel()


def _arms_texts(rows: pd.DataFrame, arms: Sequence[str]) -> tuple[str, str]:
    """Title and note: what is shown, and how to read it."""
    best = rows["place"].max()
    shown = f"{best} best configurations" if best > 1 else "best configuration"
    title = f"Overfitting of the {shown}"
    note = "Solid, filled: validation. Dashed, hollow: training. Star: lowest validation loss."
    if len(arms) == 1:
        return title, note
    note += " Same colour and marker: same configuration."
    if (rows.groupby("pair")["augment"].nunique() == len(arms)).all():
        note += "\nBest: lowest mean of the two stars, among those trained longest in both panels."
    return f"{title}, without and with augmentation", note


def _arm(axes: Axes, rows: pd.DataFrame) -> list[End]:
    """Draw the trials of one augmentation; where their validation lines end."""
    ends = []
    for _, curve in rows.groupby("place"):
        first, turn, last = curve.iloc[0], curve.loc[curve["turns"]].iloc[0], curve.iloc[-1]
        colour, marker = style.nth_look(first["pair"])
        look = {"data": curve, "color": colour, "marker": few(marker, curve)}
        name = f"{first['trial_id']}  {shorten(first['run_name'], 34)}"
        axes.plot("epoch", "train_loss", ms=2.5, label="_", **look, **TRAINING)
        axes.plot("epoch", "val_loss", ms=3, label=name, **look)
        marks.lowest(axes, turn["epoch"], turn["val_loss"], colour)
        ends.append(End(last["epoch"], last["val_loss"], first["trial_id"], colour))
    return ends


@styled
def anytime(rows: pd.DataFrame) -> Figure:
    """Best validation loss so far against the epochs spent by all trials, one line per study."""
    title = "Best validation loss so far against the epochs spent on all trials"
    figure = page(7.6, 3.7, title, "Points: validation loss of one trial after one epoch.")
    axes = figure.subplots()
    several = rows["study_id"].nunique() > 1
    marks.loss_axis(axes, rows["val_loss"].to_numpy(float), may_be_log=True)
    axes.set_xlim(0, 1.02 * rows["epochs_spent"].max())
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="epochs spent", ylabel="validation " + LOSS)
    ends = []
    for place, (_, study) in enumerate(rows.groupby("study_id", sort=False)):
        colour = style.nth_look(place)[0] if several else style.INK
        _results(axes, study, colour if several else None)
        look = {"color": colour, "ls": style.LINES[place % 4], "where": "post"}
        axes.step("epochs_spent", "best_so_far", data=study, **look)
        spent, best, name = study.iloc[-1][["epochs_spent", "best_so_far", "name"]]
        name = shorten(name, 24) + " " if several else "best"
        ends.append(End(spent, best, f"{name} {best:.3f}", colour))
    marks.samplers_legend(axes, rows["sampler"].unique(), style.FAINT if several else None)
    marks.label_ends(axes, ends)
    return figure


def _results(axes: Axes, study: pd.DataFrame, colour: str | None) -> None:
    """Draw single results faintly, told apart by sampler; all in `colour` if there is one."""
    size, alpha = (7, 0.25) if len(study) > 200 or colour else (14, 0.4)
    for sampler, results in study.groupby("sampler"):
        own, marker, _ = style.sampler_look(sampler)
        look = {"color": colour or own, "marker": marker, "alpha": alpha, "lw": 0.5}
        axes.scatter("epochs_spent", "val_loss", size, data=results, **look)


@styled
def trial_overfitting(epochs: Sequence[Mapping], title: str) -> Figure:
    """Training and validation loss of one trial; the gap between them is shaded after the turn."""
    rows = pd.DataFrame(epochs).sort_values("epoch")
    turn, last = rows.loc[rows["val_loss"].idxmin()], rows.iloc[-1]
    figure = page(4.6, 2.8, shorten(title, 52), margins=(0.62, 0.95, 0.45, 0.5))
    axes = figure.subplots()
    axes.set_ylabel(LOSS)
    axes.set_title(f"validation loss lowest at epoch {turn['epoch']:.0f}: {turn['val_loss']:.3f}")
    marks.epoch_axis(axes, rows["epoch"].max())
    marks.loss_axis(axes, _both(rows))
    after = {"data": rows[rows["epoch"] >= turn["epoch"]], "alpha": 0.15, "lw": 0}
    axes.fill_between("epoch", "train_loss", "val_loss", color=style.VERMILLION, **after)
    axes.axvline(turn["epoch"], color=style.FAINT, lw=0.6, ls=":", zorder=0)
    look = {"data": rows, "marker": few("o", rows), "ms": 3}
    axes.plot("epoch", "train_loss", color=style.BLUE, **look, **TRAINING)
    axes.plot("epoch", "val_loss", color=style.VERMILLION, **look)
    marks.lowest(axes, turn["epoch"], turn["val_loss"], style.VERMILLION)
    splits = (("train", "training", style.BLUE), ("val", "validation", style.VERMILLION))
    ends = [End(last["epoch"], last[f"{split}_loss"], name, c) for split, name, c in splits]
    marks.label_ends(axes, ends)
    return figure
