"""Find the earlier study or trial that an option names."""

import re
from typing import Any, NamedTuple

import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from hypertuning.addresses import without_password
from hypertuning.config import UserError
from hypertuning.registry.candidates import Candidate, choose, config_of
from hypertuning.stages.console.commands import restore
from hypertuning.stages.results import Study
from hypertuning.stages.study.config_asked import Asked
from hypertuning.tracking import runs
from hypertuning.tracking.launch import LAUNCHER
from hypertuning.tracking.store import connect
from hypertuning.tracking.study_run import this_experiment

RUN_ID = re.compile("[0-9a-f]{32}")


class EarlierStudy(NamedTuple):
    """An earlier study."""

    study_id: str
    stage: str
    images: dict[str, Any]
    """The images on which it trained, as options."""
    digest: str
    trials: pd.DataFrame

    def candidates(self, top_k: int) -> list[Candidate]:
        """The best `top_k` configurations; raises UserError if no trial was completed."""
        try:
            return choose(self.trials, top_k)
        except UserError as error:
            raise UserError(f"{self.stage} {self.study_id}: {error}") from error


def find_study(client: MlflowClient, name: str, option: str = "source") -> EarlierStudy:
    """A study by its run id, or the latest completed one of a stage in this experiment.

    If none is completed, it is the latest interrupted one, or else the latest.

    Raises:
        UserError: there is none.
    """
    studies = runs.studies(client)
    found = studies[studies["study_id"] == name]
    if found.empty:
        experiment_id = this_experiment(client, make=False)
        here = studies[studies["experiment_id"] == experiment_id]
        of_stage = here[here["stage"] == name]
        by_outcome = [of_stage[of_stage["outcome"] == o] for o in ("completed", "interrupted")]
        found = next((studies for studies in [*by_outcome, of_stage] if len(studies)), of_stage)
    if found.empty and (is_instead := _of_a_study(client, name)):
        raise UserError(f"`{option}` (={name}) {is_instead}")
    if found.empty:
        stages = ", ".join(sorted(here["stage"].unique())) or "none"
        raise UserError(
            f"`{option}` must be the run id of a study, or a stage of which experiment "
            f"{client.get_experiment(experiment_id).name!r} holds one, got {name!r}; stages there: "
            f"{stages}; studies of that stage elsewhere: {_elsewhere(client, studies, name)}; the "
            f"store is {without_password(client.tracking_uri)}"
        )
    study = found.iloc[-1]
    if study[["train_images", "val_images", "split_seed", "digest"]].isna().any():
        raise UserError(f"{study['stage']} {study['study_id']} has only begun; resume it first")
    tags = client.get_run(study["study_id"]).data
    images = {
        "dataset": tags.tags.get("images", tags.params.get("dataset")),
        "train_size": int(study["train_images"]),
        "val_size": int(study["val_images"]),
        "split_seed": int(study["split_seed"]),
    }
    trials = runs.trials(client, [study["study_id"]])
    return EarlierStudy(study["study_id"], study["stage"], images, study["digest"], trials)


def open_study(name: str, stage: str | None) -> Study:
    """A study by its run id, or the latest of a stage in this experiment, however it ended.

    Raises:
        UserError: there is none.
    """
    client = connect(must_exist=True)
    studies = runs.studies(client)
    if name == "last":
        experiment_id = this_experiment(client, make=False)
        here = studies[studies["experiment_id"] == experiment_id]
        found = here[here["stage"] == stage]
    else:
        found = studies[studies["study_id"] == name]
        found = found[found["stage"] == stage] if stage else found
    if found.empty:
        store = without_password(client.tracking_uri)
        what = (
            f"of stage {stage} in this experiment"
            if name == "last"
            else f"with the id {name}" + (f" of stage {stage}" if stage else "")
        )
        raise UserError(f"there is no study {what}; the store is {store}")
    return Study(found.iloc[-1]["study_id"], client)


def _of_a_study(client: MlflowClient, name: str) -> str:
    """What a run is that is no study to be found; empty if there is no such run."""
    if not RUN_ID.fullmatch(name):
        return ""
    try:
        run = client.get_run(name)
    except MlflowException:
        return ""
    if run.info.lifecycle_stage != "active":
        again = restore(name, without_password(client.tracking_uri))
        return f"was deleted; to bring it back, and its trials in the same way: {again}"
    tags = run.data.tags
    if "trial_id" in tags or "refit" in tags or tags.get("outcome") == LAUNCHER:
        return f"is a part of study {tags.get('mlflow.parentRunId')}; name that"
    return "is the run of no study"


def _elsewhere(client: MlflowClient, studies: pd.DataFrame, stage: str) -> str:
    """The experiments that have studies of a stage, in words."""
    ids = studies.loc[studies["stage"] == stage, "experiment_id"].unique()
    names = [client.get_experiment(experiment_id).name for experiment_id in ids]
    return ", ".join(f"in {name!r}" for name in names) or "none"


def find_trial(name: str) -> Asked:
    """The configuration of a trial, or of the best trial of a study or stage.

    Raises:
        UserError: there is none.
    """
    client = connect(must_exist=True)
    study_id = _study_of(client, name)
    source = find_study(client, study_id or name, "config")
    if study_id:
        row = source.trials[source.trials["run_id"] == name].iloc[0]
        config, trial = config_of(row.to_dict()), row["trial_id"]
    else:
        best = source.candidates(1)[0]
        config, trial = best.config, best.trial_id
    origin = f"trial {trial} of {source.stage} {source.study_id}"
    return Asked(config, origin, source.images)


def _study_of(client: MlflowClient, name: str) -> str | None:
    """The study of a trial; None if `name` is not the run id of a trial.

    Raises:
        UserError: the trial or its study was deleted.
    """
    if not RUN_ID.fullmatch(name):
        return None
    try:
        trial = client.get_run(name)
        tags = trial.data.tags
        if "trial_id" not in tags or "mlflow.parentRunId" not in tags:
            return None
        study = client.get_run(tags["mlflow.parentRunId"])
    except MlflowException:
        return None
    for what, run in (("trial", trial), ("study of the trial,", study)):
        if run.info.lifecycle_stage != "active":
            again = restore(run.info.run_id, without_password(client.tracking_uri))
            raise UserError(
                f"`config` (={name}): the {what} {run.info.run_id} was deleted; to bring it back: "
                f"{again}"
            )
    return study.info.run_id
