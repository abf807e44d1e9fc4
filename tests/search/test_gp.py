"""Claims about the sampler that learns from all rungs; no Ray is started here."""

import math

import numpy as np
import pytest

from hypertuning.config import Budget, Config
from hypertuning.domains import Choice, Integer
from hypertuning.search.gp import (
    Gp,
    _expected_improvement,
    _fitted,
    _gain_of,
    _improvement,
    _learnt,
)
from hypertuning.search.levels import Levels
from hypertuning.search.model_options import PAPER
from hypertuning.search.result import Result
from hypertuning.search.sampler import Random
from hypertuning.search.strategies import STRATEGIES
from hypertuning.spaces import BOHB, RECIPE

NUMBERS = ("learning_rate", "weight_decay", "momentum")


def _levels_of(losses):
    return Levels.of(losses)(losses)


def loss_of(config, epoch):
    off = (np.log10(config.learning_rate) + 3) ** 2 + (config.optimizer == "sgd") + config.dropout
    return off + 1 / epoch


def search(sampler, num_samples, loss=loss_of, budget=9):
    """One job at a time on ASHA's ladder; each trial's proposal."""
    ladder, proposals = STRATEGIES["gp"].ladder(Budget(num_samples, budget)), {}
    while job := ladder.next():
        if job.trial not in proposals:
            proposals[job.trial] = sampler.propose(job.trial)
            sampler.begin(proposals[job.trial].config)
        config = proposals[job.trial].config
        ladder.tell(job.trial, job.until, loss(config, job.until))
        sampler.observe(config, job.until, loss(config, job.until))
    return [proposals[trial] for trial in sorted(proposals)]


def test_it_proposes_after_enough_results_and_proposes_better():
    proposals = search(Gp(BOHB, {}, 0), 50)
    # d + 1 = 9 results after one epoch: trial 8 has the last
    assert [p.sampler for p in proposals[:9]] == ["random"] * 9
    assert proposals[9].sampler == "model" or proposals[10].sampler == "model"
    losses = {
        kind: [loss_of(p.config, 9) for p in proposals if p.sampler == kind]
        for kind in ("model", "random")
    }
    assert len(losses["model"]) > 12
    assert np.median(losses["model"]) < 0.5 * np.median(losses["random"])


def test_a_parameter_that_misleads_early_is_seen_through_by_few_results_of_the_last_rung():
    space = {"hidden_size": Integer(8, 512, log=True), "dropout": BOHB["dropout"]}
    sampler = Gp(space, {}, 1, PAPER._replace(random_fraction=0.0))
    for trial in range(30):  # large ones learn slowly and end best
        config = Random(space, {}, 5).propose(trial).config
        size = math.log(config.hidden_size / 8) / math.log(64)
        sampler.observe(config, 1, 1 + 0.1 * size)
        if trial % 4 == 0:
            sampler.observe(config, 9, 1 - 0.5 * size)
    sizes = [sampler.propose(trial).config.hidden_size for trial in range(30, 40)]
    assert np.median(sizes) > 200


@pytest.mark.usefixtures("few_candidates")
@pytest.mark.parametrize("at_once", [1, 3])
def test_the_model_proposes_nothing_that_a_trial_has_while_there_is_something_else(at_once):
    space = {"kernel_size": Integer(2, 3), "padding": Integer(0, 1), "filters": Integer(100, 120)}

    def loss(config, epoch):
        return 1 + config.kernel_size - 0.01 * config.filters + 1 / epoch

    def proposals(space, count):
        sampler, running, found = Gp(space, {}, 0, PAPER._replace(random_fraction=0.0)), [], []
        for trial in range(count):
            found.append(sampler.propose(trial))
            sampler.begin(found[-1].config)
            running.append(found[-1].config)
            if len(running) == at_once:
                config = running.pop(0)
                sampler.observe(config, 1, loss(config, 1))
        return found

    modelled = [p.config.key() for p in proposals(space, 40) if p.sampler == "model"]
    assert len(modelled) == len(set(modelled)) > 30
    few = {"kernel_size": Integer(2, 3), "padding": Integer(0, 1)}
    assert {p.sampler for p in proposals(few, 30)[20:]} == {"random"}, "all four have been tried"


def test_what_acts_beside_some_numbers_of_a_range_is_proposed_and_learnt():
    space = {"num_fully_connected_layers": Integer(1, 3), "hidden_size": Integer(300, 512)}

    def loss(config, epoch):
        off = abs(config.hidden_size - 450) / 100 + (config.num_fully_connected_layers < 3)
        return off + 1 / epoch

    proposals = search(Gp(space, {}, 0, PAPER._replace(random_fraction=0.0)), 30, loss)
    sizes = [
        p.config.hidden_size
        for p in proposals
        if p.config.num_fully_connected_layers == 3 and p.sampler == "model"
    ]
    assert all(size >= 300 for size in sizes)
    assert sum(abs(size - 450) < 10 for size in sizes) > 5, "of chance draws it is one in ten"


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_of_random_proposals_is_what_was_asked_for(share):
    proposals = search(Gp(BOHB, {}, 0, PAPER._replace(random_fraction=share)), 24)
    assert {p.sampler for p in proposals[9:]} == ({"random"} if share else {"model"})
    assert all(p.model_epochs is None for p in proposals)


