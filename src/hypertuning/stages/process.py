"""What a stage changes in its process, which matters to a program that goes on."""

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hypertuning import environment


@contextmanager
def restored() -> Iterator[None]:
    """Give the process back as it was: environment, tracking store, log, and SIGTERM's handler."""
    log = logging.getLogger("hypertuning")
    handlers, level = log.handlers, log.level
    in_main_thread = threading.current_thread() is threading.main_thread()
    on_sigterm = signal.getsignal(signal.SIGTERM)  # Ray installs its own, and leaves it
    uri = _tracking_uri()
    with environment.restored():
        try:
            yield
        finally:
            log.handlers = handlers
            log.setLevel(level)
            if in_main_thread:
                signal.signal(signal.SIGTERM, on_sigterm)
            if mlflow := sys.modules.get("mlflow"):
                mlflow.set_tracking_uri(uri)


def _tracking_uri() -> str | None:
    """The store that the program has named to MLflow, if it has."""
    mlflow = sys.modules.get("mlflow")  # it takes seconds to import
    return mlflow.get_tracking_uri() if mlflow and mlflow.is_tracking_uri_set() else None
