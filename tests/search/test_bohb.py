"""Claims about BOHB's model; no Ray is started here."""

import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hypertuning.config import Budget, Config, UserError
from hypertuning.domains import Choice, Float, Integer, check_extent
from hypertuning.search.bohb import PAPER, Bohb, Result, configuration_space
from hypertuning.search.brackets import hyperband_brackets
from hypertuning.search.halving import Halving
from hypertuning.search.sampler import Random
from hypertuning.spaces import BOHB, HYPERBAND, settle


class Study:
    """A whole search, one job at a time or several in a shuffled order, that can be broken off."""

    def __init__(self, sampler, budget, loss, concurrency=1, seed=0):
        self.sampler, self.loss, self.concurrency = sampler, loss, concurrency
        self.ladder, self.shuffle = Halving(hyperband_brackets(budget)), random.Random(seed)
        self.proposals, self.results, self.running = {}, [], []

    def step(self):
        """End a job; False when there is none left."""
        while len(self.running) < self.concurrency and (job := self.ladder.next()):
            if job.trial not in self.proposals:
                self.proposals[job.trial] = self.sampler.propose(job.trial)
            self.running.append(job)
        if not self.running:
            return False
        job = self.running.pop(self.shuffle.randrange(len(self.running)))
        self.tell(job.trial, job.until, self.loss(self.proposals[job.trial].config))
        return True

    def tell(self, trial, epoch, loss):
        self.results.append((trial, epoch, loss))
        self.ladder.tell(trial, epoch, loss)
        self.sampler.observe(self.proposals[trial].config, epoch, loss)


def search(sampler, budget, loss, **more):
    """Run a study to its end; each trial's proposal."""
    study = Study(sampler, budget, loss, **more)
    while study.step():
        pass
    return [study.proposals[trial] for trial in sorted(study.proposals)]


def far_from_optimum(config):
    return (np.log10(config.learning_rate) + 3) ** 2 + (config.optimizer == "sgd") + config.dropout


def test_the_model_proposes_after_enough_results_and_proposes_better():
    proposals = search(Bohb(BOHB, {}, 0), Budget(85, 9), far_from_optimum)
    losses = {"random": [], "model": []}
    for proposal in proposals:
        losses[proposal.sampler].append(far_from_optimum(proposal.config))
    # 2 (d + 1) = 18 results after one epoch, 9 in each round of 17 trials: trial 25 has the last
    assert [p.sampler for p in proposals[:26]] == ["random"] * 26
    assert len(losses["model"]) > 30
    assert np.mean(losses["model"]) < 0.6 * np.mean(losses["random"])


def test_the_default_study_is_large_enough_for_the_model():
    proposals = search(Bohb(BOHB, {}, 0), Budget(51, 9), far_from_optimum)
    assert sum(p.sampler == "model" for p in proposals) >= 10


def test_a_proposal_says_whose_results_it_comes_from():
    proposals = search(Bohb(BOHB, {}, 0), Budget(85, 9), far_from_optimum)
    assert {p.model_epochs for p in proposals if p.sampler == "random"} == {None}
    epochs = [p.model_epochs for p in proposals if p.sampler == "model"]
    assert epochs == sorted(epochs), "never back to a smaller budget"
    assert set(epochs) == {1, 3, 9}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_of_random_proposals_is_what_was_asked_for(share):
    options = PAPER._replace(random_fraction=share)
    proposals = search(Bohb(BOHB, {}, 0, options), Budget(51, 9), far_from_optimum)
    later = {p.sampler for p in proposals[26:]}
    assert later == ({"random"} if share else {"model"})


def test_proposals_depend_on_the_seed_and_on_no_other_random_numbers():
    first = search(Bohb(BOHB, {}, 3), Budget(51, 9), far_from_optimum)
    np.random.seed(99)
    disturbed = lambda config: far_from_optimum(config) + 0 * np.random.rand()
    assert search(Bohb(BOHB, {}, 3), Budget(51, 9), disturbed) == first
    assert search(Bohb(BOHB, {}, 4), Budget(51, 9), far_from_optimum) != first


@pytest.mark.parametrize("cut", [5, 30, 60, 85])
def test_a_study_that_is_taken_up_again_goes_on_as_if_it_had_never_stopped(cut):
    whole = Study(Bohb(BOHB, {}, 3), Budget(51, 9), far_from_optimum)
    while whole.step():
        pass
    resumed = Study(Bohb(BOHB, {}, 3), Budget(51, 9), far_from_optimum)
    for trial, epoch, loss in whole.results[:cut]:
        resumed.proposals[trial] = whole.proposals[trial]
        resumed.tell(trial, epoch, loss)
    while resumed.step():
        pass
    assert resumed.proposals == whole.proposals
    assert resumed.results == whole.results


