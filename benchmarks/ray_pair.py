"""Ray's BOHB pair without Ray's processes: its searcher, its scheduler, and what calls them.

`run` makes the calls of Ray 2.60's TuneController in their order, without its processes,
which would make an evaluation that costs nothing take a fifth of a second.
"""

import itertools
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import HyperBandForBOHB, TrialScheduler
from ray.tune.search.bohb import TuneBOHB

Evaluate = Callable[[str, dict, int], float]
"""(trial, its configuration, units of budget in all): the loss."""
REDUCTION_FACTOR = 3


class Controller:
    """What the scheduler sees of TuneController."""

    def __init__(self, searcher: TuneBOHB, scheduler: HyperBandForBOHB) -> None:
        self.search_alg = SimpleNamespace(searcher=searcher)
        self.scheduler = scheduler
        self.trials: list[SimpleNamespace] = []

    def get_trials(self) -> list[SimpleNamespace]:
        return self.trials

    def add(self) -> None:
        identity = f"{len(self.trials):05d}"
        config = self.search_alg.searcher.suggest(identity)
        if config is None:
            return
        trial = SimpleNamespace(
            trial_id=identity,
            config=config,
            status=Trial.PENDING,
            units=0,
            stepped=0,
            is_saving=False,
        )
        self.trials.append(_Hashable(trial))
        self.scheduler.on_trial_add(self, self.trials[-1])

    def stop_trial(self, trial, result: dict | None = None) -> None:
        """TuneController.stop_trial: the scheduler and the searcher are told that it ended."""
        if trial.status in (Trial.ERROR, Trial.TERMINATED):
            return
        if result is None:
            self.scheduler.on_trial_remove(self, trial)
        else:
            self.scheduler.on_trial_complete(self, trial, result)
        self.search_alg.searcher.on_trial_complete(trial.trial_id, result)
        trial.status = Trial.TERMINATED


class _Hashable:
    """A trial is a key of the scheduler's dictionaries."""

    def __init__(self, fields: SimpleNamespace) -> None:
        self.__dict__.update(fields.__dict__)


def run(evaluate: Evaluate, space, seed: int, concurrency: int, max_units: int) -> None:
    """Search until `evaluate` raises.

    Raises:
        RuntimeError: the pair is stuck, which with an endless supply of samples it is not.
    """
    np.random.seed(seed)
    searcher = TuneBOHB(space, metric="loss", mode="min", seed=seed)
    scheduler = HyperBandForBOHB(
        "training_iteration", "loss", "min", max_t=max_units, reduction_factor=REDUCTION_FACTOR
    )
    controller, steps = Controller(searcher, scheduler), itertools.count(1)
    while True:
        running = [t for t in controller.trials if t.status == Trial.RUNNING]
        if len(running) < concurrency:
            if not any(t.status == Trial.PENDING for t in controller.trials):
                controller.add()
            if chosen := scheduler.choose_trial_to_run(controller):
                chosen.status = Trial.RUNNING
                continue
        if not running:
            raise RuntimeError("Ray's pair is stuck: nothing runs and nothing can start")
        trial = min(running, key=lambda t: t.stepped)  # each takes as long for a unit
        trial.stepped = next(steps)
        _step(controller, evaluate, trial)


def _step(controller: Controller, evaluate: Evaluate, trial) -> None:
    """TuneController._process_trial_result."""
    trial.units += 1
    scheduler, searcher = controller.scheduler, controller.search_alg.searcher
    at_rung = trial.units == _milestone(scheduler, trial)
    loss = 0.0
    if at_rung:  # a loss in between decides nothing
        loss = evaluate(trial.trial_id, trial.config, trial.units)
    result = {"loss": loss, "training_iteration": trial.units}
    decision = scheduler.on_trial_result(controller, trial, result)
    if decision == TrialScheduler.STOP:
        controller.stop_trial(trial, result)
        return
    searcher.on_trial_result(trial.trial_id, result)
    if decision == TrialScheduler.PAUSE:
        trial.status = Trial.PAUSED


def _milestone(scheduler: HyperBandForBOHB, trial) -> int:
    bracket, _ = scheduler._trial_info[trial]
    return bracket._cumul_r
