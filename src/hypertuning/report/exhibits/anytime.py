"""The best result of a search so far, by the epochs spent on it."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hypertuning.report import style
from hypertuning.report.exhibit import NO_EPOCH, Exhibit, shown_in
from hypertuning.report.frames import joined
from hypertuning.report.lines import End, label_ends, samplers_legend
from hypertuning.report.scales import LOSS, loss_axis
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import shorten


@shown_in("bohb", place=70)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = table(trials, curves)
    return Exhibit(
        "anytime",
        "The lowest validation loss that the search had found, by the epochs spent on all trials.",
        rows,
        NO_EPOCH,
        lambda: draw(rows),
    )


def table(
    trials: pd.DataFrame, curves: pd.DataFrame, names: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Put each study's results in the order of their recording, with the best loss so far.

    `epochs_spent` counts the epochs of all trials of the study until then; `name` is the study's in
    `names` (by `study_id`), otherwise its stage.
    """
    rows = joined(trials, curves, "sampler", "stage")
    rows = rows.sort_values(["study_id", "timestamp", "trial_id", "epoch"], ignore_index=True)
    losses = rows["val_loss"].astype(float).groupby(rows["study_id"])
    rows["epochs_spent"] = losses.cumcount() + 1
    rows["best_so_far"] = losses.cummin().groupby(rows["study_id"]).ffill()
    rows["sampler"] = rows["sampler"].astype(object).fillna("other")
    rows["name"] = rows["study_id"].map(_study_names(rows, names or {})).astype(object)
    shown = ["study_id", "name", "trial_id", "sampler", "epoch", "epochs_spent", "val_loss"]
    return rows[[*shown, "best_so_far"]].dropna(subset=["best_so_far"], ignore_index=True)


def at_equal_epochs(rows: pd.DataFrame) -> pd.DataFrame:
    """What each study had found after the most epochs that all of them have spent, best first.

    `rows` are those of `table`; `epochs_spent` is the same for all.
    """
    spent = int(rows.groupby("study_id")["epochs_spent"].max().min())
    at = rows[rows["epochs_spent"] <= spent].groupby("study_id").tail(1)
    at = at.assign(epochs_spent=spent).sort_values("best_so_far")
    return at[["name", "epochs_spent", "best_so_far", "study_id"]].reset_index(drop=True)


def _study_names(rows: pd.DataFrame, names: Mapping[str, str]) -> dict[str, str]:
    """Name each study; two of one name are told apart by the beginning of their ids."""
    stages = rows.drop_duplicates("study_id").set_index("study_id")["stage"]
    named = {study: str(names.get(study, stage)) for study, stage in stages.items()}
    count = Counter(named.values())
    return {
        study: f"{name} {study[:6]}" if count[name] > 1 else name for study, name in named.items()
    }


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """Best validation loss so far against the epochs spent by all trials, one line per study."""
    title = "Best validation loss so far against the epochs spent on all trials"
    figure = new_figure(7.6, 3.7, title, "Points: validation loss of one trial after one epoch.")
    axes = figure.subplots()
    several = rows["study_id"].nunique() > 1
    loss_axis(axes, rows["val_loss"].to_numpy(float), may_be_log=True)
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
    samplers_legend(axes, rows["sampler"].unique(), style.FAINT if several else None)
    label_ends(axes, ends)
    return figure


def _results(axes: Axes, study: pd.DataFrame, colour: str | None) -> None:
    """Draw single results faintly, told apart by sampler; all in `colour` if there is one."""
    size, alpha = (7, 0.25) if len(study) > 200 or colour else (14, 0.4)
    for sampler, results in study.groupby("sampler"):
        own, marker, _ = style.sampler_look(sampler)
        look = {"color": colour or own, "marker": marker, "alpha": alpha, "lw": 0.5}
        axes.scatter("epochs_spent", "val_loss", size, data=results, **look)
