"""Claims about a search that is cut off and goes on, without Ray: only its decisions."""

import zlib

import pytest

from hypertuning.config import Budget, parse_config
from hypertuning.geometry import training_flops
from hypertuning.search.halving import sweep
from hypertuning.search.ladder import Arms, Job
from hypertuning.search.model_options import PAPER
from hypertuning.search.outlook import Outlook
from hypertuning.search.sampler import Listed, Paired, Proposal
from hypertuning.search.searcher import LadderSearcher, Past
from hypertuning.search.strategies import STRATEGIES
from hypertuning.search.work import work
from hypertuning.spaces import BOHB, Float, Integer

pytestmark = pytest.mark.usefixtures("few_candidates")

ARMS = ({"augment": "none"}, {"augment": "crop_flip"})
SPACE = {"learning_rate": Float(1e-4, 1e-1, log=True), "filters": Integer(8, 64)}

BELIEVED = {**SPACE, "learning_rate": Float(1e-4, 1e-1, log=True, prior=3e-3)}
STOPS, LEAST = "gp until little is expected", 0.058


def searcher(
    strategy: str, num_samples: int = 30, past=(), concurrency: int = 3, given=None, outlook=False
) -> LadderSearcher:
    """A search of a small space, which BOHB's model learns early."""
    told = {"both arms": "asha", STOPS: "gp"}.get(strategy, strategy)
    name, _, priors = told.partition(" with ")
    budget = Budget(num_samples, 9)
    sampler = STRATEGIES[name].sampler(BELIEVED if priors else SPACE, {}, 0, PAPER)
    ladder = STRATEGIES[name].ladder(budget)
    if strategy == "both arms":
        sampler = Paired(sampler, ARMS)
        ladder = Arms([STRATEGIES[name].ladder(budget) for _ in ARMS])
    trials = num_samples * (len(ARMS) if strategy == "both arms" else 1)
    costs = () if STRATEGIES[name].learns else work(sampler, trials, num_classes=10)
    least = LEAST if strategy == STOPS else 0
    looks = Outlook(sampler, 9 * num_samples, 9, stop_when=least) if least or outlook else None
    return LadderSearcher(ladder, sampler, concurrency, past, costs, given, looks)


def draw(*words) -> float:
    """A number in 0–1 that depends on the words alone."""
    return zlib.crc32(repr(words).encode()) / 2**32


def result_of(given: dict) -> dict | None:
    """What a job gives: a loss by configuration and epoch; one in ten fails."""
    job, lr = given["job"], given["config"]["learning_rate"]
    if draw("fails", job["trial"]) < 0.1:
        return None
    return {"epoch": job["until"], "val_loss": abs(lr - 0.01) + 1 / job["until"]}


def climb(search: LadderSearcher, events: int = 10**6) -> tuple[list[Past], list[dict]]:
    """Serve jobs until nothing is left or so many have ended; give the record, and all begun.

    Which of the running jobs ends next depends only on which are running.
    """
    past, begun, running = [], [], {}
    while True:
        while isinstance(given := search.suggest(str(len(begun))), dict):
            running[str(len(begun))] = given
            begun.append(given)
        if not running or events == 0:
            return past + [past_of(search, g, None) for g in running.values()], begun
        ray_id = min(running, key=lambda ray_id: draw(running[ray_id]["job"]["trial"]))
        given = running.pop(ray_id)
        result = result_of(given)
        search.on_trial_complete(ray_id, result, error=result is None)
        past.append(past_of(search, given, result["val_loss"] if result else float("inf")))
        events -= 1


def past_of(search: LadderSearcher, given: dict, loss: float | None) -> Past:
    job = Job(*(given["job"][name] for name in Job._fields))
    return Past(job, search.proposals[job.trial], job.until if loss else 0, loss)


def decisions(begun: list[dict]) -> list[tuple]:
    """What was decided: which trial, how far, with what, by whom."""
    return sorted(
        (g["job"]["trial"], g["job"]["until"], g["config"], g["job"]["sampler"]) for g in begun
    )


STUDIES = [*STRATEGIES, *(f"{name} with priors" for name in STRATEGIES), "both arms", STOPS]


@pytest.mark.parametrize("strategy", STUDIES)
@pytest.mark.parametrize("cut", [0, 1, 7, 20, 33, 10**6])
def test_a_search_that_was_cut_off_decides_as_if_it_had_not_been(strategy, cut):
    _, straight = climb(searcher(strategy))
    past, before = climb(searcher(strategy), events=cut)
    _, after = climb(searcher(strategy, past=past))
    ended = len([job for job in past if job.loss is not None])
    assert len(after) == len(straight) - ended, "what had ended is not run again"
    cut_off = [job.job.trial for job in past if job.loss is None]
    assert [g["job"]["trial"] for g in after[: len(cut_off)]] == cut_off, "these come first"
    done = [g for g in before if (g["job"]["trial"], g["job"]["until"]) in reached(past)]
    assert decisions(done + after) == decisions(straight)


