"""Studies → a report: its sections, with sentences, pictures and tables, in no format yet."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from hypertuning.report import figures, tables
from hypertuning.report.pictures import png
from hypertuning.report.registered import registered
from hypertuning.report.stages import STAGES, exhibits
from hypertuning.report.tables.trials import BEST

IN_FULL = 4
"""So many studies of one stage are shown in full; the others are in tables and comparisons."""


def file_name(text: str) -> str:
    """A text as the name of a file or folder, which leads nowhere else."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "report"


class Picture(NamedTuple):
    name: str
    caption: str
    png: bytes


class Table(NamedTuple):
    name: str
    caption: str
    rows: pd.DataFrame
    """All of them."""
    shown: int = 10
    """So many of the first are on the page."""


@dataclass
class Section:
    """A heading, what is said under it, and the sections below it."""

    title: str
    lines: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    """What there is not, and why."""
    card: str = ""
    """A model's card, in Markdown."""
    below: list["Section"] = field(default_factory=list)

    def all(self) -> Iterator["Section"]:
        yield self
        for section in self.below:
            yield from section.all()


class Registered(NamedTuple):
    """What a study of the stage register made of its winner, as far as it has got."""

    tables: Mapping[str, pd.DataFrame]
    card: str
    """Of the model, in Markdown."""


class Data(NamedTuple):
    """What a report is made of, as `tracking.runs` reads it."""

    studies: pd.DataFrame
    trials: pd.DataFrame
    curves: pd.DataFrame
    registered: Mapping[str, Registered] = MappingProxyType({})
    """By study id."""
    makes: Mapping[str, str] = MappingProxyType({})
    """The command that makes a study of a stage, by stage."""

    def of(self, study_ids: Sequence[str]) -> "Data":
        """Some of the studies."""
        frames = (self.studies, self.trials, self.curves)
        some = (frame[frame["study_id"].isin(study_ids)] for frame in frames)
        return Data(*some, self.registered, self.makes)


def document(data: Data) -> list[Section]:
    """Write up studies: an overview, then a section for each stage of which there is a study."""
    wanted = dict.fromkeys([*STAGES, *data.studies["stage"].dropna()])
    return [_overview(data), *(_stage(stage, data) for stage in wanted if _ids(data, stage))]


def _ids(data: Data, stage: str) -> list[str]:
    return data.studies.loc[data.studies["stage"] == stage, "study_id"].tolist()


def _overview(data: Data) -> Section:
    absent = [stage for stage in STAGES if not _ids(data, stage)]
    section = Section(
        "Studies",
        tables=[Table("studies", "Every study, the oldest first.", study_table(data), shown=100)],
    )
    section.lacking = [
        f"{stage}: not among these studies"
        + (f"; `{data.makes[stage]}` makes one" if stage in data.makes else "")
        for stage in absent
    ]
    for study in data.studies.itertuples():
        if study.outcome != "completed":
            section.lacking.append(f"{study.stage} {study.study_id[:6]}: {_progress(data, study)}")
    return section


def study_table(data: Data) -> pd.DataFrame:
    """One row per study: what it tried, on what, how far it got and what came of it."""
    trials = data.trials.groupby("study_id")
    studies = data.studies.set_index("study_id")
    table = pd.DataFrame({
        "stage": studies["stage"],
        "study": studies.index.str[:6],
        "strategy": studies["strategy"],
        "seed": studies["seed"],
        "outcome": studies["outcome"].fillna("running"),
        "trials": trials.size().reindex(studies.index, fill_value=0),
        "epochs": data.curves.groupby("study_id").size().reindex(studies.index, fill_value=0),
        BEST: trials[BEST].min(),
        "best_val_accuracy": trials["best_val_accuracy"].max(),
        "dataset": studies["dataset"],
        "train_images": studies["train_images"],
        "val_images": studies["val_images"],
        "started": studies["started"],
    }, index=studies.index)  # fmt: skip
    return table.reset_index()[[*table.columns, "study_id"]]


def _progress(data: Data, study) -> str:
    trials = data.of([study.study_id]).trials
    planned = "" if pd.isna(study.planned_trials) else f" of {study.planned_trials}"
    so_far = f"{len(trials)}{planned} trials have begun so far"
    return f"still running, {so_far}" if study.outcome is None else f"{study.outcome}, {so_far}"


def _stage(stage: str, data: Data) -> Section:
    ids, safe = _ids(data, stage), file_name(stage)
    section = Section(stage)
    groups = _alike(data.of(ids).studies)
    several = [group for group in groups if len(group) > 1]
    section.below = [_compared(stage, data.of(group), len(several)) for group in several]
    shown = [_best(data.of(group)) for group in groups][-IN_FULL:]
    for study_id in shown:
        name = safe if len(shown) == 1 else f"{safe}-{study_id[:6]}"
        section.below.append(_study(name, data.of([study_id])))
    if others := [study_id for study_id in ids if study_id not in shown]:
        named = ", ".join(study_id[:6] for study_id in others)
        section.lacking.append(f"not shown in full: {named}; `source` with a run id does that")
    if len(section.below) == 1:  # one heading is enough
        section.below[0].title = f"{stage}: {section.below[0].title}"
        return section.below[0]
    return section


