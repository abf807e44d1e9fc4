"""A study whose driver is gone: who may take it over, and what its record still lacks."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from hypertuning.config import UserError
from hypertuning.tracking.record import last_job, read_trials
from hypertuning.tracking.trial import Row

LOCK_SECONDS = 2
"""Longer than it takes to ask whether somebody drives a study."""


@contextmanager
def only_driver(study_dir: Path) -> Iterator[None]:
    """Be the one process that runs or repairs a study; the lock ends with the process, however.

    Raises:
        UserError: another process is.
    """
    study_dir.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(study_dir / "driver.lock", timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise UserError(
            f"study {study_dir.name} is being run by another process; wait until it ends"
        ) from error


def is_driven(study_dir: Path) -> bool:
    """Whether a living process on this machine runs the study."""
    try:
        with FileLock(study_dir / "driver.lock", blocking=False):
            return False
    except Timeout:
        return True


def recover_epochs(study_dir: Path, rows_of: Callable[[Path, dict], Sequence[Row]]) -> int:
    """Take into the record what only the checkpoints know; give how many epochs that was.

    A worker writes its checkpoint before the driver hears of the epoch. What was measured while the
    driver died, or while the disk was full, stands there alone. Only for who drives the study.

    Args:
        rows_of: Reads the rows of a configuration's checkpoint, if there is one.
    """
    recovered = 0
    for trial in read_trials(study_dir):
        file = study_dir / "checkpoints" / f"{trial.trial_id}.pt"
        known = {row["epoch"] for row in trial.epochs}
        rows = [row for row in rows_of(file, trial.config) if row["epoch"] not in known]
        if rows:
            _append(last_job(study_dir, trial.number) / "recovered.json", rows)
        recovered += len(rows)
    return recovered


def _append(file: Path, rows: Sequence[Row]) -> None:
    before = file.read_text() if file.exists() else ""
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(before + "".join(json.dumps(row) + "\n" for row in rows))
    unfinished.replace(file)
