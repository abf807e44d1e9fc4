"""Refit the winner on all images that are not for test, epoch by epoch into its run."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from mlflow.exceptions import MlflowException
from rich.console import Console
from rich.progress import Progress

from entrypoints.prepare import Job
from entrypoints.show import say
from entrypoints.stage import how_to_go_on
from hypertuning.config import UserError, parse_config
from hypertuning.learn.data import Splits, load
from hypertuning.learn.training import Diverged, Hardware, TrainState
from hypertuning.registry.refit import begin, refit
from hypertuning.search.stop import signals_caught
from hypertuning.tracking.naming import run_name
from hypertuning.tracking.record import read_study
from hypertuning.tracking.refit_run import log_epochs, open_refit
from hypertuning.tracking.store import insist
from hypertuning.tracking.study_run import DatasetInfo

CHECKPOINT = "refit.pt"


class Fitted(NamedTuple):
    run_id: str
    state: TrainState
    data: Splits


def refit_winner(console: Console, job: Job, study_dir: Path, winner: Mapping) -> Fitted:
    """Train the winner again from new weights, or from where that was broken off.

    Raises:
        UserError: it diverged, or the store took nothing until the end.
        KeyboardInterrupt: the user wants to go on another time; what was trained is kept.
    """
    given = read_study(study_dir)["given"][winner["candidate"] - 1]
    config, epochs = parse_config(given["config"]), max(1, round(winner["best_epoch"]))
    problem, client = job.problem, job.client
    data = load(
        problem.cache, problem.train_size, problem.val_size, problem.split_seed, hold_out=False
    )
    images: DatasetInfo = {**job.images, "train": len(data.train), "val": 0}
    name = f"refit {run_name(config.hyperparameters())}"
    note = (
        f"Trained on {len(data.train):,} images, those of validation too, for {epochs} epochs: the "
        "mean of the best ones of its repeats. Test metrics are on images that nothing was chosen "
        "by."
    )
    hyperparameters = config.hyperparameters()
    run_id = open_refit(client, study_dir.name, name, hyperparameters, images, note)
    state = begin(
        config, data, epochs, study_dir / CHECKPOINT, Hardware.of(problem.device, problem.precision)
    )
    status = "FAILED"
    try:
        with signals_caught():
            _train(console, job, run_id, state, data, study_dir)
        status = "RUNNING"  # the test is to come
    except Diverged as error:
        raise UserError(f"the refit of {given['run_name']} diverged: {error}") from error
    except KeyboardInterrupt:
        status = "KILLED"
        say(console, [how_to_go_on("register", study_dir)])
        raise
    finally:
        with suppress(MlflowException):
            if status != "RUNNING":
                client.set_terminated(run_id, status)
    return Fitted(run_id, state, data)


def _train(
    console: Console, job: Job, run_id: str, state: TrainState, data: Splits, study_dir: Path
) -> None:
    """Train to the end; a store that is away gets what it missed with the next epoch."""
    late = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"refit on {len(data.train):,} images", total=state.horizon)
        for row in refit(state, data, study_dir / CHECKPOINT):
            late.append(asdict(row))
            progress.advance(task)
            with suppress(MlflowException):
                log_epochs(job.client, run_id, late)
                late.clear()
    if late:
        insist(lambda: log_epochs(job.client, run_id, late), job.options["sync_timeout_s"])
    last = state.rows[-1]
    say(
        console,
        [
            f"refit on {len(data.train):,} images: training loss {last.train_loss:.3f} after epoch "
            f"{last.epoch}"
        ],
    )
