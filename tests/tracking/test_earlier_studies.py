"""Claims about the earlier studies and trials that options name."""

import pytest

from hypertuning.config import UserError
from hypertuning.stages.study.earlier_studies import find_study, find_trial
from hypertuning.stages.study.warm_start import read_warm_start


def test_a_trial_that_was_deleted_or_whose_study_was_is_named_with_how_to_bring_it_back(
    client, study_id
):
    experiment_id = client.get_run(study_id).info.experiment_id
    tags = {"trial_id": "t0000", "mlflow.parentRunId": study_id}
    trial = client.create_run(experiment_id, tags=tags).info.run_id
    for what, run_id in (("trial", trial), ("study of the trial,", study_id)):
        client.delete_run(run_id)
        with pytest.raises(UserError) as refusal:
            find_trial(trial)
        said = str(refusal.value)
        assert said.startswith(f"`config` (={trial}): the {what} {run_id} was deleted; to bring it")
        assert said.endswith(f"mlflow runs restore --run-id {run_id}") and "\n" not in said
        client.restore_run(run_id)


def test_a_run_that_is_no_study_is_told_from_one_that_is_not_there(client, study_id):
    experiment_id = client.get_run(study_id).info.experiment_id
    tags = {"trial_id": "t0000", "mlflow.parentRunId": study_id}
    trial = client.create_run(experiment_id, tags=tags).info.run_id
    other = client.create_run(experiment_id).info.run_id
    gone = client.create_run(experiment_id, tags={"stage": "grid"}).info.run_id
    client.delete_run(gone)
    for name, what in {
        trial: f"is a part of study {study_id}; name that",
        other: "is the run of no study",
        gone: "was deleted; to bring it back",
    }.items():
        with pytest.raises(UserError, match=rf"^`source` \(={name}\) {what}"):
            find_study(client, name, "source")
    with pytest.raises(UserError, match="must be the run id of a study, or a stage"):
        find_study(client, "0" * 32, "source")


def test_commas_alone_name_no_study_to_start_warm_from(client):
    with pytest.raises(UserError, match="`warm_start` must be run ids of studies, or stages"):
        read_warm_start(client, " ,", None, {}, 0)
