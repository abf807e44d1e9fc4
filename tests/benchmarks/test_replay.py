"""Claims about replaying searches on a table: that the epochs are counted, and the noise hidden."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.bench_search import HALVES, Replayed, half_of, problem_of, summary, told
from benchmarks.recorded import SHEET, Recorded, read_table
from benchmarks.replay.believed import Spaces, spaces_of
from benchmarks.replay.climb import Spent, Study, Trainer, climb
from benchmarks.replay.methods import METHODS
from benchmarks.replay.rivals import RIVALS
from benchmarks.replay.surrogate import LEARNERS, Surrogate
from hypertuning.config import Budget
from hypertuning.search.asha import Asha
from hypertuning.search.brackets import hyperband_brackets
from hypertuning.search.gp import Gp
from hypertuning.search.halving import Halving, sweep
from hypertuning.search.outlook import Outlook
from hypertuning.search.sampler import Random
from hypertuning.space_files import plain
from hypertuning.spaces import BOHB, searched
from tests.benchmarks.made_up import START, trials

pytestmark = pytest.mark.filterwarnings("ignore")  # hpbandster's and ConfigSpace's


def replay(study, curves, seed, epochs, workers=1):
    trainer = Trainer(curves, seed, epochs)
    climb(study, trainer, workers)
    return trainer.whole()


class Formula:
    """Curves that fall by the learning rate alone, without noise."""

    def __call__(self, values):
        return abs(math.log10(values["learning_rate"]) + 3) + 1 / np.arange(1, 10)

    def noise(self, expected, rng):
        return np.zeros_like(expected)


class Noisy(Formula):
    def noise(self, expected, rng):
        return rng.standard_normal(len(expected))


@pytest.fixture(scope="module")
def table():
    return Recorded(BOHB, trials(60), 9)


def brackets(seed):
    return Study(Halving(hyperband_brackets(Budget(17, 9))), Random(BOHB, {}, seed))


@pytest.mark.parametrize("workers", [1, 4])
def test_a_study_spends_each_epoch_once(workers):
    heard = []
    study = brackets(0)
    observe = study.sampler.observe
    study.sampler.observe = lambda c, e, loss: (heard.append((c, e, loss)), observe(c, e, loss))
    best = replay(study, Formula(), 0, 69, workers)
    assert study.ladder.done
    assert len(best) == 69 and (np.diff(best) <= 0).all()
    assert len(heard) == len(study.ladder.losses) == len({(id(c), e) for c, e, _ in heard})
    assert all(loss == Formula()(c.hyperparameters())[e - 1] for c, e, loss in heard)
    assert replay(brackets(0), Formula(), 0, 80, workers)[68:].tolist() == [best[-1]] * 12


def test_workers_share_the_epochs_evenly():
    order = []

    class Watched(Formula):
        def __call__(self, values):
            order.append(len(order))
            return super().__call__(values)

    replay(Study(sweep(9, 9), Random(BOHB, {}, 0)), Watched(), 0, 12, workers=4)
    assert len(order) == 4


def test_the_incumbent_is_chosen_by_what_was_measured_and_scored_by_what_is_expected():
    study = Study(sweep(5, 9), Random(BOHB, {}, 3))
    best = replay(study, Noisy(), 3, 45)
    expected = [Formula()(study.sampler.propose(t).config.hyperparameters()) for t in range(5)]
    assert {round(x, 9) for x in best} <= {round(x, 9) for curve in expected for x in curve}
    assert best[-1] > np.min(expected)  # here the noise misleads


def test_what_is_told_may_be_the_best_so_far():
    class Rising(Formula):
        def __call__(self, values):
            return np.arange(1.0, 10.0)

    study = Study(sweep(1, 9), Random(BOHB, {}, 0), np.min)
    replay(study, Rising(), 0, 9)
    assert study.ladder.losses == {(0, 9): 1.0}


@pytest.fixture(scope="module")
def problem(table):
    return problem_of(table, "tuning")


@pytest.mark.usefixtures("few_candidates")
@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_repeatable_and_learns_something(method, problem):
    spaces, max_epochs, curves, optimum = problem
    found = [replay(METHODS[method](spaces, 5, max_epochs, 60), curves, 5, 60) for _ in range(2)]
    assert found[0].tolist() == found[1].tolist()
    assert optimum - 1e-9 <= found[0][-1] < START


@pytest.mark.parametrize("rival", ["optuna_tpe", "hpbandster", "ray_1"])
def test_every_rival_spends_all_epochs_and_is_repeatable(rival):
    found = []
    for _ in range(2):
        trainer = Trainer(Formula(), 4, 100)
        with pytest.raises(Spent):
            RIVALS[rival](Spaces(BOHB, BOHB, BOHB), trainer, 4, 9)
        assert sum(trainer.reached) == len(trainer.best) == 100
        assert max(trainer.reached) == 9 and (np.diff(trainer.best) <= 0).all()
        found.append(trainer.best)
    assert found[0] == found[1]


def test_the_halves_share_no_configuration_and_both_have_two_seeds(table):
    tuning, reporting = (half_of(table, half).trials for half in ("tuning", "reporting"))
    assert not {t.number for t in tuning} & {t.number for t in reporting}
    assert len(tuning) + len(reporting) == len(table.trials)
    assert all({t.seed for t in half} == {0, 1} for half in (tuning, reporting))


def test_good_priors_are_those_of_the_best_and_wrong_ones_are_not(table):
    spaces = spaces_of(BOHB, table.trials)
    best = min(table.trials, key=lambda trial: trial.best).values
    good, wrong = ({n: d.prior for n, d in s.items()} for s in spaces[1:])
    assert good["optimizer"] != wrong["optimizer"] and good["batch_size"] != wrong["batch_size"]
    far, near = (abs(np.log10(p["learning_rate"] / best["learning_rate"])) for p in (wrong, good))
    assert far > 1 > near
    assert all(domain.prior is None for domain in spaces.plain.values())


def pairs_of_seeds(made):
    return [trial._replace(number=at // 2, seed=at % 2) for at, trial in enumerate(made)]


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_surrogate_orders_configurations_that_it_has_not_seen(learner, table):
    curves = Surrogate(*table, learner)
    error = curves.error().set_index("epoch")
    assert list(error.index) == [*range(1, 10), "best"]
    assert (error["rank_correlation"] > 0.4).all()
    assert 0 < curves.seed_deviation() < error["error"].max()


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_trial_that_diverged_counts_as_the_worst_and_no_more(learner):
    made = trials(12)
    made[3] = made[3]._replace(epochs=[{**made[3].epochs[0], "val_loss": math.inf}])
    curves = Surrogate(BOHB, made, 9, learner)
    assert curves.curves[3].tolist() == [curves.worst] * 9
    assert np.isfinite(curves(made[3].values)).all()


def test_a_seed_may_be_unlucky_but_never_too_good():
    """Half of a spike's distance, downwards, would be an epoch better than any network has."""
    made = pairs_of_seeds(trials(40))
    made[1].epochs[2]["val_loss"] *= 3
    curves = Surrogate(BOHB, made, 9, "process")
    expected = np.full(9, made[0].best)
    noise = np.array([curves.noise(expected, np.random.default_rng(n)) for n in range(200)])
    assert (noise >= 0).all() and noise[:, 2].max() > expected[2]