def reached(past: list[Past]) -> set[tuple[int, int]]:
    return {(job.job.trial, job.job.until) for job in past if job.loss is not None}


@pytest.mark.parametrize("strategy", STUDIES)
def test_a_search_that_is_cut_off_again_and_again_decides_the_same(strategy):
    _, straight = climb(searcher(strategy))
    ended, begun = [], {}
    for _ in range(200):
        new, given = climb(searcher(strategy, past=ended), events=4)
        begun |= {(g["job"]["trial"], g["job"]["until"]): g for g in given}
        if not given:
            break
        ended = [job for job in ended if job.loss is not None] + new
    assert decisions(begun.values()) == decisions(straight)


@pytest.mark.parametrize("strategy", [name for name in STUDIES if name != STOPS])
def test_a_search_that_gets_more_samples_keeps_what_it_has_and_goes_on(strategy):
    past, before = climb(searcher(strategy, 12))
    assert searcher(strategy, 12, past).done
    grown, after = climb(searcher(strategy, 30, past))
    assert {(g["job"]["trial"], g["job"]["until"]) for g in after}.isdisjoint(reached(past))
    arms = 2 if strategy == "both arms" else 1
    assert {g["job"]["trial"] for g in before + after} == set(range(30 * arms))
    assert searcher(strategy, 30, past + grown).done


def test_a_search_ends_when_its_model_expects_too_little_and_goes_on_for_less():
    past, begun = climb(searcher(STOPS))
    trials = {given["job"]["trial"] for given in begun}
    assert 8 < len(trials) < 30, "it needs some results, and not all"
    gains = {g["job"]["trial"]: g["job"].get("expected_gain") for g in begun}
    assert gains[0] is None and all(gain >= LEAST for gain in gains.values() if gain)
    search = searcher(STOPS, past=past)
    assert search.done and search.expected_gain < LEAST
    search.outlook.stop_when = 0
    assert not search.done
    assert {g["job"]["trial"] for g in climb(search)[1]} >= {*range(30)} - trials


def test_what_was_expected_of_going_on_stays_with_a_trial():
    _, begun = climb(searcher("gp", outlook=True))
    gains = {}
    for given in begun:
        gains.setdefault(given["job"]["trial"], set()).add(given["job"].get("expected_gain"))
    assert all(len(told) == 1 for told in gains.values()), "also where it goes on"
    assert sum(None not in told for told in gains.values()) > 15


def test_what_the_user_wants_is_trained_to_its_end_before_a_search_ends():
    past, begun = climb(searcher(STOPS))
    wanted = max(given["job"]["trial"] for given in begun) + 1
    worst = parse_config({**begun[0]["config"], "filters": 61, "learning_rate": 0.1})
    search = searcher(STOPS, past=past, given={wanted: Proposal(worst, "point")})
    assert not search.done
    _, after = climb(search)
    tried = [given for given in after if given["job"]["trial"] == wanted]
    assert [given["job"]["until"] for given in tried] == [1, 9]
    assert {(g["config"]["filters"], g["job"]["sampler"]) for g in tried} == {(61, "point")}


@pytest.mark.parametrize("cut", [0, 1, 7, 20])
def test_a_study_of_random_configurations_starts_its_costliest_first(cut):
    past, before = climb(searcher("random", concurrency=1), events=cut)
    _, after = climb(searcher("random", past=past, concurrency=1))
    begun = before + after[1:]  # the one that was cut off comes again
    costs = [training_flops(parse_config(g["config"]), 10) for g in begun]
    assert costs == sorted(costs, reverse=True)
    assert sorted(g["job"]["trial"] for g in begun) == [*range(30)]


def test_what_the_record_holds_of_a_trial_is_not_reported_again():
    job = Job(0, 9, 0, 0)
    (proposal,) = climb(searcher("random", 1), 0)[0]
    past = [Past(job, proposal.proposal, 4, None)]
    search = LadderSearcher(sweep(1, 9), Listed([]), 1, past)
    assert search.suggest("a")["job"]["recorded"] == 4
    assert not search.done


def test_the_spaces_of_the_stages_go_on_as_well():
    sampler = STRATEGIES["bohb"].sampler(BOHB, {}, 0, PAPER)
    past, _ = climb(LadderSearcher(STRATEGIES["bohb"].ladder(Budget(20, 9)), sampler, 2), 12)
    fresh = STRATEGIES["bohb"].sampler(BOHB, {}, 0, PAPER)
    _, after = climb(LadderSearcher(STRATEGIES["bohb"].ladder(Budget(20, 9)), fresh, 2, past))
    assert after
