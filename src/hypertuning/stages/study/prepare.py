"""Prepare a study: from a stage's options to what it will do, with all checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from rich.console import Console

from hypertuning.learn import data
from hypertuning.learn.cache import read_meta
from hypertuning.learn.sources import find_source
from hypertuning.search.plan import Plan
from hypertuning.search.problem import Problem
from hypertuning.search.resources import Resources
from hypertuning.spaces import lies_in
from hypertuning.stages.console.log import show_log
from hypertuning.stages.console.show import say
from hypertuning.stages.console.waiting import waiting
from hypertuning.stages.options import Images, StudyOptions, usage
from hypertuning.stages.start import resources_of
from hypertuning.stages.study.amended import Amended, go_on
from hypertuning.stages.study.dry_run import plan_without_images, show_plan
from hypertuning.stages.study.planning import estimate, notes_on, other_images, plan_of, warm_start
from hypertuning.stages.study.resume import Resumed, find_resumed
from hypertuning.stages.study.searches import Build, Search
from hypertuning.stages.study.trains_on import in_lines, trains_on
from hypertuning.stages.study.warm_start import Warm, read_warm_start
from hypertuning.tracking.artifacts import check_artifact_store
from hypertuning.tracking.launch import find_launch
from hypertuning.tracking.store import connect
from hypertuning.tracking.study_run import DatasetInfo, this_experiment

Check = Callable[["Prepared"], "Prepared"]
"""A stage's own checks, once its images are known."""


@dataclass(frozen=True)
class Request:
    """What a command asks for, before its images have been looked at."""

    search: Search
    options: StudyOptions
    client: MlflowClient | None
    """None in a dry run that needs nothing from the store."""
    resources: Resources
    asked_images: Images
    resumed: Resumed | None
    """The study that goes on, if this is not a new one."""
    amended: Amended
    """What it was given since it began."""


@dataclass(frozen=True)
class Prepared(Request):
    """What a stage will do."""

    problem: Problem
    """Without the folder of its checkpoints, which `run` adds."""
    images: DatasetInfo
    """Those that were asked for, as they are."""
    warm: Warm | None
    planned: Plan
    trains_on: Mapping[str, str]
    """Images, classes, device, in words."""
    notes: list[str]


def prepare(
    console: Console,
    stage: str,
    build: Build,
    options: StudyOptions,
    check: Check | None = None,
) -> Prepared | None:
    """Check options, data and store, and plan the study; None after a dry run.

    Raises:
        UserError: something is wrong or missing.
    """
    client = _connect(console) if options.resume else None
    with usage():
        resumed = find_resumed(client, stage, options) if client else None
    if resumed:
        search, amended = go_on(build, resumed)
        options = resumed.options.but(**resumed.new_space)
    else:
        search, amended = build(options, None), Amended()
    options = options.but(**search.settled)
    images = search.images or options
    with usage():
        resources = resources_of(options)
        source = find_source(images.dataset, images.data_dir)
    if options.dry_run and source is None:
        return plan_without_images(console, search, options, images, amended.notes)
    if not client and (check or warm_start(options) or not options.dry_run):
        client = _connect(console)
    if client and (check or not options.dry_run):
        _check_store(client, resumed)
    request = Request(search, options, client, resources, images, resumed, amended)
    prepared = _with_images(console, request)
    if check:
        prepared = check(prepared)
    if options.dry_run:
        planned, problem = prepared.planned, prepared.problem
        return show_plan(console, search, planned, estimate(search, planned, problem, resources))
    return prepared


def _with_images(console: Console, request: Request) -> Prepared:
    """Decode the images, plan the study on them, and print on what it trains."""
    search, options, resources = request.search, request.options, request.resources
    show_log()
    with waiting("images", console):
        cache = data.prepare(request.asked_images.dataset, request.asked_images.data_dir)
    with usage():
        images = _images(cache, request.asked_images, search.sized_by)
        warm = _warm(request, images)
    planned = plan_of(search, warm, request.amended.points)
    notes = _notes(request, planned, warm, images)
    problem = problem_of(search, request.asked_images, options.precision, cache, resources)
    on = trains_on(cache, search, planned, problem, resources.address)
    say(console, [*in_lines(on), *notes])
    return Prepared(
        **vars(request),
        problem=problem,
        images=images,
        warm=warm,
        planned=planned,
        trains_on=on,
        notes=notes,
    )


def _warm(request: Request, images: DatasetInfo) -> Warm | None:
    """What the model learns from earlier studies; the record of a resumed study has it."""
    search, resumed = request.search, request.resumed
    if resumed:
        resumed.check_images(images)
        return _fitting(resumed.warm(), search) if request.amended.spaces else resumed.warm()
    wanted = warm_start(request.options)
    if not (request.client and wanted):
        return None
    return read_warm_start(request.client, wanted, search, images, request.asked_images.split_seed)


def _fitting(warm: Warm | None, search: Search) -> Warm | None:
    """What of it lies in the space, which is not the one in which the study began."""
    if warm is None or search.model is None:
        return warm
    fits = tuple(r for r in warm.start.results if lies_in(search.model.random.space, r.values))
    return warm._replace(start=warm.start._replace(results=fits))


def _notes(request: Request, planned: Plan, warm: Warm | None, images: DatasetInfo) -> list[str]:
    """What the user should know before the search starts, a line each."""
    search, resumed = request.search, request.resumed
    notes = [*notes_on(search, planned, warm), *other_images(search, images, request.asked_images)]
    if resumed:
        notes += [resumed.note(planned), *resumed.ignored]
    return [*notes, *request.amended.notes]


def _check_store(client: MlflowClient, resumed: Resumed | None) -> None:
    """Check that the study's run can be opened, and that the store takes files."""
    with usage():
        find_launch(client, free=resumed is None)
    run = resumed and client.get_run(resumed.study_dir.id)
    check_artifact_store(client, run.info.experiment_id if run else this_experiment(client))


def _connect(console: Console) -> MlflowClient:
    with waiting("tracking store", console):
        return connect()


def _images(cache: Path, asked: Images, sized_by: str) -> DatasetInfo:
    train, val = data.sizes(cache, asked.train_size, asked.val_size, sized_by)
    meta = read_meta(cache)
    return DatasetInfo(
        name=meta["dataset"], digest=meta["digest"], classes=meta["classes"], train=train, val=val
    )


def problem_of(
    search: Search, asked: Images, precision: str, cache: Path, resources: Resources
) -> Problem:
    """What the trials of a study share, still without the folder of their checkpoints."""
    return Problem(
        cache=cache,
        train_size=asked.train_size,
        val_size=asked.val_size,
        split_seed=asked.split_seed,
        horizon=search.max_epochs,
        device=resources.device(),
        precision=precision,
        threads=resources.cpus_per_trial,
        checkpoints=Path(),
    )