def _alike(studies: pd.DataFrame) -> list[list[str]]:
    """Studies that draw from one space on the same images: their losses compare.

    A study that lists what it tries has no space, and stands alone.
    """
    same = ["digest", "train_images", "val_images", "split_seed"]
    space = studies["space"].fillna(studies["study_id"])
    keys = [space, *(studies[name].astype(object).fillna("") for name in same)]
    return [group.tolist() for _, group in studies["study_id"].groupby(keys, sort=False)]


def _best(data: Data) -> str:
    """The study that found the lowest loss, of several the oldest; if there is none, the newest."""
    ids = data.studies["study_id"]
    losses = data.trials.groupby("study_id")[BEST].min().reindex(ids).dropna()
    return losses.idxmin() if len(losses) else ids.iloc[-1]


def _compared(stage: str, data: Data, groups: int) -> Section:
    """Studies of one space on one axis."""
    names = _names(data.studies)
    rows = tables.anytime(data.trials, data.curves, names)
    title = f"{stage}: {len(data.studies)} studies of one space, on the same images"
    section = Section(title if groups == 1 else f"{title} ({data.studies['study_id'].iloc[0][:6]})")
    section.lines = [f"Compared: {', '.join(names.values())}."]
    if rows.empty:
        section.lacking.append("anytime: no trial has finished an epoch")
        return section
    begun = set(rows["study_id"])
    idle = [name for study_id, name in names.items() if study_id not in begun]
    section.lacking += [f"{name}: no trial has finished an epoch" for name in idle]
    name = (
        f"{file_name(stage)}-compared"
        if groups == 1
        else f"{file_name(stage)}-compared-{data.studies['study_id'].iloc[0][:6]}"
    )
    caption = "What each search had found when all its trials together had spent so many epochs."
    section.pictures = [Picture(f"{name}-anytime", caption, png(figures.anytime(rows)))]
    at = tables.at_equal_epochs(rows)
    spent = at["epochs_spent"].max()
    caption = f"The best validation loss after {spent} epochs, the most that all have spent."
    section.tables = [
        Table(f"{name}-equal-epochs", caption, at),
        Table(f"{name}-anytime", "The rows of the figure.", rows, shown=0),
    ]
    return section


def _names(studies: pd.DataFrame) -> dict[str, str]:
    """Name studies by strategy; those of one strategy also by seed, or else by their ids."""
    strategies = studies["strategy"].fillna(studies["stage"])
    several = strategies.duplicated(keep=False)
    named = strategies.where(~several, strategies + " " + studies["study_id"].str[:6])
    seeds_tell = not studies.assign(s=strategies).duplicated(["s", "seed"]).any()
    if seeds_tell and studies["seed"].notna().all():
        named = strategies.where(~several, strategies + " seed " + studies["seed"].astype(str))
    return dict(zip(studies["study_id"], named, strict=True))


def _study(name: str, data: Data) -> Section:
    """All that one study shows."""
    study = next(data.studies.itertuples())
    trials, curves = data.trials, data.curves
    section = Section(f"study {study.study_id[:6]}", _about(data, study))
    shown = exhibits(study.stage, trials, curves)
    if made := data.registered.get(study.study_id):
        shown = [*registered(made.tables), *shown]
        section.card = made.card
    section.findings = list(dict.fromkeys(line for exhibit in shown for line in exhibit.says))
    for exhibit in shown:
        if exhibit.rows.empty:
            section.lacking.append(f"{exhibit.name.replace('_', ' ')}: {exhibit.lacking}")
            continue
        picture = Picture(f"{name}-{exhibit.name}", exhibit.caption, png(exhibit.draw()))
        section.pictures.append(picture)
        rows = Table(f"{name}-{exhibit.name}", exhibit.caption, exhibit.rows, shown=0)
        section.tables.append(rows)
        for detail, numbers in exhibit.details.items():
            caption = f"{detail.replace('_', ' ').capitalize()}."
            section.tables.append(Table(f"{name}-{detail}", caption, numbers, shown=20))
    leaders = tables.leaderboard(trials, None)
    if len(leaders):
        caption = "Trials by lowest validation loss, with all hyperparameters that differ."
        place = len(section.tables) if made else 0  # of a model, its choice comes first
        section.tables.insert(place, Table(f"{name}-leaderboard", caption, leaders))
    if trials["augment"].nunique() > 1:
        both = tables.best_configurations(trials)
        caption = "The best trial of each arm."
        section.tables.insert(1, Table(f"{name}-best", caption, both, shown=len(both)))
    return section


def _about(data: Data, study) -> list[str]:
    images = f"{study.train_images} training and {study.val_images} validation images"
    where = f"{images} of {study.dataset}" if study.dataset else "unknown images"
    counts = f"{len(data.trials)} trials, {len(data.curves)} epochs"
    strategy = f", strategy {study.strategy}" if study.strategy else ""
    lines = [f"{counts}{strategy}, on {where}; run {study.study_id}."]
    if study.outcome != "completed":
        lines.append(f"The study is not complete: {_progress(data, study)}.")
    fates = data.trials["outcome"].fillna("waiting or training").value_counts()
    if len(fates):
        counts = ", ".join(f"{count} {fate}" for fate, count in fates.items())
        lines.append(f"Trials: {counts}.")
    if study.command:
        lines.append(f"Made by `{study.command}`.")
    return lines
