"""Claims about a whole search on a real local Ray, with a trainable that costs nothing."""

import json
import random
from collections import Counter

import pytest
import ray
import toy

from hypertuning.config import Budget
from hypertuning.search.ladder import Arms
from hypertuning.search.model_options import PAPER
from hypertuning.search.resources import Resources
from hypertuning.search.sampler import Paired, Random
from hypertuning.search.searcher import LadderSearcher
from hypertuning.search.strategies import STRATEGIES
from hypertuning.search.study import run
from hypertuning.spaces import BOHB, Float

ray.cloudpickle.register_pickle_by_value(toy)  # the workers cannot import from tests/


def study(tmp_path, strategy, budget, sampler=None, ladder=None, concurrency=2, **more):
    chosen = STRATEGIES[strategy]
    sampler = sampler or chosen.sampler({**BOHB, "dropout": 0.1}, {"learning_rate": 0.1}, 0, PAPER)
    searcher = LadderSearcher(ladder or chosen.ladder(budget), sampler, concurrency)
    trainable = ray.tune.with_parameters(toy.Toy, state=tmp_path)
    outcome = run(tmp_path / "study", searcher, trainable, Resources(), **more)
    return searcher, outcome


def record(folder):
    """(trial, epoch) → how often it stands in the record, over all parts and jobs."""
    rows = Counter()
    for file in folder.glob("part-*/*/result.json"):
        trial = json.loads((file.parent / "params.json").read_text())["job"]["trial"]
        rows.update((trial, json.loads(line)["epoch"]) for line in file.read_text().splitlines())
    return rows


def test_as_many_workers_as_places_serve_all_trials(ray_local, tmp_path):
    # the first of those that share a Ray: a study that ends before its second worker has started
    # leaves a CPU reserved in it
    (tmp_path / "workers").mkdir()  # or one would have done all before the second has started
    study(tmp_path, "random", Budget(40, 1))
    results = (tmp_path / "study").glob("part-*/*/result.json")
    pids = Counter(json.loads(file.read_text())["pid"] for file in results)
    assert len(pids) == 2
    assert pids.total() == 40


SLOW = pytest.mark.slow
COMPARED = [
    *(pytest.param(name, marks=SLOW) for name in ("random", "asha", "hyperband")), "bohb", "gp",
]  # fmt: skip


@pytest.mark.parametrize("strategy", COMPARED)
def test_every_job_is_done_once_and_no_epoch_is_trained_twice(ray_local, tmp_path, strategy):
    budget = Budget(12, 9)
    searcher, outcome = study(tmp_path, strategy, budget)
    assert outcome == "completed"
    assert (
        json.loads((tmp_path / "study/part-001/ended.json").read_text())["outcome"] == "completed"
    )
    rows, reached = record(tmp_path / "study"), Counter()
    for trial, until in searcher.ladder.losses:
        reached[trial] = max(reached[trial], until)
    assert set(reached) == set(range(12))
    assert rows == Counter({(t, e): 1 for t, last in reached.items() for e in range(1, last + 1)})
    assert sum(last == 9 for last in reached.values()) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("setting", range(24))
def test_no_setting_leaves_a_study_stuck(ray_local, tmp_path, setting):
    draw = random.Random(setting)
    low, eta = draw.randint(1, 3), draw.randint(2, 4)
    budget = Budget(draw.randint(1, 24), draw.randint(low, 12), low, eta)
    strategy = draw.choice(["asha", "hyperband", "bohb", "gp"])
    space = {**BOHB, "dropout": Float(0.0, draw.choice([0.5, 0.7, 0.99]))}  # above 0.5 it breaks
    sampler = STRATEGIES[strategy].sampler(space, {}, setting, PAPER)
    searcher, outcome = study(
        tmp_path, strategy, budget, sampler, concurrency=draw.randint(1, 2), max_failures=0
    )
    assert outcome == "completed"
    assert searcher.ladder.done
    assert set(searcher.proposals) == set(range(budget.num_samples))


@pytest.mark.slow
def test_a_trial_that_breaks_is_told_as_lost_and_the_others_go_on(ray_local, tmp_path):
    sampler = Random({**BOHB, "dropout": 0.1}, {}, 0)
    broken = {2, 5}
    propose = sampler.propose

    def breaking(trial):
        proposal = propose(trial)
        values = {"dropout": 0.9} if trial in broken else {}
        return proposal._replace(config=proposal.config.model_copy(update=values))

    sampler.propose = breaking
    searcher, outcome = study(tmp_path, "hyperband", Budget(9, 9), sampler, max_failures=0)
    assert outcome == "completed"
    assert {t for (t, _), loss in searcher.ladder.losses.items() if loss == float("inf")} == broken
    assert "this one breaks" in (tmp_path / "study/part-001/t0002-e001/error.txt").read_text()


def test_a_trial_that_breaks_once_is_tried_again_from_where_it_was(ray_local, tmp_path):
    (tmp_path / "breaks-at-2").touch()
    searcher, _ = study(tmp_path, "random", Budget(1, 4), concurrency=1, max_failures=1)
    assert searcher.ladder.losses == {(0, 4): pytest.approx(searcher.ladder.losses[0, 4])}
    assert {epoch for _, epoch in record(tmp_path / "study")} == {1, 2, 3, 4}


@pytest.mark.slow
def test_both_arms_train_the_same_configurations(ray_local, tmp_path):
    arms = ({"augment": "none"}, {"augment": "crop_flip"})
    sampler = Paired(Random({**BOHB, "dropout": 0.1}, {}, 0), arms)
    ladder = Arms([STRATEGIES["asha"].ladder(Budget(4, 3)) for _ in arms])
    searcher, _ = study(tmp_path, "asha", Budget(4, 3), sampler, ladder)
    configs = {t: p.config.hyperparameters() for t, p in searcher.proposals.items()}
    for even in range(0, 8, 2):
        plain, cropped = configs[even], configs[even + 1]
        assert (plain["augment"], cropped["augment"]) == ("none", "crop_flip")
        alike = {name: value for name, value in cropped.items() if name in plain}
        assert alike == plain | {"augment": "crop_flip"}
        assert cropped.keys() - plain.keys() == {"crop_pixels", "crop_border", "flip"}


def test_nothing_is_begun_after_the_time_budget(ray_local, tmp_path):
    searcher, outcome = study(tmp_path, "random", Budget(50, 1), time_budget_s=1e-6)
    assert outcome == "interrupted"
    assert len(searcher.proposals) < 50