def test_at_several_at_once_the_random_ones_are_those_of_random_search():
    drawn = Random(BOHB, {}, 3)
    for seed in range(3):
        sampler = Bohb(BOHB, {}, 3)
        proposals = search(sampler, Budget(51, 9), far_from_optimum, concurrency=4, seed=seed)
        numbers = [n for n, p in enumerate(proposals) if p.sampler == "random"]
        assert len(numbers) >= 26
        assert all(proposals[n] == drawn.propose(n) for n in numbers)


def test_the_global_generator_is_left_as_it_was():
    np.random.seed(7)
    expected = np.random.rand()
    np.random.seed(7)
    search(Bohb(BOHB, {}, 0), Budget(51, 9), far_from_optimum)
    assert np.random.rand() == expected


def test_values_are_plain_and_both_ends_are_proposed():
    proposals = search(
        Bohb(HYPERBAND, {"optimizer": "adam"}, 0), Budget(51, 9), lambda c: -c.filters
    )
    for config in (p.config for p in proposals):
        assert type(config.kernel_size) is int and type(config.optimizer) is str
    assert {p.config.kernel_size for p in proposals} == {2, 3}
    assert {p.config.padding for p in proposals} == {0, 1}
    filters = {p.config.filters for p in proposals if p.sampler == "model"}
    assert max(filters) > 195, "the best is at the end of its range"


def test_momentum_is_proposed_only_under_sgd():
    proposals = search(Bohb(BOHB, {}, 1), Budget(85, 9), lambda c: c.optimizer == "adamw")
    under_sgd = [p for p in proposals if p.sampler == "model" and p.config.optimizer == "sgd"]
    assert len(under_sgd) > 5
    for config in (p.config for p in proposals):
        assert (config.momentum is not None) == (config.optimizer == "sgd")


def test_a_failed_trial_counts_as_bad_and_not_as_missing():
    # every configuration above 64 filters fails: the model must learn to stay below
    space = {"filters": Integer(1, 256), "optimizer": Choice(("adam", "sgd"))}
    proposals = search(
        Bohb(space, {}, 0), Budget(102, 9), lambda c: np.inf if c.filters > 64 else c.filters / 64
    )
    model = [p.config.filters for p in proposals if p.sampler == "model"]
    assert np.mean(np.array(model) <= 64) > 0.7


def test_every_rung_reaches_the_model_the_last_ones_included():
    sampler = Bohb(BOHB, {}, 0)
    search(sampler, Budget(51, 9), far_from_optimum)
    per_round = {1: 9, 3: 3 + 5, 9: 1 + 1 + 3}  # equal budgets of different brackets together
    assert sampler.own == {epoch: 3 * results for epoch, results in per_round.items()}


def test_points_outside_the_space_are_trained_but_not_shown_to_the_model():
    sampler = Bohb(BOHB, {}, 0)
    sampler.observe(Config(optimizer="adam"), 9, 1.0)
    sampler.observe(Config(optimizer="adamw", weight_decay=1e-4, kernel_size=5), 9, 1.0)
    assert not sampler.own
    sampler.observe(Config(optimizer="adamw", weight_decay=1e-4), 9, 1.0)
    assert sampler.own == {9: 1}


def test_every_result_of_a_space_with_several_models_and_conditions_is_learnt():
    space = {
        "model": Choice(("nn", "cnn")),
        "filters": Integer(8, 64, when=("model", "cnn")),
        "weight_decay": Float(1e-6, 1e-2, log=True, when=("optimizer", "adamw")),
        "optimizer": Choice(("adamw", "sgd")),
        "kernel_size": Integer(2, 5),
    }
    sampler = Bohb(space, {}, 0)
    proposals = search(sampler, Budget(51, 9), lambda c: c.learning_rate + (c.model == "nn"))
    assert sampler.own.total() == 3 * (9 + 3 + 1 + 5 + 1 + 3)
    assert {p.config.model for p in proposals} == {"nn", "cnn"}


