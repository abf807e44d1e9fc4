"""The tracking store: found, made once where there is none, and given up soon if it is silent."""

import itertools
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import mlflow
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from hypertuning.config import UserError
from hypertuning.tracking.environment import set_default

T = TypeVar("T")
_SQLITE = "sqlite:///"
_FINAL = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""Answers of a store that is there."""
LOCK_SECONDS = 300
"""To wait for another process that makes the same store; on a busy machine that takes a minute."""


def is_named() -> bool:
    """Whether MLFLOW_TRACKING_URI, or whoever went before, names a store."""
    return mlflow.is_tracking_uri_set()


def connect(
    timeout_s: float = 15, uri: str | None = None, must_exist: bool = False
) -> MlflowClient:
    """Open a store, by default the one that MLFLOW_TRACKING_URI names, else mlflow.db here.

    Makes the URI absolute, for this process and those it starts: Ray works in other directories.

    Args:
        must_exist: Do not make a store in a file that is not there.

    Raises:
        UserError: the store cannot be opened, or a server does not answer within `timeout_s`.
    """
    uri = _absolute(uri or mlflow.get_tracking_uri())
    file = Path(uri.removeprefix(_SQLITE).split("?")[0])
    if must_exist and uri.startswith(_SQLITE) and not file.exists():
        raise UserError(f"there is no tracking store {file}; name one by MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    _fail_soon()
    try:
        if uri.startswith(_SQLITE):
            return _open_file(uri)  # never away, but on a busy machine its tables take a minute
        return _within(timeout_s, lambda: _open(uri))
    except Exception as error:
        raise UserError(
            f"the tracking store {without_password(uri)} does not answer: {reason(error)}; start "
            "it, or set MLFLOW_TRACKING_URI to another one (unset, it is mlflow.db in the working "
            "directory)"
        ) from error


def without_password(uri: str) -> str:
    """An address that may be shown and kept."""
    return re.sub(r"//[^/@]*@", "//", uri)


def reason(error: BaseException) -> str:
    """What is at the bottom of an error, in one line."""
    while cause := error.__cause__ or (not error.__suppress_context__ and error.__context__):
        error = cause
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))


def back_off() -> Iterator[float]:
    """Seconds to wait before each new try: 1, 2, 4, … 30, 30, …"""
    return (min(2.0**attempt, 30.0) for attempt in itertools.count())


def insist(action: Callable[[], T], patience_s: float) -> T:
    """Do something that is safe to repeat, again and again while the store is away.

    Raises:
        MlflowException, OSError: what was wrong with the store when patience ended.
    """
    deadline = time.monotonic() + patience_s
    for pause in back_off():
        try:
            return action()
        except (MlflowException, OSError) as error:
            left = deadline - time.monotonic()
            if left <= 0 or getattr(error, "error_code", "") in _FINAL:
                raise
            time.sleep(min(pause, left))
    raise AssertionError("there is always another pause")


def _absolute(uri: str) -> str:
    """Complete `sqlite:///relative.db`; everything else means the same from every directory."""
    path = uri.removeprefix(_SQLITE)
    if path == uri or path.startswith(("/", ":")) or not path:
        return uri
    return f"{_SQLITE}{Path(path).absolute()}"


def _fail_soon() -> None:
    """Take MLflow's patience from it: by default it waits and tries again for many minutes.

    Its own retries would also make a run twice if the answer to `create_run` was lost; ours look
    first what is there.
    """
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    set_default("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    set_default("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    set_default("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


def _open(uri: str) -> MlflowClient:
    # not "Creating tables…", nor a page about a locked database: it is raised as well
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    client = MlflowClient(uri)
    client.search_experiments(max_results=1)
    return client


def _open_file(uri: str) -> MlflowClient:
    """Open an SQLite store; a fresh one is made by one process, and is whole or absent.

    MLflow never mends a store whose making was broken off.
    """
    path, *query = uri.removeprefix(_SQLITE).split("?", 1)
    if path in ("", ":memory:"):
        return _open(uri)
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", timeout=LOCK_SECONDS):
        if not file.exists():
            unfinished = file.with_name(f"{file.name}.unfinished")
            unfinished.unlink(missing_ok=True)
            _open("?".join([f"{_SQLITE}{unfinished}", *query]))
            unfinished.replace(file)
        return _open(uri)


def _within(timeout_s: float, action: Callable[[], T]) -> T:
    """Do something that may not come back, such as a connection to a database that is away."""
    answer: Future[T] = Future()

    def ask() -> None:
        try:
            answer.set_result(action())
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(timeout_s)
    except TimeoutError:
        raise TimeoutError(f"nothing came within {timeout_s:g} s") from None
