"""Ray's searcher: turns the ladder's jobs into Ray trials, and their results into losses."""

import math
import time
from pathlib import Path

from ray.tune.search import Searcher

from hypertuning.config import OBJECTIVE
from hypertuning.search.ladder import Job, Ladder
from hypertuning.search.sampler import Proposal, Sampler


class LadderSearcher(Searcher):
    """Hands out one Ray trial per job of a ladder.

    A promotion is a new Ray trial that goes on from the checkpoint of the study's trial. So Ray
    never pauses anything, its own scheduler has nothing to decide, and the one mechanism by which
    a job begins serves promotion, retry and resumption.
    """

    def __init__(self, ladder: Ladder, sampler: Sampler, concurrency: int) -> None:
        super().__init__(metric=OBJECTIVE.metric, mode=OBJECTIVE.mode)
        self.ladder, self.sampler, self.concurrency = ladder, sampler, concurrency
        self.proposals: dict[int, Proposal] = {}
        """By the study's trial number."""
        self.jobs: dict[str, Job] = {}
        """By Ray's trial id."""
        self.deadline: float | None = None
        """After this `time.monotonic()` nothing more is handed out; what runs goes to its end."""

    def suggest(self, trial_id: str) -> dict | str | None:
        # Ray asks for one trial ahead; a job drawn early would be drawn without the latest losses.
        if len(self.jobs) >= self.concurrency:
            return None
        late = self.deadline is not None and time.monotonic() > self.deadline
        job = None if late else self.ladder.next()
        if job is None:
            return None if self.jobs else Searcher.FINISHED
        if job.trial not in self.proposals:
            self.proposals[job.trial] = self.sampler.propose(job.trial)
        proposal = self.proposals[job.trial]
        self.jobs[trial_id] = job
        recorded = max((e for trial, e in self.ladder.losses if trial == job.trial), default=0)
        description = {**job._asdict(), "sampler": proposal.sampler, "recorded": recorded}
        if proposal.model_epochs:
            description["model_epochs"] = proposal.model_epochs
        return {"config": proposal.config.hyperparameters(), "job": description}

    def on_trial_complete(
        self, trial_id: str, result: dict | None = None, error: bool = False
    ) -> None:
        job = self.jobs.pop(trial_id)
        reached = bool(result) and not error and result.get("epoch") == job.until
        loss = result[OBJECTIVE.metric] if reached else math.inf  # which it is if it diverged
        self.ladder.tell(job.trial, job.until, loss)
        self.sampler.observe(self.proposals[job.trial].config, job.until, loss)

    # Ray stores and restores its searchers; ours is rebuilt from the record, which is never older.
    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        raise RuntimeError("a study is continued from its record, not from Ray's snapshot")


def job_name(trial) -> str:
    """Folder and name of a Ray trial: which of the study's trials, until which epoch."""
    job = trial.config["job"]
    return f"t{job['trial']:04d}-e{job['until']:03d}"
