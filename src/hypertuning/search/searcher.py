"""Ray's searcher: turns the ladder's jobs into Ray trials, and their results into losses."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ray.tune.search import Searcher

from hypertuning.config import OBJECTIVE
from hypertuning.record import layout
from hypertuning.search.ladder import Job, Ladder
from hypertuning.search.outlook import Outlook
from hypertuning.search.past import Past
from hypertuning.search.sampler import Proposal, Sampler


class LadderSearcher(Searcher):
    """Hands out one Ray trial per job of a ladder.

    A promotion is a new Ray trial that goes on from the checkpoint of the study's trial. So Ray
    never pauses anything, its own scheduler has nothing to decide, and the one mechanism by which
    a job begins serves promotion, retry and resumption.

    Args:
        past: What earlier parts of the study did, the jobs that ended in the order in which they
            did. Unfinished jobs are done first: they were running when the study was cut off.
        costs: Of an epoch of each trial, see `Ladder.start_costliest_first`.
        given: What the user wants tried, by trial number.
        outlook: Of a search whose model can say what to expect; it may end the search.
    """

    def __init__(
        self,
        ladder: Ladder,
        sampler: Sampler,
        concurrency: int,
        past: Sequence[Past] = (),
        costs: Sequence[float] = (),
        given: Mapping[int, Proposal] | None = None,
        outlook: Outlook | None = None,
    ) -> None:
        super().__init__(metric=OBJECTIVE, mode="min")
        self.ladder, self.sampler, self.concurrency = ladder, sampler, concurrency
        self.costs, self.outlook = costs, outlook
        self.ladder.start_costliest_first(costs)
        begun = {trial.job.trial: trial.proposal for trial in past}
        self.proposals: dict[int, Proposal] = {}
        """By the study's trial number."""
        self.points: set[int] = set()
        """The trials with the user's points, as far as they are known."""
        for trial, proposal in {**(given or {}), **begun}.items():
            self._knows(trial, proposal)
        self.recorded = {trial.job.trial: trial.recorded for trial in past}
        """Epochs, by the study's trial number."""
        self.jobs: dict[str, Job] = {}
        """By Ray's trial id."""
        self.deadline: float | None = None
        """After this `time.monotonic()` no job is handed out; those that run go on to their end."""
        for proposal in begun.values():
            self.sampler.begin(proposal.config)
        for job, _, _, loss in past:
            if loss is not None:
                self._learn(job, loss)
        self.unfinished = [trial.job for trial in past if trial.loss is None]
        for job in self.unfinished:
            self.ladder.begin(job)

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        if self.ladder.running:  # unfinished jobs are among these
            return False
        return self._is_enough() or self.ladder.done

    @property
    def expected_gain(self) -> float | None:
        """What the next tenth of the search was expected to gain, when that was last asked."""
        return self.outlook and self.outlook.gain

    def suggest(self, trial_id: str) -> dict | str | None:
        # Ray asks for one trial ahead; a job drawn early would be drawn without the latest losses.
        if len(self.jobs) >= self.concurrency:
            return None
        late = self.deadline is not None and time.monotonic() > self.deadline
        job = None if late else self._next()
        if job is None:
            return None if self.jobs else Searcher.FINISHED
        if job.trial not in self.proposals:
            proposal = self.sampler.propose(job.trial)
            self._knows(job.trial, proposal._replace(expected_gain=self.expected_gain))
        proposal = self.proposals[job.trial]
        self.sampler.begin(proposal.config)
        self.jobs[trial_id] = job
        recorded = self.recorded.get(job.trial, 0)
        description = {**job._asdict(), "sampler": proposal.sampler, "recorded": recorded}
        if proposal.model_epochs:
            description["model_epochs"] = proposal.model_epochs
        if proposal.expected_gain is not None:
            description["expected_gain"] = proposal.expected_gain
        return {"config": proposal.config.hyperparameters(), "job": description}

    def _knows(self, trial: int, proposal: Proposal) -> None:
        self.proposals[trial] = proposal
        if proposal.sampler == "point":
            self.points.add(trial)
            self.ladder.must_finish(trial)

    def _next(self) -> Job | None:
        if self.unfinished:
            return self.unfinished.pop(0)
        return None if self._is_enough() else self.ladder.next()

    def _is_enough(self) -> bool:
        """Whether too little is expected of going on, and the user's points have finished."""
        return self.outlook is not None and self.outlook.is_enough() and not self.ladder.owes

    def on_trial_complete(
        self, trial_id: str, result: dict | None = None, error: bool = False
    ) -> None:
        job = self.jobs.pop(trial_id, None)
        if job is None:
            return  # told already
        reached = bool(result) and not error and result.get("epoch") == job.until
        self.recorded[job.trial] = job.until
        # a trial that diverged has an infinite loss
        self._learn(job, result[OBJECTIVE] if reached else math.inf)

    def _learn(self, job: Job, loss: float) -> None:
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
    return layout.job_name(job["trial"], job["until"])
