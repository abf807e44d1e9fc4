"""Refit the winner on all images but the test images, and log every epoch to its run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

import torch
from mlflow.exceptions import MlflowException
from rich.console import Console
from rich.progress import Progress

from hypertuning.config import Config, UserError, parse_config
from hypertuning.learn.splits import Splits, load
from hypertuning.learn.threads import threads
from hypertuning.learn.training import Diverged, Hardware, TrainState
from hypertuning.processors import cores
from hypertuning.record.layout import StudyDir
from hypertuning.record.read import read_study
from hypertuning.registry.refit import begin, refit
from hypertuning.stages.console.show import say
from hypertuning.stages.register.repeats import refit_size
from hypertuning.stages.study.prepare import Prepared
from hypertuning.tracking.labels import run_name
from hypertuning.tracking.refit_run import log_epochs, open_refit
from hypertuning.tracking.store import insist
from hypertuning.tracking.study_run import DatasetInfo
from hypertuning.words import counted


class Fitted(NamedTuple):
    run_id: str
    state: TrainState
    data: Splits


@contextmanager
def refitted(
    console: Console, prepared: Prepared, study_dir: StudyDir, winner: Mapping
) -> Iterator[Fitted]:
    """Train the winner from new weights, or continue an interrupted refit.

    Its run stays open while the `with` block runs, and gets its status from how the block ends.

    Raises:
        UserError: it diverged.
        MlflowException: the store still did not answer at the end.
        KeyboardInterrupt: the user stopped it; what was trained is kept.
    """
    given = read_study(study_dir)["given"]["candidates"][winner["candidate"] - 1]
    problem, options = prepared.problem, prepared.options
    config = _with_views(parse_config(given["config"]), options.test_augment)
    epochs = options.refit_epochs or max(1, round(winner["best_epoch"]))
    size = refit_size(options, prepared.asked_images)
    data = load(problem.cache, size, problem.val_size, problem.split_seed, hold_out=False)
    hardware = Hardware.of(_device(problem.device), problem.precision)
    state = begin(config, data, epochs, study_dir.refit_checkpoint, hardware)
    run_id = insist(lambda: _open(prepared, study_dir, config, epochs, data), _patience_s(prepared))
    status = "FAILED"
    try:
        _train(console, prepared, run_id, state, data, study_dir)
        yield Fitted(run_id, state, data)
        status = "FINISHED"
    except Diverged as error:
        raise UserError(f"the refit of {given['run_name']} diverged: {error}") from error
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        with suppress(MlflowException):
            prepared.client.set_terminated(run_id, status)


def _with_views(config: Config, asked: str) -> Config:
    """The winner as it is registered: views cost time in every validation, but not in the refit."""
    return config if asked == "same" else config.model_copy(update={"test_augment": asked})


def _patience_s(prepared: Prepared) -> float:
    return prepared.options.sync_timeout_s


def _device(wanted: str) -> str:
    """The device of the trials, or the CPU if this process sees no GPU, as on some clusters."""
    return wanted if torch.cuda.is_available() else "cpu"


def _open(
    prepared: Prepared, study_dir: StudyDir, config: Config, epochs: int, data: Splits
) -> str:
    images: DatasetInfo = {**prepared.images, "train": len(data.train), "val": 0}
    hyperparameters = config.hyperparameters()
    name = f"refit {run_name(hyperparameters)}"
    why = "as asked" if prepared.options.refit_epochs else "the mean of the best of its repeats"
    note = (
        f"Trained on {len(data.train):,} images, those of validation too, for "
        f"{counted(epochs, 'epoch')}: {why}. Test metrics are on images that nothing was chosen by."
    )
    return open_refit(prepared.client, study_dir.id, name, hyperparameters, images, note)


def _train(
    console: Console,
    prepared: Prepared,
    run_id: str,
    state: TrainState,
    data: Splits,
    study_dir: StudyDir,
) -> None:
    """Train to the end; epochs that the store missed are sent with the next one."""
    late = []
    with threads(cores()), Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"refit on {len(data.train):,} images", total=state.horizon)
        for row in refit(state, data, study_dir.refit_checkpoint):
            late.append(row.as_dict())
            progress.advance(task)
            with suppress(MlflowException):
                log_epochs(prepared.client, run_id, late)
                late.clear()
    if late:
        insist(lambda: log_epochs(prepared.client, run_id, late), _patience_s(prepared))
    last = state.rows[-1]
    say(
        console,
        [
            f"refit on {len(data.train):,} images: training loss {last.train_loss:.3f} after epoch "
            f"{last.epoch}"
        ],
    )
