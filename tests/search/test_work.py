"""Claims about what trials cost, counted before they start."""

from hypertuning.config import Config
from hypertuning.search.sampler import Listed, Proposal
from hypertuning.search.work import work


def test_a_trial_costs_what_its_network_computes():
    configs = [Config(filters=64), Config(filters=128), Config(model="nn"), Config(filters=64)]
    small, large, flat, same = work(Listed([Proposal(c, "grid") for c in configs]), 4, 10)
    assert flat < small == same < large
    # the second and third of three convolutions have four times the weights
    assert 3 < large / small < 4
