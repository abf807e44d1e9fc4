"""Run one part of a study: the only place where Ray is started and a Tuner is made."""

import json
import logging
import os
import socket
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import ray
from ray import tune

import hypertuning
from hypertuning.config import UserError
from hypertuning.search.recorder import Recorder
from hypertuning.search.searcher import LadderSearcher, job_name
from hypertuning.search.stop import Stop, Stopped, disk_error_of

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

CONNECT_SECONDS = 5
SMALLEST_SHARE = 0.0001
"""Of a GPU: Ray counts in such units."""


@dataclass(frozen=True)
class Resources:
    """What a study may occupy."""

    address: str = "local"
    """`local` starts Ray on this machine, `auto` or an address joins a running cluster."""
    cpus_per_trial: int = 1
    gpus_per_trial: float = 0
    concurrency: int = 0
    """Trials at once; 0 is as many as there is room for."""

    def __post_init__(self) -> None:
        gpus = self.gpus_per_trial
        if 0 < gpus < SMALLEST_SHARE or (gpus > 1 and gpus % 1):
            raise UserError(
                f"`gpus_per_trial` must be 0, a fraction from {SMALLEST_SHARE} up to 1, or a whole "
                f"number, got {gpus}"
            )

    def device(self) -> str:
        """Where a trial trains; never what merely happens to be visible."""
        return "cuda" if self.gpus_per_trial else "cpu"

    def room(self, available: dict[str, float]) -> int:
        """How many trials may run at once on what a cluster has.

        Raises:
            UserError: not even one fits.
        """
        wanted = {"CPU": self.cpus_per_trial, "GPU": self.gpus_per_trial}
        needed = {name: amount for name, amount in wanted.items() if amount}
        room = int(min(available.get(name, 0) / amount for name, amount in needed.items()))
        if room < 1:
            has = ", ".join(f"{available.get(name, 0):g} {name}" for name in needed)
            asks = ", ".join(f"{amount:g} {name}" for name, amount in needed.items())
            raise UserError(f"one trial asks for {asks}, but Ray has {has}; ask for less")
        return min(self.concurrency or room, room)


@contextmanager
def ray_started(resources: Resources, verbose: bool = False) -> Iterator[int]:
    """Start or join Ray, and leave it at the end; gives how many trials fit at once.

    Raises:
        UserError: no cluster answers at the address, or no trial fits.
    """
    os.environ.update(DRIVER_ENVIRONMENT)
    local = resources.address == "local"
    level = logging.INFO if verbose else logging.FATAL
    logging.getLogger("ray.tune").setLevel(level)
    try:
        _knock(resources.address)
        ray.init(
            address=resources.address,
            runtime_env=_worker_environment(local),
            include_dashboard=False if local else None,
            log_to_driver=verbose,
            logging_level=level,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(
            f"no Ray cluster answers at ray_address={resources.address} ({_first_line(error)}); "
            "start one with `ray start --head`, or use ray_address=local"
        ) from error
    try:
        yield resources.room(ray.cluster_resources())
    finally:
        ray.shutdown()


def run(
    study_dir: Path,
    searcher: LadderSearcher,
    trainable: type[tune.Trainable],
    resources: Resources,
    callbacks: Sequence[tune.Callback] = (),
    max_failures: int = 1,
    time_budget_s: float = 0,
    stop: Stop | None = None,
) -> str:
    """Run one more part of a study to its end; give its outcome.

    Args:
        stop: Told of signals, see `search.stop.signals_caught`.

    Returns:
        `completed`, or `interrupted` by the user or by the end of the time budget. It also stands
        in the part's ended.json, whose absence says that the driver died.

    Raises:
        UserError: the disk takes no more; the study is interrupted, and can go on from there.
    """
    # By default Ray asks for the next trial only when none is waiting for its worker to start, and
    # gives the waiting one the first worker that falls free: where trials are short, the second
    # worker would never be started.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(searcher.concurrency)
    part, stop = _next_part(study_dir), stop or Stop()
    part.mkdir(parents=True)
    tuner = _tuner(part, searcher, trainable, resources, callbacks, max_failures, stop)
    searcher.deadline = time.monotonic() + time_budget_s if time_budget_s else None
    outcome = "interrupted"
    try:
        stop.searching = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray's, about Ray's own deprecations
            tuner.fit()
        if searcher.done:
            outcome = "completed"
    except Stopped:
        for callback in callbacks:  # whom Ray has told nothing
            callback.on_experiment_end(trials=[])
    except Exception as error:
        if disk := disk_error_of(error):
            raise UserError(f"the record in {part} could not be written: {disk}") from error
        outcome = "failed"
        raise
    finally:
        stop.searching = False
        with suppress(OSError):  # on a full disk; then it reads like that of a driver that died
            write_ending(part, outcome)
    if stop.disk_error:
        raise UserError(stop.disk_error)
    return outcome


def _tuner(
    part: Path,
    searcher: LadderSearcher,
    trainable: type[tune.Trainable],
    resources: Resources,
    callbacks: Sequence[tune.Callback],
    max_failures: int,
    stop: Stop,
) -> tune.Tuner:
    per_trial = {"cpu": resources.cpus_per_trial, "gpu": resources.gpus_per_trial}
    return tune.Tuner(
        tune.with_resources(trainable, per_trial),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            num_samples=-1,
            reuse_actors=True,
            trial_name_creator=job_name,
            trial_dirname_creator=job_name,
        ),
        run_config=tune.RunConfig(
            name=part.name,
            storage_path=str(part.parent),
            callbacks=[Recorder(), *callbacks],
            # a trial keeps its own checkpoint, see search.trial
            checkpoint_config=tune.CheckpointConfig(
                checkpoint_frequency=0, checkpoint_at_end=False
            ),
            failure_config=tune.FailureConfig(max_failures=max_failures),
            stop=stop,
            verbose=0,
        ),
    )


def write_ending(part: Path, outcome: str) -> None:
    """Say in the record how a part ended: `completed`, `interrupted` or `failed`."""
    ended = {"outcome": outcome, "timestamp": time.time()}
    (part / "ended.json.unfinished").write_text(json.dumps(ended))
    (part / "ended.json.unfinished").replace(part / "ended.json")


def _next_part(study_dir: Path) -> Path:
    names = [part.name.removeprefix("part-") for part in study_dir.glob("part-*")]
    numbers = [int(name) for name in names if name.isdecimal()]
    return study_dir / f"part-{max(numbers, default=0) + 1:03d}"


def _worker_environment(local: bool) -> dict:
    """What Ray sets up for the workers; those of a cluster get this package too."""
    package = str(Path(hypertuning.__file__).parent)
    return {"env_vars": WORKER_ENVIRONMENT, **({} if local else {"py_modules": [package]})}


def _knock(address: str) -> None:
    """Raise OSError where nobody listens at `host:port`; Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