def test_a_model_that_likes_what_cannot_be_trained_does_not_end_the_study():
    space = {"num_conv_layers": Integer(2, 8)}  # more than five leave no pixels
    proposals = search(Bohb(space, {}, 0), Budget(51, 9), lambda c: -c.num_conv_layers)
    assert len(proposals) == 51
    assert max(p.config.num_conv_layers for p in proposals) == 5


def test_a_space_that_fixes_the_optimizer_settles_whether_there_is_momentum():
    for optimizer, there in (("adamw", False), ("sgd", True)):
        space = settle({**BOHB, "optimizer": optimizer}, {})
        assert ("momentum" in space) == there
        proposals = search(Bohb(space, {}, 0), Budget(51, 9), far_from_optimum)
        assert all((p.config.momentum is not None) == there for p in proposals)


def test_the_model_learns_and_proposes_only_what_acts():
    space = {
        "model": Choice(("nn", "cnn")),
        "filters": Integer(8, 64),
        "kernel_size": Integer(2, 3, when=("optimizer", "sgd")),
        "num_fully_connected_layers": Integer(1, 4),
        "hidden_size": Integer(8, 64),
        "optimizer": Choice(("adam", "sgd")),
        "momentum": 0.7,
    }
    sampler = Bohb(space, {}, 0)
    proposals = search(sampler, Budget(51, 9), lambda c: (c.optimizer == "sgd") + c.filters / 64)
    assert sampler.own.total() == 3 * (9 + 3 + 1 + 5 + 1 + 3)
    model = [p.config for p in proposals if p.sampler == "model"]
    assert len(model) > 5
    for config in model:
        assert config.momentum == (0.7 if config.optimizer == "sgd" else None)
        assert config.model == "cnn" or config.filters == 64, "its default, not a draw"


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from([Float, Integer, Choice]),
    ends=st.lists(st.one_of(st.integers(0, 2**31), st.floats(0, 1e300)), min_size=2, max_size=4),
    log=st.booleans(),
)
def test_a_domain_that_is_not_refused_is_one_of_configspace_too(kind, ends, log):
    try:
        if kind is Choice:
            domain = Choice(tuple(map(float, ends)))
        else:
            ends = [int(end) if kind is Integer and end < 2**31 else end for end in ends]
            assume(kind is Float or all(isinstance(end, int) for end in ends))
            domain = kind(min(ends[:2]), max(ends[:2]), log)
            check_extent(domain)
    except UserError:
        return
    projected = configuration_space({"learning_rate": domain})["learning_rate"]
    for seed in range(3):
        assert projected.legal_value(domain.sample(np.random.default_rng(seed)))


def test_configurations_that_cannot_be_trained_are_proposed_anew():
    space = {
        "num_conv_layers": Integer(3, 5),
        "kernel_size": Integer(2, 5),
        "padding": Integer(0, 1),
    }
    assert len(search(Bohb(space, {}, 0), Budget(51, 9), lambda c: c.kernel_size)) == 51


def earlier_results(count=40):
    configs = [Random(BOHB, {}, 9).propose(n).config for n in range(count)]
    given = [(c, {n: v for n, v in c.hyperparameters().items() if n in BOHB}) for c in configs]
    return [Result(values, 3, far_from_optimum(config)) for config, values in given]


def test_earlier_results_make_a_model_before_the_first_trial_and_are_told_apart():
    sampler = Bohb(BOHB, {}, 0)
    sampler.warm_start(earlier_results())
    proposals = search(sampler, Budget(51, 9), far_from_optimum)
    assert proposals[0].sampler in ("warm", "random")
    first = [p for p in proposals[:20] if p.sampler == "warm"]
    assert len(first) > 8 and {p.model_epochs for p in first} == {3}
    assert "warm" not in {p.sampler for p in proposals if p.model_epochs == 9}
    cold = search(Bohb(BOHB, {}, 0), Budget(51, 9), far_from_optimum)
    assert np.mean([far_from_optimum(p.config) for p in first]) < np.mean(
        [far_from_optimum(p.config) for p in cold[:20]]
    )


def test_earlier_results_in_any_order_make_the_same_model():
    results = [r._replace(epoch=e) for e in (9, 1, 3) for r in earlier_results()]
    first, second = Bohb(BOHB, {}, 0), Bohb(BOHB, {}, 0)
    first.warm_start(results)
    second.warm_start(sorted(results, key=lambda result: result.epoch))
    proposals = [first.propose(n) for n in range(20)]
    assert proposals == [second.propose(n) for n in range(20)]
    assert {p.model_epochs for p in proposals if p.sampler == "warm"} == {9}
