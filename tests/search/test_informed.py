"""Claims about priors: that they are followed, and outweighed where results contradict them."""

from collections import Counter

import numpy as np
import pytest

from hypertuning.config import Budget
from hypertuning.domains import Choice, Float, Integer
from hypertuning.search.belief import Belief
from hypertuning.search.informed import Informed, draws
from hypertuning.search.places import Places
from hypertuning.search.sampler import Random
from hypertuning.search.strategies import STRATEGIES
from hypertuning.spaces import BOHB

RATE = Float(1e-4, 1e-1, log=True, prior=1e-3, confidence="high")
SPACE = {
    "learning_rate": RATE,
    "optimizer": Choice(("adam", "adamw", "sgd"), prior="sgd", confidence="medium"),
    "momentum": Float(0.5, 0.99, when=("optimizer", "sgd"), prior=0.9, confidence="medium"),
    "filters": Integer(8, 64, log=True),
}
WRONG = {**SPACE, "learning_rate": Float(1e-4, 1e-1, log=True, prior=1e-1, confidence="high")}


def good_at_one_thousandth(config):
    return abs(np.log10(config.learning_rate) + 3)


def search(space, num_samples=80, seed=0):
    """PriorBand's ladder, one job at a time; each trial's proposal."""
    ladder, sampler = (
        STRATEGIES["hyperband"].ladder(Budget(num_samples, 9)),
        Informed(space, {}, seed),
    )
    proposals = {}
    while job := ladder.next():
        if job.trial not in proposals:
            proposals[job.trial] = sampler.propose(job.trial)
        loss = good_at_one_thousandth(proposals[job.trial].config) + 1 / job.until
        ladder.tell(job.trial, job.until, loss)
        sampler.observe(proposals[job.trial].config, job.until, loss)
    return [proposals[trial] for trial in sorted(proposals)]


def test_a_space_without_priors_is_drawn_from_as_ever():
    assert type(draws(BOHB, {}, 0)) is Random
    assert type(draws(SPACE, {}, 0)) is Informed


def test_half_of_the_draws_are_those_of_random_search():
    sampler, plain = Informed(SPACE, {}, 3), Random(SPACE, {}, 3)
    proposals = [sampler.propose(trial) for trial in range(400)]
    uniform = [n for n, p in enumerate(proposals) if p.sampler == "random"]
    assert len(uniform) / 400 == pytest.approx(0.5, abs=0.07)
    assert all(proposals[n] == plain.propose(n) for n in uniform)
    assert {p.sampler for p in proposals} == {"random", "prior"}, "nothing was observed yet"


def test_the_others_lie_around_the_prior_as_closely_as_its_confidence_says():
    proposals = [Informed(SPACE, {}, 0).propose(trial) for trial in range(800)]
    configs = [p.config for p in proposals if p.sampler == "prior"]
    rates = np.log10([config.learning_rate for config in configs])
    assert np.mean(rates) == pytest.approx(-3, abs=0.08)
    assert np.std(rates) == pytest.approx(3 * 0.125, rel=0.1)
    kinds = Counter(config.optimizer for config in configs)
    assert kinds["sgd"] / len(configs) == pytest.approx(4 / 6, abs=0.06)
    assert all((config.momentum is not None) == (config.optimizer == "sgd") for config in configs)
    filters = [config.filters for config in configs]
    assert min(filters) < 11 and max(filters) > 50, "nothing was said of them"


def test_a_density_is_one_on_average_and_higher_where_draws_are():
    places = Places(SPACE)
    belief, rng = Belief.of_priors(places), np.random.default_rng(0)
    everywhere = places.everywhere(20000, rng)
    assert belief.density(everywhere).mean() == pytest.approx(1, abs=0.05)
    drawn = np.array([belief.draw(x, rng) for x in everywhere[:500]])
    assert np.median(belief.density(drawn)) > 4 * np.median(belief.density(everywhere))


def test_a_good_prior_keeps_its_share_and_a_wrong_one_loses_it():
    late = {
        name: Counter(p.sampler for seed in range(5) for p in search(space, seed=seed)[40:])
        for name, space in (("good", SPACE), ("wrong", WRONG))
    }
    assert late["good"]["prior"] > 2 * late["wrong"]["prior"]
    assert late["wrong"]["incumbent"] > 5 * late["wrong"]["prior"]


def test_a_wrong_prior_costs_little_in_the_end():
    def best(space):
        found = [
            min(good_at_one_thousandth(p.config) for p in search(space, seed=s)) for s in range(8)
        ]
        return np.mean(found)

    unsaid = {name: domain for name, domain in SPACE.items() if name != "learning_rate"}
    assert best(SPACE) < 0.03
    assert best(WRONG) < 0.06
    assert best({**unsaid, "learning_rate": Float(1e-4, 1e-1, log=True)}) < 0.06


def test_draws_depend_on_the_seed_the_trial_and_the_results_alone():
    assert search(SPACE, 30) == search(SPACE, 30)
    assert search(SPACE, 30) != search(SPACE, 30, seed=1)
