"""The tracking store: opened, made if there is none, and given up soon if it does not answer."""

import itertools
import logging
import os
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
from mlflow.tracking.registry import UnsupportedModelRegistryStoreURIException

from hypertuning.addresses import without_password, without_secrets
from hypertuning.config import UserError
from hypertuning.environment import set_default
from hypertuning.tracking import store_address
from hypertuning.whole_file import replacing

T = TypeVar("T")
_FINAL = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""Errors that are an answer of the store."""
MAKING_SECONDS = 300
"""To wait for another process to make the same store; on a busy machine that takes a minute."""


class NotStored(UserError):
    """Files did not reach the store of artifacts."""


def is_named() -> bool:
    """Whether MLFLOW_TRACKING_URI or an earlier `connect` names a store."""
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
    given = uri or mlflow.get_tracking_uri()
    store_address.check(given)
    uri, file = store_address.absolute(given), store_address.file_of(given)
    if must_exist and file and not file.exists():
        raise UserError(f"there is no tracking store {file}; name one by MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    _fail_soon()
    try:
        if uri.startswith("sqlite:"):  # always answers, but making it can take a minute
            return _open_file(uri, file) if file else _open(uri)
        return within(timeout_s, lambda: _open(uri))
    except UnsupportedModelRegistryStoreURIException as error:
        raise UserError(
            f"MLFLOW_TRACKING_URI (={without_password(uri)}) has a scheme that MLflow does not "
            f"know; it knows {', '.join(filter(None, error.supported_uri_schemes))}"
        ) from error
    except Exception as error:
        raise UserError(
            f"the tracking store {without_password(uri)} does not answer: {reason(error)}; start "
            "it, or set MLFLOW_TRACKING_URI to another one (unset, it is mlflow.db in the working "
            "directory)"
        ) from error
    finally:
        store_address.remove_encoded_folders(given, uri)


def reason(error: BaseException) -> str:
    """The first cause of an error, in one line, without the secrets of any address."""
    error = _bottom(error)
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
    return without_secrets(line, mlflow.get_tracking_uri())


def is_final(error: BaseException) -> bool:
    """Whether trying again is useless: the store has answered, or a library is missing."""
    return getattr(error, "error_code", "") in _FINAL or isinstance(_bottom(error), ImportError)


def _bottom(error: BaseException) -> BaseException:
    while cause := error.__cause__ or (not error.__suppress_context__ and error.__context__):
        error = cause
    return error


def back_off() -> Iterator[float]:
    """Seconds to wait before each new try: 1, 2, 4, … 30, 30, …"""
    return (min(2.0**attempt, 30.0) for attempt in itertools.count())


def insist(action: Callable[[], T], patience_s: float) -> T:
    """Do something that is safe to repeat, and repeat it while the store is away.

    Args:
        patience_s: Seconds after which the last error is raised.

    Raises:
        MlflowException, NotStored, OSError: the last error.
    """
    deadline = time.monotonic() + patience_s
    for pause in back_off():
        try:
            return action()
        except (MlflowException, NotStored, OSError) as error:
            left = deadline - time.monotonic()
            if left <= 0 or is_final(error):
                raise
            time.sleep(min(pause, left))
    raise AssertionError("there is always another pause")


def _fail_soon() -> None:
    """Make MLflow give up soon: by default it waits and tries again for many minutes.

    Its own retries would also make a run twice if the answer to `create_run` was lost; our retries
    first ask the store what it holds.
    """
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    set_default("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    set_default("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    set_default("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


def _open(uri: str) -> MlflowClient:
    # hides "Creating tables…", and a long log of a locked database, which is raised anyway
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    client = MlflowClient(uri)
    client.search_experiments(max_results=1)
    return client


def _open_file(uri: str, file: Path) -> MlflowClient:
    """Open an SQLite store; a fresh one is made by one process, and appears when it is whole.

    MLflow cannot repair a store that was only half made.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", timeout=MAKING_SECONDS):
        if not file.exists():
            with replacing(file) as beside:
                _open(store_address.address_of(beside, like=uri))
        return _open(uri)


def within(timeout_s: float, action: Callable[[], T]) -> T:
    """Do something that may never return, such as connecting to a database that is away."""
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
