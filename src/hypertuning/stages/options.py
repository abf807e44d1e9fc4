"""The command-line options, and how a command fails: one line, status 2 for usage, 1 otherwise."""

import logging
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from hypertuning import environment
from hypertuning.addresses import without_secrets

NONE = "none"
"""Stands for "not given": MLflow cannot store an empty parameter."""
AUTO = "auto"
"""Stands for "as fits": help texts say what."""


class StageCommand(click.Command):
    """A command that says at once what it is about to do, and every user's error in one line.

    Args:
        opening: What it is about to do, with the names of options in braces.
    """

    def __init__(self, *args, opening: str = "", **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.opening = opening

    def invoke(self, ctx: click.Context):
        resume = ctx.params.get("resume", NONE)
        goes_on = f"goes on with {resume}" if resume != NONE else ""
        if told := goes_on or self.opening.format_map(ctx.params):
            click.echo(f"{self.name}: {told}")
        return super().invoke(ctx)

    def main(self, *args, **kwargs):
        if hasattr(sys.stdout, "reconfigure"):  # a name that is not UTF-8 must end no command
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            _fail("stopped", 130)
        except OSError as error:
            _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
        except Exception as error:
            if isinstance(error, _imported("hypertuning.config", "UserError")):
                _fail(str(error), 1)
            if isinstance(error, _imported("mlflow.exceptions", "MlflowException")):
                _fail(f"the tracking store: {' '.join(str(error).split())}", 1)
            raise
        finally:
            _name_launch()


def _imported(module: str, name: str) -> type | tuple[()]:
    """A class of a module that takes long to import; no class where nobody has imported it."""
    return getattr(sys.modules.get(module), name, ())


def _name_launch() -> None:
    """Say what this command was in the run that `mlflow run` made for it, if nothing took that."""
    if not environment.read(environment.RUN_ID):
        return
    # MLflow takes seconds to import, and not every command needs it
    from mlflow.exceptions import MlflowException

    from hypertuning.config import UserError
    from hypertuning.tracking.launch import find_launch, name_launch
    from hypertuning.tracking.store import connect

    with suppress(UserError, MlflowException, OSError):
        client = connect(timeout_s=5, must_exist=True)
        if launch := find_launch(client, free=False):
            name_launch(client, launch)


def _fail(message: str, status: int) -> None:
    known = environment.read(environment.TRACKING_URI) or ""
    click.echo(f"error: {without_secrets(message, known)}", err=True)
    sys.exit(status)


def show_log() -> None:
    """Show what the package has to say of downloads and decoding, and nobody else's log."""
    logger = logging.getLogger("hypertuning")
    logger.handlers = [_Lines()]
    logger.setLevel(logging.INFO)


class _Lines(logging.Handler):
    """Prints each message as a line, above what a terminal shows of a wait."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), flush=True)


@contextmanager
def usage() -> Iterator[None]:
    """What the user asked for is checked here: a UserError is one of usage."""
    from hypertuning.config import UserError  # takes a second: not before the first line

    try:
        yield
    except UserError as error:
        raise click.UsageError(str(error)) from error


def option(name: str, default, type=None, help: str = "", **more) -> Callable:
    """A click option `--a-b` that is also spelled `--a_b`, as MLproject spells its parameters."""
    spellings = dict.fromkeys((f"--{name.replace('_', '-')}", f"--{name}"))
    return click.option(
        *spellings, name, default=default, type=type, help=help, show_default=True, **more
    )


class UserPath(click.Path):
    """A path as a user types it: `~` is the home folder, even where no shell has expanded it.

    A relative path begins in the working directory.
    """

    def convert(self, value, param, ctx):
        path = os.path.expanduser(value)
        if not os.fspath(path):
            self.fail("a path must not be empty", param, ctx)
        if os.fspath(path).startswith("~"):
            self.fail(f"{path!r}: there is no such user; ./{path} is a path here", param, ctx)
        return super().convert(path, param, ctx)


class Number(click.FloatRange):
    """A number with an end: `inf` and `nan` mean nothing as an option."""

    def convert(self, value, param, ctx):
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


PRECISION = "Of products in the model; auto is bfloat16 where the hardware is made for it."
COUNT = click.IntRange(min=1)
COUNT_OR_ALL = click.IntRange(min=0)
SEED = click.IntRange(min=0, max=2**62)
FOLDER = UserPath(file_okay=False, path_type=Path, resolve_path=True)
FILE = UserPath(path_type=Path)
PATH_OR_NAME = UserPath()
"""A text, which may be a path; `none` and the names of data sets and stages stay as they are."""

STUDY = option("study", "all", help="Run id of a study, or all.")
SYNC_TIMEOUT = option(
    "sync_timeout_s",
    60.0,
    Number(0),
    "Seconds to wait, at the end, for a tracking server that is away.",
)


def together(*options: Callable) -> Callable:
    """Several options as one, in the order of `--help`."""

    def add_all(command: Callable) -> Callable:
        for add in reversed(options):
            command = add(command)
        return command

    return add_all


DATASET = option(
    "dataset",
    "cifar10",
    PATH_OR_NAME,
    "cifar10, digits, or a folder with train/<class>/ images.",
)
DATA_DIR = option("data_dir", "data", FOLDER, "Where downloads and decoded images are kept.")
SIZES = together(
    option("train_size", 0, COUNT_OR_ALL, "Training images, stratified; 0 is all."),
    option("val_size", 0, COUNT_OR_ALL, "Validation images; 0 is 5,000 of CIFAR-10, else a tenth."),
    option("split_seed", 0, SEED, "Of the split into training and validation alone."),
)
TRAINING = together(
    option("batch_size", 128, COUNT, "Where the stage does not search it."),
    option("learning_rate", 1e-3, Number(0, min_open=True), "Where it is not searched."),
    option("seed", 0, SEED, "Search, weights and shuffling derive from it."),
)
RESOURCES = together(
    option("concurrency", 0, COUNT_OR_ALL, "Trials at once; 0 is as many as there is room for."),
    option("cpus_per_trial", 1, COUNT, "Processors, and threads, of one trial."),
    option("gpus_per_trial", 0.0, Number(0), "GPUs of one trial, fractions allowed."),
    option("precision", "auto", click.Choice(["auto", "float32", "bfloat16"]), PRECISION),
    option("ray_address", "local", help="local, auto, or the address of a Ray cluster."),
    option("storage_path", "ray_results", FOLDER, "Record and checkpoints of every study."),
    option("max_failures", 1, COUNT_OR_ALL, "Times that a trial which broke is tried again."),
    option("resume", NONE, help="Run id of a study that is to go on, or last."),
    SYNC_TIMEOUT,
    option(
        "time_budget_s",
        0.0,
        Number(0),
        "Start no work after so many seconds; 0 is no limit.",
    ),
)
SEARCH = together(
    option("space", NONE, PATH_OR_NAME, "YAML file that fixes parameters or opens others."),
    option("points", NONE, PATH_OR_NAME, "YAML file with configurations to try first."),
)
RUN = together(
    option("dry_run", False, click.BOOL, "Print the plan and exit."),
    option("verbose", False, click.BOOL, "Ray's own output too."),
)
TRUST = option("trust", False, click.BOOL, "Run the code of a model that register did not make.")
AUGMENT = option("augment", NONE, click.Choice(["none", "crop_flip"]), "Random crop and flip.")


stage_options = together(DATASET, DATA_DIR, SIZES, TRAINING, RESOURCES, SEARCH, RUN)
"""What all search stages share."""
