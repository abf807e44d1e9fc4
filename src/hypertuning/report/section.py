"""The parts of a report, in no format yet."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from hypertuning.report.headlines import Headline


def file_name(text: str) -> str:
    """A text as the name of one file or folder, without separators or dots at its ends."""
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
    """Number of rows on the page, from the first."""


@dataclass
class Section:
    """A heading, what stands under it, and the sections below it."""

    title: str
    lines: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    headlines: list[Headline] = field(default_factory=list)
    """The findings that may stand on the first page."""
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    """What is missing, and why."""
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
