"""Claims about the comparison on counting ones: that it is one, and fair."""

import numpy as np
import pytest
from scipy.stats import kstest, truncnorm

from benchmarks.counting_ones import MAX_UNITS, CountingOnes, Result, incumbents
from benchmarks.methods import METHODS, truncated_normal

pytestmark = pytest.mark.filterwarnings("ignore")  # hpbandster's, ConfigSpace's, Optuna's, Ray's


def searched(method, evaluations=8, seed=0):
    problem = CountingOnes(4, seed)
    METHODS[method](problem, seed, evaluations * MAX_UNITS)
    return problem


@pytest.mark.parametrize("method", METHODS)
def test_every_method_spends_the_budget_and_no_more(method):
    problem = searched(method)
    assert 8 * MAX_UNITS <= problem.spent < 9 * MAX_UNITS
    assert {result.units for result in problem.results} <= {1, 3, 9, 27, 81}
    assert max(result.units for result in problem.results) == 81


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_repeatable(method):
    assert searched(method).results == searched(method).results


def test_the_optimum_has_no_regret_and_the_worst_point_has_all():
    problem = CountingOnes(2, 0)
    names = problem.space()
    for value, regret in ((1, 0.0), (0, 1.0)):
        loss = problem.evaluate(dict.fromkeys(names, value), 81)
        assert loss == -4 * value
        assert problem.results[-1].regret == regret


def test_more_budget_is_less_noise():
    problem, point = CountingOnes(4, 0), dict.fromkeys(CountingOnes(4, 0).space(), 0.5)
    spread = {u: np.std([problem.evaluate(point, u) for _ in range(200)]) for u in (1, 81)}
    assert spread[1] == pytest.approx(9 * spread[81], rel=0.25)


def test_who_goes_on_pays_the_difference():
    problem = CountingOnes(2, 0)
    point = dict.fromkeys(problem.space(), 1)
    problem.evaluate(point, 3)
    problem.evaluate(point, 9, already=3)
    assert problem.spent == 9


def test_the_incumbent_is_the_best_of_the_largest_budget_and_not_the_luckiest():
    results = [Result(1, 1, -9.0, 0.5), Result(4, 3, -7.0, 0.3), Result(5, 1, -9.9, 0.9)]
    assert list(incumbents(results)) == [(1, 0.5), (4, 0.3), (5, 0.3)]


def test_the_fast_truncated_normal_is_scipys():
    np.random.seed(0)
    drawn = [truncated_normal(-0.5, 3.0, 0.2, 0.25) for _ in range(3000)]
    assert kstest(drawn, truncnorm(-0.5, 3.0, loc=0.2, scale=0.25).cdf).pvalue > 0.01
