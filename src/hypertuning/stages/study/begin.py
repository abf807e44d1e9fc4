"""Begin a study, or go on with it: its run in MLflow, and its record."""

import json
import shutil
from contextlib import ExitStack
from pathlib import Path

from mlflow.exceptions import MlflowException

from hypertuning.addresses import without_password, without_secrets
from hypertuning.config import UserError
from hypertuning.record.layout import StudyDir
from hypertuning.record.locks import only_driver
from hypertuning.record.write import write_study
from hypertuning.stages.options import NONE, Images, as_text
from hypertuning.stages.start import check_can_be_written
from hypertuning.stages.study.planning import description
from hypertuning.stages.study.prepare import Prepared
from hypertuning.stages.study.resumed_options import FILES
from hypertuning.tracking.labels import study_name
from hypertuning.tracking.store import reason
from hypertuning.tracking.study_run import Opening, close_study, open_study, reopen_study
from hypertuning.whole_file import write_whole
from hypertuning.words import counted


def begin(prepared: Prepared, driven: ExitStack) -> StudyDir:
    """Open the study's run and its record; return the record's folder.

    Args:
        driven: Holds the record for as long as it is driven from here.

    Raises:
        UserError: no disk space, or the store went away.
    """
    storage_path = prepared.options.storage_path
    check_can_be_written(storage_path)
    try:
        if prepared.resumed:
            reopen_study(prepared.client, prepared.resumed.study_dir.id, _opening(prepared))
            write_record(prepared, prepared.resumed.study_dir)
            return prepared.resumed.study_dir
        study_id = open_study(
            prepared.client,
            _opening(prepared),
            _parameters(prepared),
            prepared.images,
            storage_path,
        )
    except MlflowException as error:
        store = without_password(prepared.client.tracking_uri)
        raise UserError(
            f"the tracking store {store} did not open a study: {reason(error)}; nothing has been "
            "started"
        ) from error
    try:
        driven.enter_context(only_driver(StudyDir.of(storage_path, study_id)))
        write_record(prepared, StudyDir.of(storage_path, study_id))
    except OSError as error:
        close_study(prepared.client, study_id, "failed")
        raise UserError(f"the record could not be begun: {error.strerror}") from error
    return StudyDir.of(storage_path, study_id)


def _opening(prepared: Prepared) -> Opening:
    search = prepared.search
    what = search.title or counted(prepared.planned.trials, "trial")
    return Opening(
        stage=search.stage,
        name=study_name(search.stage, prepared.images["name"], what),
        note=description(search, prepared.planned, prepared.trains_on, prepared.notes),
        tags=_tags(prepared),
        searched=search.searched,
    )


def _tags(prepared: Prepared) -> dict[str, str]:
    """Tags that distinguish a study from others of its stage, in MLflow and in a report."""
    spaces = prepared.amended.all_spaces(prepared.search.space)
    space = {"space": json.dumps(spaces)} if spaces else {}
    return {
        "strategy": prepared.search.strategy,
        "planned_trials": str(prepared.planned.trials),
        "images": without_secrets(prepared.asked_images.dataset),
        **space,
    }


def write_record(prepared: Prepared, study_dir: StudyDir) -> None:
    """Write what the study was asked for; if it is resumed, what may have changed."""
    begun = {
        "stage": prepared.search.stage,
        "strategy": prepared.search.strategy,
        "dataset": prepared.images,
        "warm_start": prepared.warm
        and {"studies": prepared.warm.studies, **prepared.warm.start._asdict()},
        "given": prepared.search.given,
    }
    now = {
        "tracking_uri": without_password(prepared.client.tracking_uri),
        "max_epochs": prepared.search.max_epochs,
        "num_samples": prepared.planned.trials,
        "parameters": _parameters(prepared),
        "plan": prepared.planned.as_dict(),
        "model_needs": prepared.search.model and prepared.search.model.needed,
    }
    if resumed := prepared.resumed:
        had = {n: text for n, text in resumed.study["parameters"].items() if n in FILES}
        new = {name: as_text(file) for name, file in resumed.new_space.items()}
        now["parameters"] |= {**had, **new, "resume": NONE}
        now |= prepared.amended.as_dict() | _keep_space(prepared, study_dir)
    else:
        for name in FILES:
            if file := getattr(prepared.options, name, None):
                shutil.copyfile(file, study_dir.given_file(name))
    write_study(study_dir, {**(resumed.study if resumed else begun), **now})


def _keep_space(prepared: Prepared, study_dir: StudyDir) -> dict[str, str | None]:
    """Copy a new space to the record, beside the earlier ones; study.json names the one of now."""
    for file in prepared.resumed.new_space.values():
        if file is None:
            return {"space_file": None}
        kept = study_dir.changed_space(len(prepared.amended.spaces))
        write_whole(kept, Path(file).read_bytes())
        return {"space_file": kept.name}
    return {}


def _parameters(prepared: Prepared) -> dict[str, str]:
    """The stage's parameters as text, in the form in which `mlflow run` logs them."""
    images = prepared.asked_images.parameters()
    asked = {n: images[n] for n in Images.names()} | prepared.options.parameters()
    return {name: without_secrets(text) for name, text in asked.items()}
