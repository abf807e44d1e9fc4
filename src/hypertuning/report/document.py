"""Studies → a report: its first page, all trials, and a section for each stage."""

from typing import NamedTuple

import pandas as pd

from hypertuning.config import BEST
from hypertuning.report.compared import compared
from hypertuning.report.data import Data, RunPages, alike
from hypertuning.report.exhibits import STAGES
from hypertuning.report.section import Section, Table, file_name
from hypertuning.report.study import progress, study_section
from hypertuning.report.summary import Summary, summary
from hypertuning.report.trial_list import TrialList, trial_list

IN_FULL = 4
"""Most studies of one stage that are shown in full; others are in tables and comparisons."""


class Document(NamedTuple):
    """A report, in no format yet."""

    summary: Summary
    trials: TrialList
    sections: list[Section]
    pages: RunPages | None


def document(data: Data) -> Document:
    """Write up studies: an overview, then a section for each stage of which there is a study."""
    wanted = dict.fromkeys([*STAGES, *data.studies["stage"].dropna()])
    stages = [_stage(stage, data) for stage in wanted if data.ids(stage)]
    return Document(summary(data, stages), trial_list(data), [_overview(data), *stages], data.pages)


def _overview(data: Data) -> Section:
    absent = [stage for stage in STAGES if not data.ids(stage)]
    section = Section(
        "Studies",
        tables=[
            Table("studies", "Every study, the oldest first.", study_table(data), shown=100),
            Table("trials", "Every trial.", data.trials, shown=0),
        ],
    )
    section.lacking = [
        f"{stage}: not among these studies"
        + (f"; `{data.makes[stage]}` makes one" if stage in data.makes else "")
        for stage in absent
    ]
    for study in data.studies.itertuples():
        if study.outcome != "completed":
            section.lacking.append(f"{study.stage} {study.study_id[:6]}: {progress(data, study)}")
    return section


def study_table(data: Data) -> pd.DataFrame:
    """One row per study: what it tried, on which images, how far it got and what it found."""
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


def _stage(stage: str, data: Data) -> Section:
    ids, safe = data.ids(stage), file_name(stage)
    section = Section(stage)
    groups = _of_one_space(data.of(ids).studies)
    several = [group for group in groups if len(group) > 1]
    section.below = [compared(stage, data.of(group), len(several)) for group in several]
    shown = [_best(data.of(group)) for group in groups][-IN_FULL:]
    for study_id in shown:
        name = safe if len(shown) == 1 else f"{safe}-{study_id[:6]}"
        section.below.append(study_section(name, data.of([study_id])))
    if others := [study_id for study_id in ids if study_id not in shown]:
        named = ", ".join(study_id[:6] for study_id in others)
        section.lacking.append(f"not shown in full: {named}; `source` with a run id does that")
    if len(section.below) == 1:  # one heading is enough
        section.below[0].title = f"{stage}: {section.below[0].title}"
        return section.below[0]
    return section


def _of_one_space(studies: pd.DataFrame) -> list[list[str]]:
    """Group studies of one space on the same images: their losses can be compared.

    A study that lists its configurations has no space, so it forms a group of its own.
    """
    return alike(studies.assign(space=studies["space"].fillna(studies["study_id"])), "space")


def _best(data: Data) -> str:
    """The study with the lowest loss, the oldest of several; without any loss, the newest study."""
    ids = data.studies["study_id"]
    losses = data.trials.groupby("study_id")[BEST].min().reindex(ids).dropna()
    return losses.idxmin() if len(losses) else ids.iloc[-1]
