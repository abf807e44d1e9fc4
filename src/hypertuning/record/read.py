"""Ray's record of a study, read back as trials and as jobs.

It may be read while Ray writes it, and after it was cut off at any byte; `record.files` says which
files there are and when one is damaged. Then every reader here raises DamagedRecord.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypertuning.config import OBJECTIVE, UserError
from hypertuning.record.files import (
    JobFolder,
    job_folders,
    parts,
    read_ended,
    read_error,
    read_params,
    read_results,
    read_study_file,
    write_whole,
)
from hypertuning.record.shapes import Result
from hypertuning.record.trial import EPOCH_METRICS, Outcome, Row, Trial

_COLUMNS = ("epoch", "timestamp", *EPOCH_METRICS)


def read_study(study_dir: Path) -> dict[str, Any]:
    """What was asked for: `stage`, `strategy`, `num_samples`, `max_epochs`, `parameters`.

    Raises:
        UserError: the folder is no study's, or its study.json is damaged.
    """
    study = read_study_file(study_dir)
    if study is None:
        raise UserError(f"{study_dir} holds no record of a study: it has no readable study.json")
    return study


def write_study(study_dir: Path, study: dict[str, Any]) -> None:
    """Write what was asked for; a reader finds the old words or the new ones, whole."""
    study_dir.mkdir(parents=True, exist_ok=True)
    write_whole(study_dir / "study.json", json.dumps(study, indent=2).encode())


def last_job(study_dir: Path, number: int) -> JobFolder:
    """The folder of the job that a trial began last."""
    return max(_begun(job_folders(study_dir, number)))


def read_outcome(study_dir: Path) -> str | None:
    """How the last part ended; None while it lives, and where its driver was killed."""
    begun = parts(study_dir)
    ended = read_ended(begun[-1]) if begun else None
    return ended and ended["outcome"]


def study_outcome(study_dir: Path, trials: Iterable[Trial]) -> str | None:
    """How a study ended: as its last part did, but failed if no trial finished an epoch."""
    outcome = read_outcome(study_dir)
    measured = any(trial.epochs for trial in trials)
    return "failed" if outcome == "completed" and not measured else outcome


def read_trials(study_dir: Path) -> list[Trial]:
    """All trials that have begun, in the order of their numbers."""
    max_epochs, study_outcome = read_study(study_dir)["max_epochs"], read_outcome(study_dir)
    trials = (
        _trial(number, folders, max_epochs, study_outcome)
        for number, folders in _folders_by_trial(study_dir)
    )
    return [trial for trial in trials if trial]


def read_trial(study_dir: Path, number: int) -> Trial | None:
    """One trial; None if it has not begun."""
    max_epochs, study_outcome = read_study(study_dir)["max_epochs"], read_outcome(study_dir)
    return _trial(number, job_folders(study_dir, number), max_epochs, study_outcome)


@dataclass(frozen=True)
class RecordedJob:
    """What is known of a job: to train a trial until an epoch."""

    config: dict[str, Any]
    job: dict[str, Any]
    """`trial`, `until` and what else was said of it when it began last."""
    recorded: int
    """Up to which epoch the trial's rows stand in the record without a gap."""
    loss: float | None
    """The objective at the job's end; +inf if it failed or diverged, None if it did not end."""
    file: Path
    """Where `config` and `job` stand."""


def read_jobs(study_dir: Path) -> list[RecordedJob]:
    """The jobs that ended, in the order in which the search learnt of it, then the others."""
    ended, unfinished = [], []
    for _, folders in _folders_by_trial(study_dir):
        for order, job in _jobs(folders):
            if job.loss is None:
                unfinished.append(job)
            else:
                ended.append((order, job))
    return [job for _, job in sorted(ended, key=lambda pair: pair[0])] + unfinished


_Order = tuple[float, float]
"""Number of the part, and of the line in it."""


