"""The section of one study: its sentences, figures and tables."""

import pandas as pd

from hypertuning.report.data import Data, images_of
from hypertuning.report.exhibit import Exhibit
from hypertuning.report.exhibits import exhibits, registered
from hypertuning.report.headlines import headlines
from hypertuning.report.pictures import png
from hypertuning.report.section import Picture, Section, Table
from hypertuning.report.trials import best_configurations, leaderboard
from hypertuning.words import counted


def study_section(name: str, data: Data) -> Section:
    """Write up the only study in the data.

    Args:
        name: The names of its files begin with it.
    """
    study = next(data.studies.itertuples())
    section = Section(f"study {study.study_id[:6]}", _about(data, study))
    section.command = study.command or ""
    section.page = data.page(study.study_id, study.study_id)
    shown = exhibits(study.stage, data.trials, data.curves)
    made = data.registered.get(study.study_id)
    if made:
        shown = [*registered(made.tables), *shown]
        section.card = made.card
    section.findings = list(dict.fromkeys(line for exhibit in shown for line in exhibit.says))
    section.headlines = headlines(shown)
    for exhibit in shown:
        _show(section, name, exhibit)
    _rank(section, name, data.trials, len(section.tables) if made else 0)
    return section


def _show(section: Section, name: str, exhibit: Exhibit) -> None:
    if exhibit.rows.empty:
        section.lacking.append(f"{exhibit.name.replace('_', ' ')}: {exhibit.lacking}")
        return
    picture = Picture(f"{name}-{exhibit.name}", exhibit.caption, png(exhibit.draw()))
    section.pictures.append(picture)
    section.tables.append(Table(picture.name, exhibit.caption, exhibit.rows, shown=0))
    for detail, numbers in exhibit.details.items():
        caption = f"{detail.replace('_', ' ').capitalize()}."
        section.tables.append(Table(f"{name}-{detail}", caption, numbers, shown=20))


def _rank(section: Section, name: str, trials: pd.DataFrame, place: int) -> None:
    """Add the tables of the best trials at `place`: after those of a registered model."""
    leaders = leaderboard(trials, None)
    if len(leaders):
        caption = "Trials by lowest validation loss, with all hyperparameters that differ."
        section.tables.insert(place, Table(f"{name}-leaderboard", caption, leaders))
    if trials["augment"].nunique() > 1:
        both = best_configurations(trials)
        caption = "The trial with the lowest validation loss in each arm."
        section.tables.insert(1, Table(f"{name}-best", caption, both, shown=len(both)))


def progress(data: Data, study) -> str:
    """How far an unfinished study has got."""
    begun = len(data.of([study.study_id]).trials)
    so_far = f"{counted(begun, 'trial has', 'trials have')} begun so far"
    if not pd.isna(study.planned_trials):
        have = "has" if begun == 1 else "have"
        so_far = f"{begun} of {counted(study.planned_trials, 'trial')} {have} begun so far"
    return f"{study.outcome or 'still running'}, {so_far}"


def _about(data: Data, study) -> list[str]:
    counts = f"{counted(len(data.trials), 'trial')}, {counted(len(data.curves), 'epoch')}"
    strategy = f", strategy {study.strategy}" if study.strategy else ""
    lines = [f"{counts}{strategy}, on {images_of(study)}; run {study.study_id}."]
    if study.outcome != "completed":
        lines.append(f"The study is not complete: {progress(data, study)}.")
    fates = data.trials["outcome"].fillna("waiting or training").value_counts()
    if len(fates):
        counts = ", ".join(f"{count} {fate}" for fate, count in fates.items())
        lines.append(f"Trials: {counts}.")
    return lines
