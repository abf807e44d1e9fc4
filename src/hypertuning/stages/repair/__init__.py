"""Make the tracking store agree with the records of the studies."""

from pathlib import Path

from pydantic import Field

from hypertuning.stages.done import Done
from hypertuning.stages.kinds import Folder
from hypertuning.stages.options import Options, StudyId, SyncTimeout


class Records(Options):
    """What `sync` and `doctor` share."""

    study: StudyId = "all"
    storage_path: Folder = Field(Path("ray_results"), description="Folder of the records.")
    sync_timeout_s: SyncTimeout = 60.0


class Sync(Records):
    """Send to MLflow what was measured while it did not answer."""


class Doctor(Records):
    """Compare MLflow with the records, list what differs, and mend it if asked to."""

    fix: bool = Field(False, description="Mend what was found; no measurement is deleted.")


def sync(options: Sync) -> Done:
    """Send the records of studies that are not running."""
    # imported here, because it takes a second and the first line must come at once
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.repair.records import find_records

    find_records(options.study, options.storage_path)
    with waiting("MLflow"):
        from hypertuning.stages.repair.run import run_sync

    return run_sync(options)


def doctor(options: Doctor) -> Done:
    """Compare and mend; status 1 if findings are left."""
    from hypertuning.stages.console.waiting import waiting

    with waiting("MLflow"):
        from hypertuning.stages.repair.run import run_doctor

    return run_doctor(options)
