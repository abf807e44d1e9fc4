"""The jobs of a record: what each of them was to do, and how it ended."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from hypertuning.config import OBJECTIVE
from hypertuning.epoch import Row, row_of
from hypertuning.record.files import JobFolder, job_folders, read_params, read_results
from hypertuning.record.shapes import Result


@dataclass(frozen=True)
class RecordedJob:
    """What is known of a job: to train a trial until an epoch."""

    config: dict[str, Any]
    job: dict[str, Any]
    """`trial`, `until` and where its proposal came from, as written when it last began."""
    recorded: int
    """The last epoch up to which the record has all rows of the trial."""
    loss: float | None
    """The objective at the job's end; +inf if it failed or diverged, None if it did not end."""
    file: Path
    """Where `config` and `job` stand."""


def read_jobs(study_dir: PathLike[str]) -> list[RecordedJob]:
    """The jobs that ended, in the order in which the search learnt of it; then the others."""
    ended, unfinished = [], []
    for _, folders in folders_by_trial(study_dir):
        for order, job in _jobs(folders):
            if job.loss is None:
                unfinished.append(job)
            else:
                ended.append((order, job))
    return [job for _, job in sorted(ended, key=lambda pair: pair[0])] + unfinished


_Order = tuple[float, float]
"""The number of the part, and of the line in it."""


def _jobs(folders: list[JobFolder]) -> Iterator[tuple[_Order, RecordedJob]]:
    """The jobs of one trial; one that was begun again counts once, as it last began."""
    begun = begun_jobs(folders)
    lines = [(folder.part, line) for folder in begun for line in read_results(folder)]
    rows = epochs_of(line for _, line in lines)
    losses = {row["epoch"]: row[OBJECTIVE] for row in rows}
    last = {folder.until: folder for folder in begun}
    for until in sorted(last):
        ends = [
            (part, _place(line), math.inf if is_lost(line) else losses[until])
            for part, line in lines
            if is_lost(line) or (line.epoch == until and until in losses)
        ]
        # the search learnt the earliest end: an epoch may be recovered after its trial has failed
        part, order, loss = min(ends, default=(math.inf, math.inf, None))
        params, file = begun[last[until]], last[until].files.params
        recorded = RecordedJob(params["config"], params["job"], _without_gap(rows), loss, file)
        yield (part, order), recorded
        if loss is None:
            return  # the search decides again whether later jobs of this trial begin


def _place(line: Result) -> float:
    """The number of a line in its part. Recovered lines have none, and come last."""
    return math.inf if line.order is None else line.order


def _without_gap(rows: list[Row]) -> int:
    """The last epoch up to which no row is missing."""
    return sum(row["epoch"] == number for number, row in enumerate(rows, start=1))


def last_job(study_dir: PathLike[str], number: int) -> JobFolder:
    """The folder of the job that a trial began last."""
    return max(begun_jobs(job_folders(study_dir, number)))


def folders_by_trial(study_dir: PathLike[str]) -> list[tuple[int, list[JobFolder]]]:
    folders: dict[int, list[JobFolder]] = {}
    for folder in job_folders(study_dir):
        folders.setdefault(folder.trial, []).append(folder)
    return sorted(folders.items())


def begun_jobs(folders: list[JobFolder]) -> dict[JobFolder, dict[str, Any]]:
    """The jobs that wrote their parameters, with these parameters."""
    return {folder: params for folder in folders if (params := read_params(folder))}


def epochs_of(results: Iterable[Result]) -> list[Row]:
    """One row per epoch: the first that is whole. Retries and resumed parts repeat some."""
    rows: dict[int, Row] = {}
    for result in results:
        if row := row_of(vars(result)):
            rows.setdefault(row["epoch"], row)
    return [rows[epoch] for epoch in sorted(rows)]


def is_lost(line: Result) -> bool:
    """Whether a line says that its job diverged or failed, which also ends its trial."""
    return line.diverged or line.failed
