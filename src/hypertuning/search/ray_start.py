"""Start Ray or join a cluster, and say in one line why that failed."""

import logging
import os
import re
import socket
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Self

import ray
from ray._private.node import Node
from ray._raylet import Config

import hypertuning
from hypertuning import environment
from hypertuning.config import UserError
from hypertuning.processors import cores
from hypertuning.search.few_processes import few_processes
from hypertuning.search.late_agents import agents_not_awaited
from hypertuning.search.ray_errors import (
    OF_A_CLUSTER,
    OF_THIS_MACHINE,
    PATIENCE_VARIABLE,
    SLOW,
    advice,
    first_line,
    kept,
    text,
)
from hypertuning.search.resources import Resources, check_temp_dir

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
PRELOADING = {
    # PyTorch and Ray Tune take ten seconds of a core: a worker imports them before it has work
    "RAY_preload_python_modules": "hypertuning.search.trainable,hypertuning.search.worker",
    # and is not ended as idle when its CPUs are promised to a trial
    "RAY_num_workers_soft_limit": str(cores()),
}
OBJECT_STORE_BYTES = 200_000_000
"""Our objects are a few kilobytes. Ray's default, 30 % of the memory, does not fit in the 64 MB of
/dev/shm that a container gets; for so small a store Ray takes a file instead."""

CONNECT_SECONDS = 5
PATIENCE_SECONDS = 30, 120
"""How long Ray may take to start: at the first try, as by Ray's default, and at the second."""

log = logging.getLogger(__name__)


class RayStart:
    """Ray, which starts or is joined in the background while other work is done.

    Leaving the block ends Ray, or leaves the cluster, after its start is over.

    Args:
        logs: Folder for the whole error if Ray does not start.

    Raises:
        UserError: Ray runs in this process already, or has no place for its sockets.
    """

    def __init__(self, resources: Resources, logs: Path, verbose: bool = False) -> None:
        if ray.is_initialized():  # in a notebook; its workers would not have our environment
            raise UserError("Ray runs in this process already; end it by ray.shutdown() first")
        os.environ.update(DRIVER_ENVIRONMENT)
        for name in ("ray", "ray.tune"):
            logging.getLogger(name).setLevel(_level(verbose))
        if resources.is_local:
            check_temp_dir()
        self.resources = resources
        # Linux ends Ray's processes when the thread ends that started them
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ray")
        self._start = self._thread.submit(
            _start if resources.is_local else _join, resources, verbose, logs
        )

    def room(self) -> int:
        """Wait until Ray has started; return how many trials fit at once.

        Raises:
            UserError: Ray does not start, no cluster answers at the address, or no trial fits.
        """
        self._start.result()
        return self.resources.room(ray.cluster_resources())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        wait([self._start])
        _leave()
        self._thread.shutdown()


def _start(resources: Resources, verbose: bool, logs: Path) -> None:
    """Start Ray on this machine; if it is too slow, try once more and wait longer."""
    os.environ.update(WORKER_ENVIRONMENT | PRELOADING)  # workers inherit it
    first, longest = _patience()
    for patience, last in ((first, False), (longest, True)):
        os.environ[PATIENCE_VARIABLE] = str(patience)
        began = time.time()
        try:
            with agents_not_awaited(longest), few_processes(resources.at_once, prints=verbose):
                Config.initialize("")  # Ray reads its variables once, unless it is told to
                return _init(
                    verbose,
                    address="local",
                    num_cpus=cores(),
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE_BYTES,
                )
        except (Exception, SystemExit) as error:
            _leave()
            _end_half_started(error)
            if re.search(SLOW, text(error)) and not last:
                log.info("Ray has not started in %.0f s: once more", time.time() - began)
                continue
            raise UserError(
                f"Ray did not start on this machine ({first_line(error)}); "
                f"{advice(OF_THIS_MACHINE, error)}{kept(error, logs, began)}"
            ) from error


def _join(resources: Resources, verbose: bool, logs: Path) -> None:
    address = resources.address
    try:
        _knock(address)
    except OSError as error:
        raise UserError(
            f"no Ray cluster answers at ray_address={address} ({first_line(error)}); "
            "start one with `ray start --head`, or use ray_address=local"
        ) from error
    package, began = str(Path(hypertuning.__file__).parent), time.time()
    environment = {"env_vars": WORKER_ENVIRONMENT, "py_modules": [package]}
    try:
        _init(verbose, address=address, runtime_env=environment)
    except (Exception, SystemExit) as error:
        _leave()
        raise UserError(
            f"no Ray cluster could be joined at ray_address={address} ({first_line(error)}); "
            f"{advice(OF_A_CLUSTER, error)}{kept(error, logs, began)}"
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