def test_proposals_depend_on_the_seed_and_on_no_other_random_numbers():
    first = search(Gp(BOHB, {}, 3), 24)
    np.random.seed(99)
    assert search(Gp(BOHB, {}, 3), 24) == first
    assert search(Gp(BOHB, {}, 4), 24) != first


def test_a_failed_trial_counts_as_bad_and_does_not_disturb():
    space = {"filters": Integer(1, 256), "optimizer": Choice(("adam", "sgd"))}
    fails = lambda c, e: math.inf if c.filters > 64 else c.filters / 64
    proposals = search(Gp(space, {}, 0), 40, fails)
    assert np.mean([p.config.filters <= 64 for p in proposals if p.sampler == "model"]) > 0.7


def test_a_study_in_which_everything_fails_goes_on():
    assert len(search(Gp(BOHB, {}, 0), 24, lambda c, e: math.inf)) == 24


def test_losses_beyond_the_cut_are_not_told_apart():
    levels = _levels_of(np.array([1.0, 2, 3, 50, math.inf]))
    assert levels[3] == levels[4] > levels[2] and levels.argmin() == 0
    assert levels.mean() == pytest.approx(0) and levels.std() == pytest.approx(1)
    assert _levels_of(np.array([2.0, 2.0])).tolist() == [0, 0]


def test_positive_losses_are_compared_by_their_ratios_and_others_by_their_differences():
    by_ratio, by_difference = _levels_of(np.array([0.5, 1, 2])), _levels_of(np.array([-1.0, 0, 1]))
    assert np.diff(by_ratio) == pytest.approx(np.diff(by_difference))


@pytest.mark.parametrize("least", [0.0, 1e-9])
def test_a_loss_near_0_does_not_make_the_others_equal(least):
    levels = _levels_of(np.array([least, 0.5, 0.6, 0.7, 0.8, 2.0]))
    assert levels[4] - levels[1] > 0.2


def test_the_expected_improvement_is_that_of_a_normal_loss():
    draws = np.random.default_rng(0).normal(0.3, 0.5, 10**6)
    mean = np.maximum(0.1 - draws, 0).mean()
    found = _expected_improvement(0.1, np.array([0.3]), np.array([0.5]))
    assert found[0] == pytest.approx(mean, rel=0.01)


def test_what_it_proposes_promises_more_than_any_of_many_random_draws():
    sampler = Gp({name: RECIPE[name] for name in NUMBERS}, {"optimizer": "muon"}, 0)
    for number in range(40):
        config = sampler.random.propose(number).config
        off = math.log10(config.learning_rate / 0.05) ** 2 + (config.momentum - 0.8) ** 2
        sampler.observe(config, 9, 1 + off + 0.1 * math.log(config.weight_decay) ** 2)
    first = sampler._ranked(np.random.default_rng(0))[0]
    process, _ = sampler._process()
    best = process.predict(process.points)[0].min()
    drawn = sampler.places.everywhere(20_000, np.random.default_rng(1))
    promised = _improvement(process, best, np.log(9), np.array([first, *drawn]))
    assert promised[0] > promised[1:].max() > 0


def gains(sampler, num_samples, trials=3):
    """What is expected before each proposal, as a search goes on."""
    found, propose = [], sampler.propose

    def looking(trial):
        found.append(sampler.expected_gain(trials, 9))
        return propose(trial)

    sampler.propose = looking
    search(sampler, num_samples)
    return found


@pytest.mark.usefixtures("few_candidates")
def test_less_is_expected_the_longer_a_search_has_gone_on():
    found = gains(Gp(BOHB, {}, 0), 60)
    assert found[:9] == [None] * 9, "there is no model"
    known = [gain for gain in found if gain is not None]
    assert np.median(known[-10:]) < 0.3 * np.median(known[:10])
    assert all(gain >= 0 for gain in known)


def test_what_is_expected_is_in_the_unit_of_the_loss_and_depends_on_the_results_alone():
    def expected(scale):
        sampler = Gp(BOHB, {}, 0)
        for number in range(30):
            config = Random(BOHB, {}, 5).propose(number).config
            for epoch in (1, 9)[: 1 + (number < 10)]:
                sampler.observe(config, epoch, scale * loss_of(config, epoch))
        return sampler.expected_gain(3, 9)

    once = expected(1)
    assert once == expected(1) > 0
    assert expected(100) == pytest.approx(100 * once, rel=0.1)


