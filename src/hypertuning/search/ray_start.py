"""Start Ray or join a cluster, and say in one line why that failed."""

import logging
import os
import re
import socket
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import ray
from ray._private.node import Node
from ray._raylet import Config

import hypertuning
from hypertuning import environment
from hypertuning.config import UserError
from hypertuning.search.late_agents import agents_not_awaited
from hypertuning.search.resources import Resources, check_temp_dir, temp_dir

DRIVER_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",  # the new output prints its tables even at verbosity 0
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths keep their meaning in the workers
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the recorder takes the place of all three
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # see search.stop
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",  # of the state that we never restore
    "TUNE_WARN_THRESHOLD_S": "10",
}
WORKER_ENVIRONMENT = {
    # glibc gives every freed batch back to the kernel and faults its pages in again: a quarter of
    # the training time of a small CNN
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**31),
}
OBJECT_STORE_BYTES = 200_000_000
"""Our objects are a few kilobytes. Ray's default, 30 % of the memory, does not fit in the 64 MB of
/dev/shm that a container gets; for so small a store Ray takes a file instead."""

CONNECT_SECONDS = 5
PATIENCE_VARIABLE = "RAY_raylet_start_wait_time_s"
PATIENCE_SECONDS = 30, 120
"""How long Ray may take to start: at the first try, as by Ray's default, and at the second."""
LOG_LINES = 40
"""How many lines of each of Ray's logs are kept when it does not start."""

SLOW = r"timed out during startup|start_wait_time|Deadline Exceeded|Failed to start GCS"
OF_THIS_MACHINE = {
    SLOW: "this machine is too busy (load {load:.0f} on {cpus} CPUs): end other work, or give it "
    f"longer by {PATIENCE_VARIABLE}=300",
    r"auth_token": "Ray keeps a token there: set HOME to a folder that can be written to, or "
    "RAY_AUTH_MODE=disabled",
    r"No space left|Disk quota": "its folder {tmp} has no room: make some, or name another folder "
    "by RAY_TMPDIR",
    r"Permission denied|Read-only": "its folder is {tmp}: name one by RAY_TMPDIR that can be "
    "written to",
    r"/dev/shm|object store|[mM]emory": "free memory, or give the container more of it",
    r"[Aa]ddress already in use|\b[Pp]ort \d": "a port that it was told to use is taken: see the "
    "variables that begin with RAY_",
    r"": "see there what happened",
}
OF_A_CLUSTER = {
    r"[Tt]oken|[Aa]uth": "the cluster asks for its token: set RAY_AUTH_MODE=token, and "
    "RAY_AUTH_TOKEN or ~/.ray/auth_token to the token that it has",
    r"Version mismatch": "install the versions of Ray and Python that the cluster has",
    r"Could not find any running": "start one with `ray start --head`, or use ray_address=local",
    r"pip install": "install that, or use the address of the cluster's head without ray://",
    r"": "something listens there: check that it is the head of a Ray cluster of the same version, "
    "and whether it asks for a token (RAY_AUTH_MODE=token)",
}
"""Pattern in Ray's error → advice. The first that matches counts."""

log = logging.getLogger(__name__)


@contextmanager
def ray_started(resources: Resources, logs: Path, verbose: bool = False) -> Iterator[int]:
    """Start or join Ray, give how many trials fit at once, and leave Ray at the end.

    Args:
        logs: Folder for the whole error if Ray does not start.

    Raises:
        UserError: Ray does not start, no cluster answers at the address, or no trial fits.
    """
    if ray.is_initialized():  # in a notebook; its workers would not have our environment
        raise UserError("Ray runs in this process already; end it by ray.shutdown() first")
    os.environ.update(DRIVER_ENVIRONMENT)
    logging.getLogger("ray.tune").setLevel(_level(verbose))
    if resources.is_local:
        check_temp_dir()
        _start(verbose, logs)
    else:
        _join(resources.address, verbose, logs)
    try:
        yield resources.room(ray.cluster_resources())
    finally:
        _leave()


