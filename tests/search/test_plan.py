"""Claims about what a study says that it will do."""

import pytest

from hypertuning.config import Budget
from hypertuning.search.ladder import sweep
from hypertuning.search.plan import plan
from hypertuning.search.strategies import STRATEGIES


def test_three_rounds_of_brackets_are_51_trials_and_207_epochs():
    planned = plan(lambda: STRATEGIES["bohb"].ladder(Budget(51, 9)))
    assert (planned.trials, planned.epochs) == (51, 207)
    first_round = [(r.until, r.trials, r.epochs) for r in planned.rungs if r.bracket < 3]
    assert first_round == [(1, 9, 9), (3, 3, 6), (9, 1, 6), (3, 5, 15), (9, 1, 6), (9, 3, 27)]


def test_a_sweep_is_planned_as_trials_times_epochs():
    planned = plan(lambda: sweep(36, 3))
    assert (planned.trials, planned.epochs, len(planned.rungs)) == (36, 108, 1)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_plan_counts_every_epoch_once(strategy):
    planned = plan(lambda: STRATEGIES[strategy].ladder(Budget(20, 10, 3)))
    assert planned.trials == 20
    assert planned.epochs == sum(rung.epochs for rung in planned.rungs)
