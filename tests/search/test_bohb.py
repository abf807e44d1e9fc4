"""Claims about BOHB's model; no Ray is started here."""

import numpy as np
import pytest

from hypertuning.config import Budget, Config
from hypertuning.search.bohb import Bohb
from hypertuning.search.ladder import Halving, hyperband_brackets
from hypertuning.spaces import BOHB, HYPERBAND, Choice, Integer, settle


def search(sampler, budget, loss):
    """Run a whole study, one job at a time; return each trial's proposal."""
    ladder, proposals = Halving(hyperband_brackets(budget)), {}
    while job := ladder.next():
        proposals.setdefault(job.trial, None)
        if proposals[job.trial] is None:
            proposals[job.trial] = sampler.propose(job.trial)
        value = loss(proposals[job.trial].config)
        ladder.tell(job.trial, job.until, value)
        sampler.observe(proposals[job.trial].config, job.until, value)
    return list(proposals.values())


def far_from_optimum(config):
    return (np.log10(config.learning_rate) + 3) ** 2 + (config.optimizer == "sgd") + config.dropout


def test_the_model_proposes_after_enough_results_and_proposes_better():
    proposals = search(Bohb(BOHB, {}, 0), Budget(85, 9), far_from_optimum)
    by_origin = {"random": [], "model": []}
    for config, origin in proposals:
        by_origin[origin].append(far_from_optimum(config))
    assert all(origin == "random" for _, origin in proposals[:9])
    assert len(by_origin["model"]) >= 20, "a failure inside hpbandster ends in random proposals"
    assert np.mean(by_origin["model"]) < np.mean(by_origin["random"])


def test_the_default_study_is_large_enough_for_the_model():
    assert any(
        origin == "model"
        for _, origin in search(Bohb(BOHB, {}, 0), Budget(51, 9), far_from_optimum)
    )


def test_proposals_hang_on_the_seed_and_on_nobody_elses_random_numbers():
    first = search(Bohb(BOHB, {}, 3), Budget(51, 9), far_from_optimum)
    np.random.seed(99)
    second = search(
        Bohb(BOHB, {}, 3),
        Budget(51, 9),
        lambda config: far_from_optimum(config) + 0 * np.random.rand(),
    )
    assert first == second
    assert search(Bohb(BOHB, {}, 4), Budget(51, 9), far_from_optimum) != first


def test_the_global_generator_is_left_as_it_was():
    np.random.seed(7)
    expected = np.random.rand()
    np.random.seed(7)
    search(Bohb(BOHB, {}, 0), Budget(9, 9), far_from_optimum)
    assert np.random.rand() == expected


def test_values_are_plain_and_both_ends_are_proposed():
    proposals = search(
        Bohb(HYPERBAND, {"optimizer": "adam"}, 0), Budget(51, 9), lambda c: -c.filters
    )
    for config, _ in proposals:
        assert type(config.kernel_size) is int and type(config.optimizer) is str
    assert {config.kernel_size for config, _ in proposals} == {2, 3}
    assert {config.padding for config, _ in proposals} == {0, 1}


def test_momentum_is_proposed_only_under_sgd():
    for config, _ in search(Bohb(BOHB, {}, 1), Budget(51, 9), far_from_optimum):
        assert (config.momentum is not None) == (config.optimizer == "sgd")


def test_a_failed_trial_counts_as_bad_and_not_as_missing():
    # every configuration above 64 filters fails: the model must learn to stay below
    space = {"filters": Integer(1, 256), "optimizer": Choice(("adam", "sgd"))}
    proposals = search(
        Bohb(space, {}, 0), Budget(102, 9), lambda c: np.inf if c.filters > 64 else c.filters / 64
    )
    model = [config.filters for config, origin in proposals if origin == "model"]
    assert np.mean(np.array(model) <= 64) > 0.7


@pytest.mark.parametrize("epoch", [1, 3, 9])
def test_every_rung_reaches_the_model(epoch):
    sampler = Bohb(BOHB, {}, 0)
    search(sampler, Budget(51, 9), far_from_optimum)
    per_round = {1: 9, 3: 3 + 5, 9: 1 + 1 + 3}
    assert len(sampler.bohber.configs[epoch]) <= 3 * per_round[epoch]
    assert sampler.observations == 3 * sum(per_round.values())


def test_points_outside_the_space_are_trained_but_not_shown_to_the_model():
    sampler = Bohb(BOHB, {}, 0)
    sampler.observe(Config(optimizer="adam"), 9, 1.0)
    sampler.observe(Config(optimizer="adamw", weight_decay=1e-4), 9, 1.0)
    assert sampler.observations == 1


def test_a_space_that_fixes_the_optimizer_settles_whether_there_is_momentum():
    for optimizer, there in (("adamw", False), ("sgd", True)):
        space = settle({**BOHB, "optimizer": optimizer})
        assert ("momentum" in space) == there
        proposals = search(Bohb(space, {}, 0), Budget(9, 9), far_from_optimum)
        assert all((config.momentum is not None) == there for config, _ in proposals)


def test_configurations_that_cannot_be_trained_are_proposed_anew():
    space = {
        "num_conv_layers": Integer(3, 5),
        "kernel_size": Integer(2, 5),
        "padding": Integer(0, 1),
    }
    assert len(search(Bohb(space, {}, 0), Budget(51, 9), lambda c: c.kernel_size)) == 51
