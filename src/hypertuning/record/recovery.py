"""A study whose driver is gone: what its record still lacks."""

import math
from collections.abc import Callable, Container, Sequence
from pathlib import Path

from hypertuning.record.files import add_recovered, checkpoint_file
from hypertuning.record.read import last_job, read_trials
from hypertuning.record.trial import EPOCH_METRICS, Row


def recover_epochs(study_dir: Path, rows_of: Callable[[Path, dict], Sequence[Row]]) -> int:
    """Take into the record what only the checkpoints know; give how many epochs that was.

    A worker writes its checkpoint before the driver hears of the epoch. What was measured while the
    driver died, or while the disk was full, stands there alone. Only for who drives the study.

    Args:
        rows_of: Reads the rows of a configuration's checkpoint, if there is one.

    Raises:
        DamagedRecord: of what was measured, nothing can be said for certain.
    """
    recovered = 0
    for trial in read_trials(study_dir):
        file = checkpoint_file(study_dir, trial.trial_id)
        known = {row["epoch"] for row in trial.epochs}
        rows = [row for row in rows_of(file, trial.config) if _is_new(row, known)]
        if rows:
            add_recovered(last_job(study_dir, trial.number), rows)
        recovered += len(rows)
    return recovered


def _is_new(row: Row, known: Container[float]) -> bool:
    measured = all(math.isfinite(row[name]) for name in EPOCH_METRICS)
    return measured and row["epoch"] not in known
