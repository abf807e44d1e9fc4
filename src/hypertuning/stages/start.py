"""The start of a stage: first the checks that need no large library, then Ray beside the others."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from rich.console import Console

from hypertuning.config import UserError
from hypertuning.learn.sources import find_source
from hypertuning.processors import cores
from hypertuning.search.resources import Resources, check_temp_dir
from hypertuning.stages.console.waiting import waiting
from hypertuning.stages.done import Done
from hypertuning.stages.main import Main
from hypertuning.stages.options import Images, StudyOptions, usage

if TYPE_CHECKING:
    from hypertuning.search.ray_start import RayStart
    from hypertuning.stages.study.searches import Search

    Build = Callable[[StudyOptions, Mapping | None], Search]

LIBRARIES = "PyTorch, Ray and MLflow"


def start(stage: str, search: "Build", options: StudyOptions) -> Done:
    """Check options, folders and images, then run a stage that searches.

    Raises:
        UsageError: the options contradict each other, or name what does not exist.
        UserError: this machine or one of its folders cannot take the study.
    """
    began = time.monotonic()
    check_ground(options)
    if options.resume:  # the record has its options
        with waiting(LIBRARIES):
            from hypertuning.stages.study.run import run_stage
        return run_stage(stage, search, options, began)
    return _begin(stage, search, options, began)


def _begin(stage: str, search: "Build", options: StudyOptions, began: float) -> Done:
    """Begin a study: Ray starts while MLflow is imported, and the store is opened."""
    console = Console()
    with ExitStack() as running:
        with waiting(LIBRARIES, console):
            found = search(options, None)
            options = options.but(**found.settled)
            asked = found.images or options
            there, ray = are_there(asked), None
            # a download may take an hour, in which nobody needs Ray
            if there and not options.dry_run:
                ray = running.enter_context(_ray(options))
            if there or not options.dry_run:
                from hypertuning.stages.study.prepare import prepare
            else:
                from hypertuning.stages.study.dry_run import plan_without_images
        if options.dry_run and not there:
            plan_without_images(console, found, options, asked)
            return Done()
        prepared = prepare(console, stage, lambda *_: found, options)
        if prepared is None:
            return Done()
        with waiting("Ray", console):
            ray = ray or running.enter_context(_ray(options))
            ray.room()
            # not before: two threads that import parts of Ray may give each other half a module
            from hypertuning.stages.study.run import carry_out, conclude
        return conclude(console, prepared, *carry_out(console, prepared, ray), began)


def _ray(options: StudyOptions) -> "RayStart":
    from hypertuning.search.ray_start import RayStart

    return RayStart(resources_of(options), options.storage_path, options.verbose)


def are_there(images: Images) -> bool:
    """Whether images need not be downloaded.

    Raises:
        UsageError: there are none of that name.
    """
    with usage():
        return find_source(images.dataset, images.data_dir) is not None


def check_ground(options: StudyOptions | Main) -> None:
    """Check where the images are, the folders to write to, and what Ray needs.

    The record of a resumed study names its images.
    """
    with usage():
        resources = resources_of(options)
    if not options.resume and options.dataset:
        with usage():
            find_source(options.dataset, options.data_dir)
    for name in ("data_dir", "storage_path", "out"):
        if folder := getattr(options, name, None):
            check_folder(name, folder)
    if resources.is_local and not options.dry_run:
        check_temp_dir()


def resources_of(options: StudyOptions | Main) -> Resources:
    """The resources that a stage may use; `main` has no option for Ray's address."""
    return Resources(
        getattr(options, "ray_address", "local"),
        options.cpus_per_trial or cores(),
        options.gpus_per_trial,
        options.concurrency,
    )


def check_folder(name: str, folder: Path) -> None:
    """Raises UserError if a folder can neither be written to nor made; makes nothing."""
    if os.fsencode(folder).decode(errors="ignore") != str(folder):
        raise UserError(f"`{name}` (={str(folder)!a}) is not UTF-8, which MLflow needs; rename it")
    there = next(place for place in (folder, *folder.parents) if os.path.exists(place))
    if not os.path.isdir(there):
        raise UserError(f"`{name}` {folder} cannot be written to: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(
            f"`{name}` {folder} cannot be written to: permission is denied in {there}; name another"
        )


def check_can_be_written(storage_path: Path) -> None:
    """Raises UserError if a folder cannot take the record; called before a run is opened."""
    try:
        storage_path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=storage_path):
            pass
    except OSError as error:
        raise UserError(
            f"`storage_path` {storage_path} cannot be written to: {error.strerror}; name another"
        ) from error
