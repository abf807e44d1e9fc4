"""The parts of a report, in no format yet."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from hypertuning.report.headlines import Headline


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
    headlines: list[Headline] = field(default_factory=list)
    """Those of the findings that may stand on the first page."""
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    """What there is not, and why."""
    command: str = ""
    """What the user typed."""
    page: str = ""
    """The address of the study in MLflow."""
    card: str = ""
    """A model's card, in Markdown."""
    below: list["Section"] = field(default_factory=list)

    def all(self) -> Iterator["Section"]:
        yield self
        for section in self.below:
            yield from section.all()
