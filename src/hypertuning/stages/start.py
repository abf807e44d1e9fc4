"""The start of a stage: what is wrong is seen before torch, Ray and MLflow are imported."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from hypertuning.config import UserError
from hypertuning.learn.sources import find_source
from hypertuning.search.resources import Resources, check_temp_dir
from hypertuning.stages.console.waiting import waiting
from hypertuning.stages.options import NONE, usage

if TYPE_CHECKING:
    from hypertuning.stages.study.prepare import Build

LIBRARIES = "PyTorch, Ray and MLflow"


def start(stage: str, build: "Build", options: Mapping) -> None:
    """Check all that can be checked at once, and run the stage.

    Raises:
        click.UsageError: the options contradict each other, or name what is not there.
        UserError: this machine or one of its folders cannot take the study.
    """
    check_ground(options)
    begins = options["resume"] == NONE  # one that goes on has its options in its record
    with waiting(LIBRARIES):
        search = build({**options, "given": None}) if begins else None
        from hypertuning.stages.study.run import run_stage
    run_stage(stage, (lambda _: search) if begins else build, options)


def check_ground(options: Mapping) -> None:
    """Check the images' place, the folders that are written to, and what Ray needs.

    A study that goes on brings its own images.
    """
    with usage():
        resources = resources_of(options)
    if options["resume"] == NONE and options["dataset"] != NONE:
        check_images(options["dataset"], options["data_dir"])
    for name in ("data_dir", "storage_path", "out"):
        if name in options:
            check_folder(name, options[name])
    if resources.is_local and not options["dry_run"]:
        check_temp_dir()


def check_images(dataset: str, data_dir: Path) -> None:
    """Raises click.UsageError where there is no such data set."""
    with usage():
        find_source(dataset, data_dir)


def resources_of(options: Mapping) -> Resources:
    """Those that a stage is to occupy; `main` has no address of its own."""
    names = ("cpus_per_trial", "gpus_per_trial", "concurrency")
    return Resources(options.get("ray_address", "local"), *(options[name] for name in names))


def check_folder(name: str, folder: Path) -> None:
    """Raises UserError where a folder cannot be written to, or cannot be made; makes nothing."""
    if os.fsencode(folder).decode(errors="ignore") != str(folder):
        raise UserError(f"`{name}` (={str(folder)!a}) is not UTF-8, which MLflow needs; rename it")
    there = next(place for place in (folder, *folder.parents) if os.path.exists(place))
    if not os.path.isdir(there):
        raise UserError(f"`{name}` {folder} cannot be written to: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(
            f"`{name}` {folder} cannot be written to: permission is denied in {there}; name another"
        )


def check_writable(storage_path: Path) -> None:
    """Refuse a folder that cannot take the record, while no run has been opened."""
    try:
        storage_path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=storage_path):
            pass
    except OSError as error:
        raise UserError(
            f"`storage_path` {storage_path} cannot be written to: {error.strerror}; name another"
        ) from error
