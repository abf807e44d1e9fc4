"""Rows of `tables` → figures, under the same names. Never pyplot: they are drawn in any thread."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hypertuning.report import cells, marks
from hypertuning.report.marks import DASHED, End, few, shorten
from hypertuning.report.style import (
    BLUE,
    COLOURS,
    FAINT,
    GREEN,
    INK,
    LINES,
    MARKERS,
    ORANGE,
    PURPLE,
    VERMILLION,
    page,
    styled,
)
from hypertuning.report.tables import GRID_AXES

ACCURACY, LOSS = "accuracy (fraction of images)", "loss (nats per image)"
ARMS = {"none": "without augmentation", "crop_flip": "with crop and flip"}
MODEL_LOOKS = {"nn": (VERMILLION, "o"), "resnn": (GREEN, "s"), "cnn": (BLUE, "^")}
SAMPLER_LOOKS = {
    "random": (BLUE, "o", "drawn at random"),
    "model": (VERMILLION, "^", "proposed by the model"),
    "warm": (GREEN, "s", "taken from an earlier study"),
    "point": (PURPLE, "D", "given by the user"),
    "grid": (ORANGE, "v", "taken from the grid"),
}


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
    marks.splits_legend(panels[-1])
    return figure


def _model_curves(axes: Axes, rows: pd.DataFrame) -> list[End]:
    """Draw one measure of all models; where the validation lines end."""
    ends = []
    for place, (model, curves) in enumerate(rows.groupby("model")):
        colour, marker = MODEL_LOOKS.get(model, (COLOURS[place % 6], MARKERS[place % 6]))
        for split, line in (("train", DASHED), ("val", "-")):
            curve = curves[curves["split"] == split]
            band = curve["epoch"], curve["low"], curve["high"]
            axes.fill_between(*band, color=colour, alpha=0.13, lw=0)
            axes.plot(
                "epoch", "middle", data=curve, color=colour, ls=line, marker=few(marker, curve)
            )
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
    most = rows["trials"].max()
    notes = {
        "Framed: the best cell.": rows["best"].any(),
        "Hatched: no result.": (rows["state"] != "measured").any(),
        f"Values: mean of up to {most} trials.": most > 1,
    }
    return " ".join(note for note, said in notes.items() if said)


@styled
def overfitting(rows: pd.DataFrame) -> Figure:
    """Training against validation loss of each augmentation's best trials, on one scale."""
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
    title = "Overfitting of the " + (f"{best} best trials" if best > 1 else "best trial")
    note = "Solid: validation. Dashed: training. Star: lowest validation loss."
    if len(arms) == 1:
        return title, note
    return f"{title}, without and with augmentation", (
        f"{note} Same colour and marker: same configuration but for the augmentation."
    )


def _arm(axes: Axes, rows: pd.DataFrame) -> list[End]:
    """Draw the trials of one augmentation; where their validation lines end."""
    ends = []
    for (_, trial_id, run_name, pair), curve in rows.groupby(
        ["place", "trial_id", "run_name", "pair"], dropna=False
    ):
        look = {"color": COLOURS[pair % 6], "marker": few(MARKERS[pair % 6], curve)}
        name = f"{trial_id}  {shorten(run_name, 34)}"
        axes.plot("epoch", "train_loss", data=curve, ls=DASHED, ms=2.5, label="_", **look)
        axes.plot("epoch", "val_loss", data=curve, ms=3, label=name, **look)
        marks.lowest(axes, *curve.loc[curve["turns"], ["epoch", "val_loss"]].iloc[0], look["color"])
        ends.append(End(*curve.iloc[-1][["epoch", "val_loss"]], trial_id, look["color"]))
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
        colour = COLOURS[place % 6] if several else INK
        _results(axes, study, colour if several else None)
        look = {"color": colour, "ls": LINES[place % 4], "where": "post"}
        axes.step("epochs_spent", "best_so_far", data=study, **look)
        spent, best, name = study.iloc[-1][["epochs_spent", "best_so_far", "name"]]
        name = shorten(name, 24) + " " if several else "best"
        ends.append(End(spent, best, f"{name} {best:.3f}", colour))
    _samplers_legend(axes, rows["sampler"].unique(), FAINT if several else None)
    marks.label_ends(axes, ends)
    return figure


def _sampler_look(sampler: str) -> tuple[str, str, str]:
    return SAMPLER_LOOKS.get(sampler, (FAINT, "x", sampler))


def _results(axes: Axes, study: pd.DataFrame, colour: str | None) -> None:
    """Draw single results faintly, told apart by sampler; all in `colour` if there is one."""
    size, alpha = (7, 0.25) if len(study) > 200 or colour else (14, 0.4)
    for sampler, results in study.groupby("sampler"):
        own, marker, _ = _sampler_look(sampler)
        look = {"color": colour or own, "marker": marker, "alpha": alpha, "lw": 0.5}
        axes.scatter("epochs_spent", "val_loss", size, data=results, **look)


def _samplers_legend(axes: Axes, samplers: Sequence[str], colour: str | None) -> None:
    looks = [_sampler_look(sampler) for sampler in samplers]
    marks.legend_above(
        axes,
        [
            Line2D([], [], ls="", marker=m, color=colour or own, label=text)
            for own, m, text in looks
        ],
    )


@styled
def trial_overfitting(epochs: Sequence[Mapping], title: str) -> Figure:
    """Training and validation loss of one trial; the gap between them is shaded after the turn."""
    rows = pd.DataFrame(epochs).sort_values("epoch")
    turn = rows.loc[rows["val_loss"].idxmin()]
    figure = page(4.6, 2.8, shorten(title, 52), margins=(0.62, 0.95, 0.45, 0.5))
    axes = figure.subplots()
    axes.set_ylabel(LOSS)
    axes.set_title(f"validation loss lowest at epoch {turn['epoch']:.0f}: {turn['val_loss']:.3f}")
    marks.epoch_axis(axes, rows["epoch"].max())
    marks.loss_axis(axes, _both(rows))
    after = rows[rows["epoch"] >= turn["epoch"]]
    between = after["epoch"], after["train_loss"], after["val_loss"]
    axes.fill_between(*between, color=VERMILLION, alpha=0.15, lw=0)
    axes.axvline(turn["epoch"], color=FAINT, lw=0.6, ls=":", zorder=0)
    look = {"data": rows, "marker": few("o", rows), "ms": 3}
    axes.plot("epoch", "train_loss", color=BLUE, ls=DASHED, **look)
    axes.plot("epoch", "val_loss", color=VERMILLION, **look)
    marks.lowest(axes, turn["epoch"], turn["val_loss"], VERMILLION)
    last, train_loss, val_loss = rows.iloc[-1][["epoch", "train_loss", "val_loss"]]
    ends = [End(last, train_loss, "training", BLUE), End(last, val_loss, "validation", VERMILLION)]
    marks.label_ends(axes, ends)
    return figure