def test_seeds_differ_as_much_in_a_replay_as_in_the_record():
    """Where all pairs of seeds differ by d, a seed deviates by d / √2."""
    made = pairs_of_seeds(trials(40))
    for one, other in zip(made[::2], made[1::2], strict=False):
        other.epochs[:] = [{**e, "val_loss": 1.02 * e["val_loss"]} for e in one.epochs]
    curves = Surrogate(BOHB, made, 9, "process")
    noise = [curves.noise(np.ones(9), np.random.default_rng(n))[-1] for n in range(2000)]
    assert np.std(noise) == pytest.approx(0.02 / np.sqrt(2), rel=0.05)


def test_the_table_says_when_a_method_has_caught_up():
    both = np.array([3, 3])
    regret = {"asha": [[3.0, 2, 1]] * 2, "ours": [[3.0, 1, 0]] * 2}
    rows = summary({name: Replayed(np.array(r), both) for name, r in regret.items()})
    assert isinstance(rows, pd.DataFrame) and set(rows["seeds"]) == {2}
    lines = told(rows, 3).splitlines()
    assert [line.split()[0] for line in lines[-2:]] == ["ours", "asha"]
    assert lines[-2].split()[-1] == "2" and lines[-1].split()[-1] == "3"


def test_a_method_that_ends_early_keeps_what_it_found_and_the_table_says_what_it_took():
    sampler = Gp({"learning_rate": BOHB["learning_rate"]}, {}, 0)
    study = Study(Asha(90, (1, 9), 4), sampler, outlook=Outlook(sampler, 90, 9, stop_when=9))
    trainer = Trainer(Formula(), 0, 90)
    climb(study, trainer)
    assert 9 < len(trainer.best) < 90, "a nat per image is more than the model expects"
    assert trainer.whole()[-1] == trainer.best[-1] and len(trainer.whole()) == 90
    ended = Replayed(trainer.whole()[None], np.array([len(trainer.best)]))
    lines = told(summary({"asha": ended}), 90).splitlines()
    assert f"  {len(trainer.best)}" in lines[-1]


@pytest.mark.parametrize("name", ["table", "table_sgd"])
def test_a_table_of_this_repository_is_whole_and_is_what_its_sheet_says(name):
    folder = Path(__file__).parents[2] / "benchmarks" / name
    sheet, table = json.loads((folder / SHEET).read_text()), read_table(folder)
    assert len(table.trials) == sum(session["trials"] for session in sheet["sessions"])
    assert table.max_epochs == sheet["max_epochs"]
    assert all(set(t.values) == set(searched(table.space)) for t in table.trials)
    assert plain(table.space) == sheet["space"]
    assert all({t.seed for t in half_of(table, half).trials} == {0, 1} for half in HALVES)