def _start(verbose: bool, logs: Path) -> None:
    """Start Ray on this machine; if it is too slow, try once more and wait longer."""
    for patience, manner in zip(_patience(), (nullcontext, agents_not_awaited), strict=True):
        last = manner is agents_not_awaited
        os.environ[PATIENCE_VARIABLE] = str(patience)
        began = time.time()
        try:
            with manner(patience):
                Config.initialize("")  # Ray reads its variables once, unless it is told to
                return _init(
                    verbose,
                    address="local",
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE_BYTES,
                    runtime_env={"env_vars": WORKER_ENVIRONMENT},
                )
        except (Exception, SystemExit) as error:
            _leave()
            _end_half_started(error)
            if re.search(SLOW, _text(error)) and not last:
                log.info("Ray has not started in %.0f s: once more", time.time() - began)
                continue
            raise UserError(
                f"Ray did not start on this machine ({_first_line(error)}); "
                f"{_advice(OF_THIS_MACHINE, error)}{_kept(error, logs, began)}"
            ) from error


def _join(address: str, verbose: bool, logs: Path) -> None:
    try:
        _knock(address)
    except OSError as error:
        raise UserError(
            f"no Ray cluster answers at ray_address={address} ({_first_line(error)}); "
            "start one with `ray start --head`, or use ray_address=local"
        ) from error
    package, began = str(Path(hypertuning.__file__).parent), time.time()
    environment = {"env_vars": WORKER_ENVIRONMENT, "py_modules": [package]}
    try:
        _init(verbose, address=address, runtime_env=environment)
    except (Exception, SystemExit) as error:
        _leave()
        raise UserError(
            f"no Ray cluster could be joined at ray_address={address} ({_first_line(error)}); "
            f"{_advice(OF_A_CLUSTER, error)}{_kept(error, logs, began)}"
        ) from error


def _init(verbose: bool, **how) -> None:
    ray.init(log_to_driver=verbose, logging_level=_level(verbose), **how)


def _leave() -> None:
    """End Ray, or leave the cluster; an error here does no harm."""
    try:
        ray.shutdown()
    except (Exception, SystemExit):
        log.debug("Ray did not end cleanly", exc_info=True)


def _level(verbose: bool) -> int:
    return logging.INFO if verbose else logging.FATAL


def _patience() -> tuple[int, int]:
    """Seconds of the first and of the second try; the user's own number may raise both."""
    first, second = PATIENCE_SECONDS
    with suppress(ValueError):
        first = max(1, int(environment.read(PATIENCE_VARIABLE) or first))
    return first, max(first, second)


def _knock(address: str) -> None:
    """Raise OSError if nothing listens at `host:port`; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()


def _end_half_started(error: BaseException) -> None:
    """End the half of Ray that did start: a second try beside it would be slower still.

    Ray forgets a node that did not come up; the error's own frames still know it.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        node = frame.f_locals.get("self")
        if isinstance(node, Node):
            node.kill_all_processes(check_alive=False, wait=True)


def _advice(causes: dict[str, str], error: BaseException) -> str:
    text = _text(error)
    fitting = next(advice for pattern, advice in causes.items() if re.search(pattern, text))
    load, cpus = os.getloadavg()[0], os.cpu_count()
    return fitting.format(load=load, cpus=cpus, tmp=temp_dir()[1])


def _kept(error: BaseException, logs: Path, began: float) -> str:
    """Write the whole error to a file; give the end of the message, which names it."""
    file = logs / f"ray-start-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(_story(error, began)))
    except OSError:
        return ""
    return f"; the whole story: {file}"


def _story(error: BaseException, began: float) -> Iterator[str]:
    yield "".join(traceback.format_exception(error))
    yield f"load {os.getloadavg()}, {os.cpu_count()} CPUs, {temp_dir()[0]}={temp_dir()[1]}"
    for file in sorted(temp_dir()[1].glob("ray/session_2*/logs/*.[oe]*")):
        with suppress(OSError):
            lines = file.read_text(errors="replace").splitlines()
            if lines and file.stat().st_mtime >= began:
                yield "\n".join([f"\n{file}, the last lines:", *lines[-LOG_LINES:]])


def _text(error: BaseException) -> str:
    """The text of an error and of those that caused it."""
    return "".join(traceback.format_exception_only(error)) + (
        _text(error.__cause__) if error.__cause__ else ""
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
