"""Claims about what the strategies say of themselves."""

import pytest

from hypertuning.config import Budget
from hypertuning.search.bohb import Bohb
from hypertuning.search.brackets import hyperband_brackets
from hypertuning.search.gp import Gp
from hypertuning.search.model_options import PAPER
from hypertuning.search.strategies import LEARNING, PAIRED, STRATEGIES
from hypertuning.spaces import BOHB


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_learns_exactly_if_its_sampler_has_a_model(name):
    sampler = STRATEGIES[name].sampler(BOHB, {}, 0, PAPER)
    assert STRATEGIES[name].learns == isinstance(sampler, Bohb | Gp)
    assert (name in LEARNING) != (name in PAIRED)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_says_whether_it_has_the_brackets_of_hyperband(name):
    budget = Budget(17, 9)
    brackets = getattr(STRATEGIES[name].ladder(budget), "brackets", ())
    assert STRATEGIES[name].brackets == (brackets == tuple(hyperband_brackets(budget)))
