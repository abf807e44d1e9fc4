"""Who may write: one process runs or repairs a study, one mirrors it."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from filelock import FileLock, Timeout

from hypertuning.config import UserError
from hypertuning.record.files import DamagedRecord
from hypertuning.record.layout import StudyDir

DRIVER_SECONDS = 2
"""To wait for the lock: `is_driven` may hold it for a moment."""
WRITER_SECONDS = 30
"""To wait for another mirror, which ends sooner than that."""


@contextmanager
def only_driver(study_dir: PathLike[str]) -> Iterator[None]:
    """Be the only process that runs or repairs a study; a lock ends with its process.

    Raises:
        UserError: another process runs or repairs it.
    """
    study = StudyDir(study_dir)
    study.path.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(study.driver_lock, DRIVER_SECONDS):
            yield
    except Timeout as error:
        raise UserError(
            f"study {study.id} is being run by another process; wait until it ends"
        ) from error


def is_driven(study_dir: PathLike[str]) -> bool:
    """Whether a living process on this machine runs the study."""
    try:
        with _locked(StudyDir(study_dir).driver_lock, timeout_s=0):
            return False
    except Timeout:
        return True


@contextmanager
def only_writer(study_dir: PathLike[str], timeout_s: float = WRITER_SECONDS) -> Iterator[None]:
    """Be the only process that mirrors a study: two could create the same run twice.

    Args:
        timeout_s: To wait for another one; if negative, for ever.

    Raises:
        UserError: another one did not end in time.
    """
    try:
        with _locked(StudyDir(study_dir).mirror_lock, timeout_s):
            yield
    except Timeout as error:
        raise UserError(f"another process is mirroring {study_dir}; wait until it ends") from error


@contextmanager
def _locked(file: Path, timeout_s: float) -> Iterator[None]:
    """Hold a lock of the record.

    Raises:
        filelock.Timeout: another process holds it.
        DamagedRecord: it is not a file.
    """
    lock = FileLock(file, timeout=timeout_s)
    try:
        lock.acquire()
    except Timeout:
        raise
    except OSError as error:
        raise DamagedRecord(file, f"it cannot be locked ({error.strerror})") from error
    try:
        yield
    finally:
        lock.release()
