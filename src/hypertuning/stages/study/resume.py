"""Find the study that the option `resume` names, and the options with which it goes on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from hypertuning.addresses import without_password
from hypertuning.config import UserError
from hypertuning.learn.image_folder import composed
from hypertuning.record.files import DamagedRecord
from hypertuning.record.layout import StudyDir
from hypertuning.record.read import read_study, read_trials
from hypertuning.search.plan import Plan
from hypertuning.search.result import Result
from hypertuning.search.warm import WarmStart
from hypertuning.stages.console.commands import module_command_of, restore
from hypertuning.stages.options import StudyOptions, UsageError, as_text
from hypertuning.stages.study.past import check_given, read_past
from hypertuning.stages.study.resumed_options import FILES, ignored, merge
from hypertuning.stages.study.warm_start import Warm
from hypertuning.stages.table import STAGES
from hypertuning.tracking import runs
from hypertuning.tracking.launch import LAUNCHER
from hypertuning.tracking.study_run import (
    RECORD_TAG,
    DatasetInfo,
    find_record,
    record_places,
    this_experiment,
)
from hypertuning.words import counted


class Resumed(NamedTuple):
    """A study that goes on."""

    study_dir: StudyDir
    study: dict[str, Any]
    """What the study was asked for, from its record."""
    options: StudyOptions
    """The options with which it goes on."""
    ignored: tuple[str, ...] = ()
    """Options ignored because they equal their default under `mlflow run`, a sentence each."""
    files: Mapping[str, str | None] = {}
    """Files that this command gives in place of those in the record, by option."""

    @property
    def new_space(self) -> dict[str, str | None]:
        """The option `space`, if it is not that of the record."""
        return {name: file for name, file in self.files.items() if name == "space"}

    def note(self, planned: Plan) -> str:
        """How far it has come, in one line."""
        trials = read_trials(self.study_dir)
        epochs = sum(len(trial.epochs) for trial in trials)
        return (
            f"goes on: {len(trials)} of {counted(planned.trials, 'trial')} begun, {epochs} of "
            f"about {counted(planned.epochs, 'epoch')} measured so far"
        )

    def warm(self) -> Warm | None:
        """What it learnt from earlier studies, from its record."""
        if not (kept := self.study.get("warm_start")):
            return None
        results = tuple(Result(*result) for result in kept["results"])
        return Warm(kept["studies"], WarmStart(results, kept["placed"], kept["left_out"]))

    def check_images(self, images: DatasetInfo) -> None:
        """Raises UserError if the images are not those of the study."""
        had = self.study.get("dataset")
        if had is None:
            raise UserError(f"study {self.study_dir.id} was begun by an earlier version")
        had = {**had, "classes": [composed(name) for name in had["classes"]]}
        if had != dict(images):
            raise UserError(
                f"study {self.study_dir.id} trained on {had['train']} images of {had['name']} "
                f"(digest {had['digest'][:8]}), this is {images['train']} of {images['name']} "
                f"(digest {images['digest'][:8]}): it can only go on with the images it had"
            )


def find_resumed(client: MlflowClient, stage: str, options: StudyOptions) -> Resumed:
    """Find the study that `resume` names, and merge the options into what it was started with.

    Raises:
        UserError: there is no such study, its record is gone, or an option contradicts it.
    """
    run = _find_run(client, stage, options.resume)
    study_dir = find_study_dir(client, run, options.storage_path)
    study = read_study(study_dir)
    read_past(study_dir)  # damage must be found before anything is started
    check_given(study_dir, study.get("given") or {})
    growing, owner = STAGES[stage].grows, f"study {study_dir.id}"
    try:
        merged = merge(options, study["parameters"], owner, growing)
    except UsageError as error:  # not what the user typed: that was checked before
        raise DamagedRecord(study_dir.study_file, f"`parameters`: {error}") from error
    kept = _kept_files(options, study_dir, study)
    files = _replaced(options, kept)
    _check_may_change(stage, study_dir, kept, files)
    again = module_command_of(stage, resume=study_dir.id, storage_path=study_dir.storage_path)
    notes = ignored(options, merged, growing, again)
    merged = merged.but(**kept, storage_path=study_dir.storage_path)
    return Resumed(study_dir, study, merged, notes, files)


def _find_run(client: MlflowClient, stage: str, name: str) -> Run:
    if name == "last":
        studies = runs.studies(client, [this_experiment(client, make=False)])
        found = studies[studies["stage"] == stage]
        if found.empty:
            raise UserError(
                f"`resume` is last, but the experiment holds no study of stage {stage}; "
                "MLFLOW_EXPERIMENT_NAME, or --experiment-name of `mlflow run`, names another one"
            )
        name = found.iloc[-1]["study_id"]
    try:
        run = client.get_run(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise UserError(
            f"`resume` must be the run id of a study, or last, got {name!r}; the tracking store "
            f"{without_password(client.tracking_uri)} has no such run"
        ) from error
    if run.info.lifecycle_stage != "active":
        again = restore(name, without_password(client.tracking_uri))
        raise UserError(
            f"`resume`: run {name} was deleted; to bring it back, and its trials in the same way: "
            f"{again}"
        )
    tags = run.data.tags
    if "trial_id" in tags or tags.get("outcome") == LAUNCHER:
        parent = tags.get("mlflow.parentRunId")
        raise UserError(f"`resume`: run {name} is part of study {parent}; resume that")
    if "stage" not in tags:
        raise UserError(f"`resume`: run {name} holds no study")
    if tags["stage"] != stage:
        raise UserError(f"`resume`: run {name} is of stage {tags['stage']}, not of {stage}")
    return run


def find_study_dir(client: MlflowClient, study: Run, storage_path: Path) -> StudyDir:
    """The record of a study, in `storage_path` or where it was written.

    Raises:
        UserError: it is in neither; the message says what can be done instead.
    """
    if found := find_record(study, storage_path):
        return StudyDir(found)
    study_id = study.info.run_id
    places = " nor in ".join({str(p.parent): 0 for p in record_places(study, storage_path)})
    raise UserError(
        f"the record of study {study_id} is not in {places} "
        f"(it was written to {study.data.tags.get(RECORD_TAG, 'an unknown place')}); name its "
        "folder by `storage_path`. Without it the study cannot go on, but its "
        f"{counted(len(runs.trials(client, [study_id])), 'trial')} in MLflow can still teach a "
        f"new bohb study, by warm_start={study_id}"
    )


def _kept_files(
    options: StudyOptions, study_dir: StudyDir, study: Mapping[str, Any]
) -> dict[str, str | None]:
    """The files that the record holds, by option; None where it has none.

    Raises:
        DamagedRecord: the space of a study that has changed it is gone.
    """
    names = {name: study_dir.given_file(name).name for name in FILES if hasattr(options, name)}
    if "space" in names:
        names["space"] = study.get("space_file", names["space"])
    files = {option: name and study_dir.path / name for option, name in names.items()}
    if study.get("space_file") and not files["space"].exists():
        raise DamagedRecord(files["space"], "it is missing")
    return {name: str(file) if file and file.exists() else None for name, file in files.items()}


def _replaced(options: StudyOptions, kept: Mapping[str, str | None]) -> dict[str, str | None]:
    """The files of this command whose content is not that of those in the record, by option.

    Raises:
        UserError: one cannot be read.
    """
    asked = {name: getattr(options, name) for name in kept if options.is_given(name)}
    return {n: file for n, file in asked.items() if _content(n, file) != _content(n, kept[n])}


def _content(name: str, file: str | None) -> bytes | None:
    try:
        return None if file is None else Path(file).read_bytes()
    except OSError as error:
        raise UserError(f"`{name}`: {file} cannot be read: {error.strerror}") from error


def _check_may_change(
    stage: str, study_dir: StudyDir, kept: Mapping[str, str | None], files: Mapping[str, str | None]
) -> None:
    """Raises UserError if a study of this stage keeps the files that it has."""
    for name, file in () if STAGES[stage].amends else files.items():
        raise UserError(
            f"`{name}` (={as_text(file)}) contradicts study {study_dir.id}, which has "
            f"{as_text(kept[name])}; leave it out, or start a new study"
        )
