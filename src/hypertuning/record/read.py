"""The record of a study, read back as its trials, its outcome, and what was asked for.

It may be read while it is written, and after it was cut off at any byte. `record.files` says when a
file counts as damaged; then every reader here raises DamagedRecord.
"""

import re
from collections.abc import Iterable
from os import PathLike
from typing import Any, NamedTuple

from hypertuning.config import UserError
from hypertuning.epoch import Row
from hypertuning.record.files import (
    JobFolder,
    job_folders,
    parts,
    read_ended,
    read_error,
    read_results,
    read_study_file,
)
from hypertuning.record.jobs import begun_jobs, epochs_of, folders_by_trial, is_lost
from hypertuning.record.layout import StudyDir
from hypertuning.record.trial import Outcome, Trial, best_trial, count_epochs


class Recorded(NamedTuple):
    """A study's record, read once."""

    folder: StudyDir
    study: dict[str, Any]
    """What was asked for, see `read_study`."""
    trials: list[Trial]
    outcome: str | None
    """How its last part ended, but failed if no trial finished an epoch; None without an ending."""
    expected_gain: float | None = None
    """What going on was expected to lower the loss by, if that was known at its end."""

    @property
    def id(self) -> str:
        return self.folder.id

    @property
    def epochs(self) -> int:
        """Of all trials together."""
        return count_epochs(self.trials)

    @property
    def best(self) -> Trial | None:
        return best_trial(self.trials)


def read_record(study_dir: PathLike[str]) -> Recorded:
    """Read the whole record of a study.

    Raises:
        UserError: the folder is not that of a study, or its record is damaged.
    """
    study, ending = read_study(study_dir), _read_ending(study_dir)
    ended = ending.get("outcome")
    trials = [
        trial
        for number, folders in folders_by_trial(study_dir)
        if (trial := _trial(number, folders, study["max_epochs"], ended))
    ]
    outcome, gain = _outcome_of(trials, ended), ending.get("expected_gain")
    return Recorded(StudyDir(study_dir), study, trials, outcome, gain)


def read_study(study_dir: PathLike[str]) -> dict[str, Any]:
    """What was asked for: `stage`, `strategy`, `num_samples`, `max_epochs`, `parameters`.

    Raises:
        UserError: the folder is not that of a study, or its study.json is damaged.
    """
    study = read_study_file(study_dir)
    if study is None:
        raise UserError(f"{study_dir} holds no record of a study: it has no readable study.json")
    return study


def read_outcome(study_dir: PathLike[str]) -> str | None:
    """How the last part ended; None while it runs, and if its driver was killed."""
    return _read_ending(study_dir).get("outcome")


def _read_ending(study_dir: PathLike[str]) -> dict[str, Any]:
    """How the last part ended; empty while it runs, and if its driver was killed."""
    begun = parts(study_dir)
    return (read_ended(begun[-1]) if begun else None) or {}


def _outcome_of(trials: Iterable[Trial], ended: str | None) -> str | None:
    measured = any(trial.epochs for trial in trials)
    return "failed" if ended == "completed" and not measured else ended


def read_trials(study_dir: PathLike[str]) -> list[Trial]:
    """All trials that have begun, in the order of their numbers."""
    return read_record(study_dir).trials


def read_trial(study_dir: PathLike[str], number: int) -> Trial | None:
    """One trial; None if it has not begun."""
    study, ended = read_study(study_dir), read_outcome(study_dir)
    return _trial(number, job_folders(study_dir, number), study["max_epochs"], ended)


def _trial(
    number: int, folders: list[JobFolder], max_epochs: int, ended: str | None
) -> Trial | None:
    """Put a trial's jobs together; None if none of them has written its parameters yet."""
    begun = begun_jobs(folders)
    if not begun:
        return None
    first, last = min(begun), max(begun)
    results = [result for folder in begun for result in read_results(folder)]
    epochs, error = epochs_of(results), _last_error(read_error(last))
    config, job = begun[last]["config"], begun[last]["job"]
    reached = epochs[-1]["epoch"] if epochs else 0
    outcome: Outcome | None
    if any(result.diverged for result in results):
        outcome = "diverged"
    elif any(map(is_lost, results)):
        outcome, error = "failed", error or "it left no message"
    elif reached >= max_epochs:
        outcome = "completed"
    else:
        outcome = _unfinished(ended)
    return Trial(number, config, job, epochs, outcome, error, _started(first, epochs))


def _unfinished(ended: str | None) -> Outcome | None:
    """The outcome of a trial that only the study's own end has ended."""
    if ended is None:
        return None
    return "pruned" if ended == "completed" else "interrupted"


def _started(folder: JobFolder, epochs: list[Row]) -> float:
    """When the first job wrote its parameters. A retry writes them again, after the first epoch."""
    written = folder.files.params.stat().st_mtime
    return min([written, *(row["timestamp"] - row["epoch_seconds"] for row in epochs[:1])])


def _last_error(text: str) -> str | None:
    """The exception of a job's last failure: the first line below the last frame of its trace."""
    failures = re.split(r"^Failure # .*$", text, flags=re.MULTILINE)
    lines = failures[-1].strip().split("\n")
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    below = lines[frames[-1] + 1 :] if frames else lines
    return next((line for line in below if line and not line[0].isspace()), None)
