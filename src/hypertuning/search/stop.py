"""End a search early: after a signal, or when the disk takes no more data."""

import errno
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ray import tune

ONE_CTRL_C_SECONDS = 2
"""Within which the same signal may come again, and yet be of one Ctrl-C."""
OTHER_SIGNAL_SECONDS = 15
"""Within which another one may: `mlflow run` sends SIGTERM after a Ctrl-C, late if it waits for a
processor."""
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG)


class Stopped(BaseException):
    """Leaves the search between two of its steps.

    A BaseException, so that Ray does not wait for the workers. Killing them loses no result: all
    that they measured stands beside their checkpoints.
    """


class Stop(tune.Stopper):
    """Ends the search after a signal, or when checkpoints can no longer be written."""

    searching = False
    """Whether a search is running; if not, a signal raises KeyboardInterrupt."""
    signalled_at: float | None = None
    came: frozenset[int] = frozenset()
    """The signals so far."""
    disk_error = ""

    def __call__(self, trial_id: str, result: dict) -> bool:
        self.disk_error = self.disk_error or result.get("unsaved", "")
        return False

    def stop_all(self) -> bool:
        if self.disk_error or self.signalled_at is not None:
            raise Stopped
        return False

    def signalled(self, number: int, _: object) -> None:
        """End the search cleanly at a first signal, and leave at once at another one after that.

        The terminal and `mlflow run` both pass on one Ctrl-C, as several signals soon after each
        other: they count as one. Ray's own handlers would leave at the second.
        """
        now, before = time.monotonic(), self.signalled_at
        within = ONE_CTRL_C_SECONDS if number in self.came else OTHER_SIGNAL_SECONDS
        self.came |= {number}
        if before is not None and now - before <= within:
            return
        self.signalled_at = now
        if before is not None or not self.searching:
            raise KeyboardInterrupt


@contextmanager
def signals_caught() -> Iterator[Stop]:
    """Give a Stop, for `run`, that is told of Ctrl-C, SIGTERM and the end of the terminal."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():  # Python allows handlers there
        yield stop
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop.signalled) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def disk_error_of(error: BaseException | None) -> str | None:
    """The system's message about a disk, if that caused an error of Ray's; otherwise None."""
    while error and getattr(error, "errno", None) not in DISK_ERRORS:
        error = error.__cause__ or error.__context__
    return error and error.strerror