@pytest.mark.usefixtures("few_candidates")
def test_more_is_expected_of_more_trials_and_nothing_before_one_has_ended():
    sampler = Gp(BOHB, {}, 0)
    search(sampler, 30)
    one, three = (sampler.expected_gain(trials, 9) for trials in (1, 3))
    assert 0 < one < three
    assert sampler.expected_gain(3, 27) is None


def test_what_is_expected_of_some_draws_is_the_mean_of_what_the_chosen_add():
    best, losses = np.array([1.0, 1, 1, 1]), np.array([[0, 2, 1], [0, 2, 1], [2, 0, 1], [2, 2, 1]])
    assert _gain_of(best, losses, 1) == 0.5
    assert _gain_of(best, losses, 2) == 0.75
    assert _gain_of(best, losses[:, 2:], 2) == 0


def test_a_trial_that_waits_on_a_lower_rung_counts_as_one_that_may_gain(monkeypatch):
    nothing_new = lambda places, best, rng: best[:1]
    monkeypatch.setattr("hypertuning.search.gp.scattered", nothing_new)
    space = {"dropout": BOHB["dropout"]}
    sampler = Gp(space, {}, 0)
    for number in range(20):
        config = Random(space, {}, 5).propose(number).config
        sampler.observe(config, 1, 1 + config.dropout)
        if number < 5:
            sampler.observe(config, 9, 0.5 + config.dropout)
    dropouts = [vector[0] for vector, epoch, _ in sampler.results if epoch == 1]
    better = 0.5 * (min(dropouts[:5]) - min(dropouts))
    assert sampler.expected_gain(1, 9) == pytest.approx(better, rel=0.3)


def test_points_outside_the_space_are_not_shown_to_the_model():
    sampler = Gp(BOHB, {}, 0)
    sampler.observe(Config(optimizer="adam"), 9, 1.0)
    assert not sampler.results and not sampler.own
    sampler.observe(Config(optimizer="adamw", weight_decay=1e-4), 9, 1.0)
    assert len(sampler.results) == 1 and sampler.own == {9: 1}


def test_earlier_results_make_a_model_before_the_first_trial_and_are_told_apart():
    sampler = Gp(BOHB, {}, 0)
    configs = [Random(BOHB, {}, 9).propose(n).config for n in range(40)]
    given = [{n: v for n, v in c.hyperparameters().items() if n in BOHB} for c in configs]
    sampler.warm_start(Result(v, 3, loss_of(c, 3)) for c, v in zip(configs, given, strict=True))
    assert {p.sampler for p in search(sampler, 6)} == {"warm", "random"}


def test_several_at_once_are_not_alike():
    sampler = Gp(BOHB, {}, 0, PAPER._replace(random_fraction=0.0))
    for number in range(30):
        config = Random(BOHB, {}, 9).propose(number).config
        sampler.observe(config, 1, loss_of(config, 1))
    proposals = [sampler.propose(trial) for trial in range(30, 34)]
    assert len({p.config.learning_rate for p in proposals}) == 4


def test_it_learns_from_the_newest_and_furthest_where_there_are_too_many(monkeypatch):
    monkeypatch.setattr("hypertuning.search.gp.MOST", 12)
    results = [(np.array([at / 40]), 9 if at % 8 == 0 else 1, float(at)) for at in range(40)]
    points, losses = _learnt(results)
    assert losses.tolist() == [0, 8, 16, 24, 32, 33, 34, 35, 36, 37, 38, 39]
    assert points.vectors[:, 0].tolist() == [loss / 40 for loss in losses]
    _, losses = _learnt([(np.zeros(1), 9, float(at)) for at in range(40)])
    assert losses.tolist() == [0, 1, 2, 3, 4, *range(33, 40)], "the best and the newest"


def test_a_search_goes_on_the_same_though_it_has_more_results_than_it_learns_from(monkeypatch):
    monkeypatch.setattr("hypertuning.search.gp.MOST", 12)
    first, told = Gp(BOHB, {}, 0), []
    for trial in range(40):
        config = first.propose(trial).config
        told.append((config, loss_of(config, 1)))
        first.observe(config, 1, told[-1][1])
    resumed = Gp(BOHB, {}, 0)
    for config, loss in told:
        resumed.observe(config, 1, loss)
    assert [resumed.propose(n).config for n in (40, 41)] == [
        first.propose(n).config for n in (40, 41)
    ]


def test_the_process_is_fitted_to_the_latest_results_and_seldom_where_there_are_many():
    fitted = {results: _fitted(results, 9) for results in range(9, 3000)}
    assert all(max(9, 0.88 * n - 8) <= last <= n for n, last in fitted.items())
    assert len(set(fitted.values())) < 50
