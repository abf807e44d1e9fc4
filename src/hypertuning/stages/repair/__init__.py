"""Bring the tracking store and the records of the studies together again."""

from pathlib import Path

from pydantic import Field

from hypertuning.stages.done import Done
from hypertuning.stages.kinds import Folder
from hypertuning.stages.options import Options, StudyId, SyncTimeout


class Records(Options):
    """What `sync` and `doctor` share."""

    study: StudyId = "all"
    storage_path: Folder = Field(Path("ray_results"), description="Where the records are.")
    sync_timeout_s: SyncTimeout = 60.0


class Sync(Records):
    """Deliver to MLflow what was measured while it was away."""


class Doctor(Records):
    """List what is open, double, missing or in excess in MLflow, and mend it if asked to."""

    fix: bool = Field(
        False, description="Mend what was found; nothing that was measured is deleted."
    )


def sync(options: Sync) -> Done:
    """Deliver the records of studies that nobody runs."""
    # takes a second: not before the first line
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.repair.records import find_records

    find_records(options.study, options.storage_path)
    with waiting("PyTorch and MLflow"):
        from hypertuning.stages.repair.run import sync

    return sync(options)


def doctor(options: Doctor) -> Done:
    """Compare and mend; status 1 if something is left."""
    from hypertuning.stages.console.waiting import waiting

    with waiting("PyTorch and MLflow"):
        from hypertuning.stages.repair.run import doctor

    return doctor(options)