def _jobs(folders: list[JobFolder]) -> Iterator[tuple[_Order, RecordedJob]]:
    """The jobs of one trial; of one that was begun again, the last beginning."""
    begun = _begun(folders)
    lines = [(folder.part, line) for folder in begun for line in read_results(folder)]
    rows = _epochs(line for _, line in lines)
    losses = {row["epoch"]: row[OBJECTIVE.metric] for row in rows}
    last = {folder.until: folder for folder in begun}
    for until in sorted(last):
        ends = [
            (part, _place(line), math.inf if _is_lost(line) else losses[until])
            for part, line in lines
            if _is_lost(line) or (line.epoch == until and until in losses)
        ]
        # what the search learnt first: an epoch may have come to light after its trial was given up
        part, order, loss = min(ends, default=(math.inf, math.inf, None))
        params, file = begun[last[until]], last[until].params
        recorded = RecordedJob(params["config"], params["job"], _without_gap(rows), loss, file)
        yield (part, order), recorded
        if loss is None:
            return  # whatever it had begun after that, the search decides on it again


def _begun(folders: list[JobFolder]) -> dict[JobFolder, dict[str, Any]]:
    """The jobs that wrote their parameters, and these."""
    return {folder: params for folder in folders if (params := read_params(folder))}


def _place(line: Result) -> float:
    """A line's place in its part; what was recovered has none, and comes last."""
    return math.inf if line.order is None else line.order


def _is_lost(line: Result) -> bool:
    """Whether this is the line of a job that diverged or failed: its trial's last."""
    return line.diverged or line.failed


def _without_gap(rows: list[Row]) -> int:
    """Up to which epoch there is one row after the other."""
    return sum(row["epoch"] == number for number, row in enumerate(rows, start=1))


def _folders_by_trial(study_dir: Path) -> list[tuple[int, list[JobFolder]]]:
    folders: dict[int, list[JobFolder]] = {}
    for folder in job_folders(study_dir):
        folders.setdefault(folder.trial, []).append(folder)
    return sorted(folders.items())


def _trial(
    number: int, folders: list[JobFolder], max_epochs: int, study_outcome: str | None
) -> Trial | None:
    """Put a trial's jobs together; None before the first of them has written its parameters."""
    begun = _begun(folders)
    if not begun:
        return None
    first, last = min(begun), max(begun)
    results = [result for folder in begun for result in read_results(folder)]
    epochs, error = _epochs(results), _last_error(read_error(last))
    config, job = begun[last]["config"], begun[last]["job"]
    reached = epochs[-1]["epoch"] if epochs else 0
    outcome: Outcome | None
    if any(result.diverged for result in results):
        outcome = "diverged"
    elif any(map(_is_lost, results)):
        outcome, error = "failed", error or "it left no message"
    elif reached >= max_epochs:
        outcome = "completed"
    else:
        outcome = _unfinished(study_outcome)
    return Trial(number, config, job, epochs, outcome, error, _started(first, epochs))


def _unfinished(study_outcome: str | None) -> Outcome | None:
    """What a trial is that nothing ended but the study's own end."""
    if study_outcome is None:
        return None
    return "pruned" if study_outcome == "completed" else "interrupted"


def _started(folder: JobFolder, epochs: list[Row]) -> float:
    """When the first job wrote its parameters; a retry writes them again, after the first epoch."""
    written = folder.params.stat().st_mtime
    return min([written, *(row["timestamp"] - row["epoch_seconds"] for row in epochs[:1])])


def _epochs(results: Iterable[Result]) -> list[Row]:
    """The first whole row of every epoch; a retry and a part that began earlier repeat some."""
    rows: dict[int, Row] = {}
    for result in results:
        row = {name: getattr(result, name) for name in _COLUMNS}
        if all(value is not None and math.isfinite(value) for value in row.values()):
            rows.setdefault(row["epoch"], row)
    return [rows[epoch] for epoch in sorted(rows)]


def _last_error(text: str) -> str | None:
    """The exception of a job's last failure: the first line below the last frame of its trace."""
    failures = re.split(r"^Failure # .*$", text, flags=re.MULTILINE)
    lines = failures[-1].strip().split("\n")
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    below = lines[frames[-1] + 1 :] if frames else lines
    return next((line for line in below if line and not line[0].isspace()), None)
