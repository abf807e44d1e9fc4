"""Claims about the callback inside a real Tuner."""

import sys

import pytest
import ray
import records
from ray import tune
from records import row

from hypertuning.config import Config
from hypertuning.search.recorder import Recorder
from hypertuning.search.searcher import job_name
from hypertuning.tracking.callback import MLflowMirror
from hypertuning.tracking.mirror import mirror_study
from hypertuning.tracking.runs import curves, trials

for module in (records, sys.modules[__name__]):
    ray.cloudpickle.register_pickle_by_value(module)  # the worker cannot import from tests/


class Toy(tune.Trainable):
    """Reports the rows of `records`; trial 2 has a bug in its second epoch."""

    def setup(self, config: dict) -> None:
        self.reset_config(config)

    def reset_config(self, new_config: dict) -> bool:
        self.epoch, self.job = 0, new_config["job"]
        return True

    def step(self) -> dict:
        self.epoch += 1
        if (self.job["trial"], self.epoch) == (2, 2):
            raise RuntimeError("a bug\non two lines")
        return {**row(self.epoch), "done": self.epoch == self.job["until"]}


def run_part(study_dir, mirror: MLflowMirror) -> None:
    """Three trials one after another in one worker, recorded and mirrored."""
    jobs = [{"trial": n, "until": 3, "sampler": "grid"} for n in range(3)]
    tune.Tuner(
        Toy,
        param_space={"config": Config().hyperparameters(), "job": tune.grid_search(jobs)},
        tune_config=tune.TuneConfig(
            max_concurrent_trials=1,
            reuse_actors=True,
            trial_name_creator=job_name,
            trial_dirname_creator=job_name,
        ),
        run_config=tune.RunConfig(
            name="part-001",
            storage_path=str(study_dir),
            callbacks=[Recorder(), mirror],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            verbose=0,
        ),
    ).fit()


@pytest.mark.filterwarnings("ignore")
def test_what_ray_ran_is_in_the_store_when_the_tuner_returns(ray_local, record, client, study_id):
    mirror = MLflowMirror(study_id, record.folder)
    run_part(record.folder, mirror)
    found = trials(client, [study_id])
    assert list(found["trial_id"]) == ["t0000", "t0001", "t0002"]
    assert list(curves(client, [study_id])["epoch"]) == [1, 2, 3, 1, 2, 3, 1]
    assert list(found["outcome"]) == [None, None, "failed"]
    assert mirror.last_error is None

    record.end("completed")
    mirror_study(client, study_id, record.folder)
    assert list(trials(client, [study_id])["outcome"]) == ["pruned", "pruned", "failed"]
    failed = client.get_run(found.loc[2, "run_id"])
    assert "Failed after 1 epoch: RuntimeError: a bug" in failed.data.tags["mlflow.note.content"]
