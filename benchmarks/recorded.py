"""The table of recorded trials on disk: what each configuration reached, epoch by epoch.

A folder with `table.csv.gz`, a row per epoch; `space.yaml`, from which the configurations were
drawn; and `sheet.json`, which says how, when and where. While it is recorded the table is a plain
CSV, to which all rows of a trial are appended at once.
"""

import csv
import gzip
import io
import itertools
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from hypertuning.domains import Choice, Domain, Integer, Value
from hypertuning.space_files import read_space
from hypertuning.spaces import Space, searched
from hypertuning.whole_file import write_whole

RECORD, TABLE, SPACE, SHEET = "record.csv", "table.csv.gz", "space.yaml", "sheet.json"
"""The files of a table's folder; the record is the table while it grows."""
MEASURED = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "epoch_seconds")
"""The columns of an epoch; losses in nats per image, accuracies as fractions."""


class Trial(NamedTuple):
    """A configuration trained with one seed."""

    number: int
    """Of the configuration."""
    drawn: str
    """`space`, or `near` the best so far."""
    seed: int
    values: dict[str, Value]
    """Of the searched parameters that act."""
    epochs: list[dict[str, float]]
    """MEASURED of each epoch; after the epoch at which a trial diverged, whose `val_loss` is
    infinite, there are no more."""

    @property
    def best(self) -> float:
        return min(epoch["val_loss"] for epoch in self.epochs)


def columns(space: Space) -> list[str]:
    return ["configuration", "drawn", "seed", *searched(space), "epoch", *MEASURED]


def read_trials(text: str, space: Space, max_epochs: int) -> list[Trial]:
    """The whole trials of a CSV: one that a killed writer left unfinished is left out."""
    rows = list(csv.DictReader(io.StringIO(text)))
    groups = itertools.groupby(rows, key=lambda row: (row["configuration"], row["seed"]))
    trials = []
    for _, group in groups:
        trial = _trial(list(group), searched(space))
        if len(trial.epochs) == max_epochs or math.isinf(trial.epochs[-1]["val_loss"]):
            trials.append(trial)
    return trials


def _trial(rows: Sequence[dict[str, str]], domains: dict[str, Domain]) -> Trial:
    first = rows[0]
    values = {name: _value(d, first[name]) for name, d in domains.items() if first[name]}
    epochs = [{name: float(row[name]) for name in MEASURED} for row in rows]
    return Trial(int(first["configuration"]), first["drawn"], int(first["seed"]), values, epochs)


def _value(domain: Domain, text: str) -> Value:
    if isinstance(domain, Choice):
        return next(value for value in domain.values if str(value) == text)
    return int(text) if isinstance(domain, Integer) else float(text)


def as_csv(trials: Iterable[Trial], space: Space, header: bool = True) -> str:
    """The rows of trials; `read_trials` reads the same trials from them."""
    written = io.StringIO()
    writer = csv.DictWriter(written, columns(space), lineterminator="\n")
    if header:
        writer.writeheader()
    for trial in trials:
        about = {"configuration": trial.number, "drawn": trial.drawn, "seed": trial.seed}
        for number, measured in enumerate(trial.epochs, 1):
            rounded = {name: f"{measured[name]:.6g}" for name in MEASURED}
            writer.writerow({**about, **trial.values, "epoch": number, **rounded})
    return written.getvalue()


class Record:
    """The table of a folder while it grows."""

    def __init__(self, folder: Path, space: Space, max_epochs: int) -> None:
        self.folder, self.space, self.max_epochs = folder, space, max_epochs
        self.file = folder / RECORD
        text = self._text()
        self.trials = read_trials(text, space, max_epochs)
        write_whole(self.file, as_csv(self.trials, space))  # without what a killed writer left

    def _text(self) -> str:
        if self.file.exists():
            text = self.file.read_text()
            return text[: text.rfind("\n") + 1]  # a line without an end is a part of one
        table = self.folder / TABLE
        return gzip.decompress(table.read_bytes()).decode() if table.exists() else ""

    def append(self, trial: Trial) -> None:
        self.trials.append(trial)
        with self.file.open("a") as file:
            file.write(as_csv([trial], self.space, header=False))

    def write_table(self) -> None:
        """Write the table, its trials in order; the same trials always give the same bytes."""
        ordered = sorted(self.trials, key=lambda trial: (trial.number, trial.seed))
        content = as_csv(ordered, self.space).encode()
        write_whole(self.folder / TABLE, gzip.compress(content, mtime=0))


class Recorded(NamedTuple):
    """A whole table."""

    space: Space
    trials: list[Trial]
    max_epochs: int


def read_table(folder: Path) -> Recorded:
    space = read_space(folder / SPACE)
    text = gzip.decompress((folder / TABLE).read_bytes()).decode()
    max_epochs = max(int(row["epoch"]) for row in csv.DictReader(io.StringIO(text)))
    return Recorded(space, read_trials(text, space, max_epochs), max_epochs)
