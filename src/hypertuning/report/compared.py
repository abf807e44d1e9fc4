"""Studies of one space on the same images, on one axis."""

import pandas as pd

from hypertuning.report.data import Data
from hypertuning.report.exhibit import NO_EPOCH
from hypertuning.report.exhibits import anytime
from hypertuning.report.pictures import png
from hypertuning.report.section import Picture, Section, Table, file_name
from hypertuning.words import counted


def compared(stage: str, data: Data, groups: int) -> Section:
    """Compare what several studies had found after the same number of epochs.

    Args:
        groups: Number of such sections in the stage; if there are several, their names must differ.
    """
    names = _names(data.studies)
    rows = anytime.table(data.trials, data.curves, names)
    title = f"{stage}: {len(data.studies)} studies of one space, on the same images"
    name, first = f"{file_name(stage)}-compared", data.studies["study_id"].iloc[0][:6]
    if groups > 1:
        title, name = f"{title} ({first})", f"{name}-{first}"
    section = Section(title, [f"Compared: {', '.join(names.values())}."])
    if rows.empty:
        section.lacking.append(f"anytime: {NO_EPOCH}")
        return section
    begun = set(rows["study_id"])
    idle = [name for study_id, name in names.items() if study_id not in begun]
    section.lacking += [f"{name}: {NO_EPOCH}" for name in idle]
    caption = (
        "The lowest validation loss that each search had found, by the epochs spent on its trials."
    )
    section.pictures = [Picture(f"{name}-anytime", caption, png(anytime.draw(rows)))]
    at = anytime.at_equal_epochs(rows)
    spent = counted(at["epochs_spent"].max(), "epoch")
    caption = f"The lowest validation loss after {spent}, the most that all of them have spent."
    section.tables = [
        Table(f"{name}-equal-epochs", caption, at),
        Table(f"{name}-anytime", "The rows of the figure.", rows, shown=0),
    ]
    return section


def _names(studies: pd.DataFrame) -> dict[str, str]:
    """Name studies by strategy; add the seed, or else the id, where several share a strategy."""
    strategies = studies["strategy"].fillna(studies["stage"])
    several = strategies.duplicated(keep=False)
    named = strategies.where(~several, strategies + " " + studies["study_id"].str[:6])
    seeds_tell = not studies.assign(s=strategies).duplicated(["s", "seed"]).any()
    if seeds_tell and studies["seed"].notna().all():
        named = strategies.where(~several, strategies + " seed " + studies["seed"].astype(str))
    return dict(zip(studies["study_id"], named, strict=True))
