"""Run one part of a study: the only place where a Tuner is made."""

import os
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path

from ray import tune

from hypertuning.config import UserError
from hypertuning.record.files import next_part
from hypertuning.record.write import write_ending
from hypertuning.search.recorder import Recorder
from hypertuning.search.resources import Resources
from hypertuning.search.searcher import LadderSearcher, job_name
from hypertuning.search.stop import Stop, Stopped, disk_error_of


def run(
    study_dir: PathLike[str],
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
    part, stop = next_part(study_dir), stop or Stop()
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
            write_ending(part, outcome, searcher.expected_gain)
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
            # a trial keeps its own checkpoint, see search.trainable
            checkpoint_config=tune.CheckpointConfig(
                checkpoint_frequency=0, checkpoint_at_end=False
            ),
            failure_config=tune.FailureConfig(max_failures=max_failures),
            stop=stop,
            verbose=0,
        ),
    )
