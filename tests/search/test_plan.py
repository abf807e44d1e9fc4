"""Claims about what a study says that it will do."""

import pytest

from hypertuning.config import Budget
from hypertuning.search.halving import sweep
from hypertuning.search.plan import enough_samples, plan
from hypertuning.search.strategies import STRATEGIES


def test_three_rounds_of_brackets_are_51_trials_and_207_epochs():
    planned = plan(lambda: STRATEGIES["bohb"].ladder(Budget(51, 9)))
    assert (planned.trials, planned.epochs) == (51, 207)
    first_round = [(r.until, r.trials, r.epochs) for r in planned.rungs if r.bracket < 3]
    assert first_round == [(1, 9, 9), (3, 3, 6), (9, 1, 6), (3, 5, 15), (9, 1, 6), (9, 3, 27)]


def test_a_sweep_is_planned_as_trials_times_epochs():
    planned = plan(lambda: sweep(36, 3))
    assert (planned.trials, planned.epochs, len(planned.rungs)) == (36, 108, 1)


def test_the_model_begins_when_a_budget_has_enough_results():
    ladder = lambda n: lambda: STRATEGIES["bohb"].ladder(Budget(n, 9))
    assert plan(ladder(51)).model_from is None, "no model was asked for"
    # 9 trials after 1 epoch in each round of 17: the 18th result is that of trial 25
    assert plan(ladder(51), needed=18).model_from == 26
    assert plan(ladder(26), needed=18).model_from is None
    assert plan(ladder(9), needed=18, earlier=[3] * 18).model_from == 0
    assert plan(ladder(9), needed=18, earlier=[3] * 9 + [1] * 8).model_from is None


@pytest.mark.parametrize("needed", [2, 10, 18, 30])
def test_enough_samples_are_the_fewest_that_do(needed):
    ladder, budget = STRATEGIES["bohb"].ladder, Budget(5, 9)
    enough = enough_samples(ladder, budget, needed)
    has_model = lambda n: (
        plan(lambda: ladder(budget._replace(num_samples=n)), needed).model_from is not None
    )
    assert has_model(enough) and not has_model(enough - 1)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_plan_counts_every_epoch_once(strategy):
    budget, reached = Budget(20, 10, 3), {}
    climbed = STRATEGIES[strategy].ladder(budget)
    while job := climbed.next():
        reached[job.trial] = job.until
        climbed.tell(job.trial, job.until, float(job.trial))
    planned = plan(lambda: STRATEGIES[strategy].ladder(budget))
    assert planned.trials == len(reached) == 20
    assert planned.epochs == sum(reached.values())
    assert planned.epochs == sum(rung.epochs for rung in planned.rungs)


def test_the_model_does_not_propose_the_points_of_the_user():
    planned = plan(lambda: STRATEGIES["bohb"].ladder(Budget(51, 9)), needed=18, points=range(30))
    assert planned.model_from == 30
