"""Claims about brackets and rungs; no Ray here."""

import math
import random

import plain_ladder
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypertuning.config import Budget, UserError
from hypertuning.search.asha import Asha
from hypertuning.search.brackets import hyperband_brackets, regular_max_epochs, rungs
from hypertuning.search.halving import Halving, sweep
from hypertuning.search.ladder import Arms, Job


def climb(ladder, loss, concurrency=1, shuffle=None):
    """Drive a ladder to its end; return its jobs in the order in which they were handed out."""
    order, under_way = [], []
    while True:
        while len(under_way) < concurrency and (job := ladder.next()):
            order.append(job)
            under_way.append(job)
        if not under_way:
            return order
        job = under_way.pop(shuffle.randrange(len(under_way)) if shuffle else 0)
        ladder.tell(job.trial, job.until, loss(job.trial, job.until))


@pytest.mark.parametrize(
    ("max_epochs", "table"),
    [
        # Hyperband, table 1, computed from its algorithm 1 for R = 27 and R = 81, η = 3
        (
            27,
            [
                ((27, 9, 3, 1), (1, 3, 9, 27)),
                ((12, 4, 1), (3, 9, 27)),
                ((6, 2), (9, 27)),
                ((4,), (27,)),
            ],
        ),
        (
            81,
            [
                ((81, 27, 9, 3, 1), (1, 3, 9, 27, 81)),
                ((34, 11, 3, 1), (3, 9, 27, 81)),
                ((15, 5, 1), (9, 27, 81)),
                ((8, 2), (27, 81)),
                ((5,), (81,)),
            ],
        ),
        (9, [((9, 3, 1), (1, 3, 9)), ((5, 1), (3, 9)), ((3,), (9,))]),
    ],
)
def test_brackets_are_those_of_the_paper(max_epochs, table):
    trials = sum(sizes[0] for sizes, _ in table)
    brackets = hyperband_brackets(Budget(trials, max_epochs))
    assert [(b.sizes, b.epochs) for b in brackets] == table


@pytest.mark.parametrize(
    ("low", "top", "eta", "epochs"),
    [
        (1, 9, 3, (1, 3, 9)),
        (3, 10, 3, (3, 10)),
        (1, 10, 3, (1, 3, 10)),
        (4, 4, 3, (4,)),
        (4, 10, 3, (4, 10)),
        (3, 20, 3, (3, 20)),
        (2, 60, 3, (2, 6, 18, 60)),
        (1, 8, 2, (1, 2, 4, 8)),
    ],
)
def test_rungs_end_exactly_at_max_epochs(low, top, eta, epochs):
    assert rungs(Budget(1, top, low, eta)) == epochs


@pytest.mark.parametrize(
    ("low", "top", "eta", "nearest"),
    [(1, 9, 3, 9), (1, 10, 3, 9), (3, 10, 3, 9), (1, 20, 3, 27), (2, 6, 3, 6), (1, 6, 2, 8)],
)
def test_the_nearest_end_whose_rungs_are_the_papers(low, top, eta, nearest):
    assert regular_max_epochs(Budget(1, top, low, eta)) == nearest


def test_grace_beyond_the_end_is_refused_with_both_values():
    with pytest.raises(
        UserError, match=r"`min_epochs` \(=12\) must not exceed `max_epochs` \(=10\)"
    ):
        rungs(Budget(1, 10, 12))


def test_a_rung_promotes_its_best_third_when_it_is_full():
    ladder = Halving(hyperband_brackets(Budget(9, 9)))
    jobs = climb(ladder, lambda trial, _: abs(trial - 4))
    assert [(j.trial, j.until) for j in jobs] == [
        *((t, 1) for t in range(9)),
        *((t, 3) for t in (3, 4, 5)),
        (4, 9),
    ]


def test_a_failed_trial_is_never_promoted_and_never_waited_for():
    ladder = Halving(hyperband_brackets(Budget(9, 9)))
    jobs = climb(ladder, lambda trial, _: math.nan if trial else 1.0)
    assert [j for j in jobs if j.rung] == [Job(0, 3, 0, 1), Job(0, 9, 0, 2)]
    assert ladder.done


def test_asha_promotes_as_soon_as_a_third_of_a_rung_allows_it():
    jobs = climb(Asha(9, (1, 3, 9), 3), lambda trial, _: trial)
    assert [(j.trial, j.until) for j in jobs][:5] == [(0, 1), (1, 1), (2, 1), (0, 3), (3, 1)]
    assert sum(j.until == 3 for j in jobs) == 3
    assert sum(j.until == 9 for j in jobs) == 1


def test_a_sweep_trains_every_trial_once_to_the_end():
    assert climb(sweep(4, 5), lambda *_: 0.0) == [Job(t, 5, 0, 0) for t in range(4)]


def test_arms_decide_for_themselves_and_advance_in_pairs():
    alone = climb(Asha(9, (1, 3, 9), 3), lambda trial, _: trial)
    jobs = climb(Arms([Asha(9, (1, 3, 9), 3), Asha(9, (1, 3, 9), 3)]), lambda t, _: t // 2)
    for arm in (0, 1):
        assert [(j.trial // 2, j.until) for j in jobs if j.trial % 2 == arm] == [
            (j.trial, j.until) for j in alone
        ]
    assert [j.trial % 2 for j in jobs] == [0, 1] * len(alone)


def test_the_costliest_trials_of_a_rung_start_first_and_keep_their_numbers():
    ladder = sweep(5, 3)
    ladder.start_costliest_first([1.0, 4.0, 2.0, 4.0, 3.0])
    assert [job.trial for job in climb(ladder, lambda *_: 0.0)] == [1, 3, 4, 2, 0]


def test_both_arms_of_the_costliest_configuration_start_first():
    ladder = Arms([sweep(3, 3), sweep(3, 3)])
    ladder.start_costliest_first([1.0, 1.0, 3.0, 3.0, 2.0, 2.0])
    assert [job.trial for job in climb(ladder, lambda *_: 0.0)] == [2, 3, 4, 5, 0, 1]


def test_asha_trains_one_to_its_end_where_there_are_too_few_to_go_on_by_rank():
    jobs = climb(Asha(3, (1, 4, 9), 4), lambda trial, _: -trial)
    assert [(job.trial, job.until) for job in jobs[3:]] == [(2, 4), (2, 9)]
    assert [job.trial for job in climb(Asha(1, (1, 9), 4), lambda *_: 0.0)] == [0, 0]


def test_asha_tries_the_next_best_of_few_where_the_best_fails():
    jobs = climb(Asha(3, (1, 9), 4), lambda t, epoch: math.inf if (t, epoch) == (0, 9) else t)
    assert [(job.trial, job.until) for job in jobs[3:]] == [(0, 9), (1, 9)]


def test_asha_begins_its_trials_in_their_order_because_that_decides_who_goes_on():
    ladder = Asha(9, (1, 3, 9), 3)
    ladder.start_costliest_first([*range(9)])
    begun = [job.trial for job in climb(ladder, lambda trial, _: trial) if job.rung == 0]
    assert begun == [*range(9)]


def test_a_worker_that_would_wait_for_a_rung_begins_the_next_bracket():
    ladder = Halving(hyperband_brackets(Budget(17, 9)))
    first_rung = [ladder.next() for _ in range(9)]
    assert ladder.next() == Job(9, 3, 1, 0)
    for job in first_rung:
        ladder.tell(job.trial, 1, job.trial)
    assert ladder.next() == Job(0, 3, 0, 1), "the first bracket no longer waits"


def test_what_must_finish_goes_on_whatever_its_rank():
    ladder = Asha(9, (1, 3, 9), 3)
    ladder.must_finish(0)
    jobs = climb(ladder, lambda trial, _: -trial)
    assert jobs[:3] == [Job(0, 1, 0, 0), Job(0, 3, 0, 1), Job(0, 9, 0, 2)], "worst, and first"
    others = climb(Asha(9, (1, 3, 9), 3), lambda trial, _: -trial)
    assert {*others} <= {*jobs}, "it takes nobody's place"


def test_what_must_finish_and_fails_does_not_go_on():
    ladder = Asha(9, (1, 3, 9), 3)
    ladder.must_finish(0)
    assert ladder.owes
    jobs = climb(ladder, lambda trial, _: trial or math.nan)
    assert [job.until for job in jobs if job.trial == 0] == [1]
    assert not ladder.owes


def test_in_both_arms_a_configuration_finishes():
    ladder = Arms([Asha(4, (1, 9), 3), Asha(4, (1, 9), 3)])
    for trial in (0, 1):
        ladder.must_finish(trial)
    jobs = climb(ladder, lambda trial, _: -trial)
    assert {(0, 9), (1, 9)} <= {(job.trial, job.until) for job in jobs}


def test_brackets_have_no_room_for_what_must_finish():
    ladder = Halving(hyperband_brackets(Budget(9, 9)))
    ladder.must_finish(0)
    assert not ladder.owes
    jobs = climb(ladder, lambda trial, _: -trial)
    assert [job.until for job in jobs if job.trial == 0] == [1]


LADDERS = {
    "halving": lambda b: Halving(hyperband_brackets(b)),
    "asha": lambda b: Asha(b.num_samples, rungs(b), b.reduction_factor),
    "arms": lambda b: Arms([Asha(b.num_samples, rungs(b), b.reduction_factor) for _ in range(2)]),
}
budgets = st.builds(
    lambda n, low, more, eta: Budget(n, low + more, low, eta),
    st.integers(1, 60), st.integers(1, 5), st.integers(0, 80), st.integers(2, 5),
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(budgets, st.sampled_from(sorted(LADDERS)), st.integers(1, 7), st.integers())
def test_every_ladder_ends_whatever_arrives_in_whatever_order(budget, kind, concurrency, seed):
    shuffle = random.Random(seed)
    ladder = LADDERS[kind](budget)
    jobs = climb(
        ladder,
        lambda *_: shuffle.choice([shuffle.random(), math.nan, math.inf]),
        concurrency,
        shuffle,
    )
    assert ladder.done
    assert len({(j.trial, j.until) for j in jobs}) == len(jobs), "no job is handed out twice"
    arms = 2 if kind == "arms" else 1
    assert {j.trial for j in jobs} == set(range(budget.num_samples * arms)), "every trial begins"
    assert all(j.until <= budget.max_epochs for j in jobs)


@settings(max_examples=200, deadline=None)
@given(budgets, st.sampled_from(["halving", "asha"]), st.integers(0, 200), st.integers())
def test_a_ladder_that_is_told_again_goes_on_as_if_it_had_never_stopped(budget, kind, cut, seed):
    values = random.Random(seed)
    table = {}
    whole, resumed = LADDERS[kind](budget), LADDERS[kind](budget)
    costs = some_costs(budget, values)
    points = values.sample(range(budget.num_samples), values.randint(0, budget.num_samples))
    for ladder in (whole, resumed):
        ladder.start_costliest_first(costs)
        for trial in points:
            ladder.must_finish(trial)
    jobs = climb(whole, lambda *key: table.setdefault(key, values.random()))
    first = jobs[:cut]
    for job in first:
        resumed.tell(job.trial, job.until, table[job.trial, job.until])
    assert climb(resumed, lambda *key: table[key]) == jobs[cut:]


@settings(max_examples=300, deadline=None)
@given(budgets, st.integers(1, 7), st.integers())
def test_in_which_order_a_rung_starts_does_not_change_what_is_trained(budget, concurrency, seed):
    values, shuffle = random.Random(seed), random.Random(seed)
    table = {}
    loss = lambda *key: table.setdefault(key, values.choice([values.random(), 0.5, math.nan]))
    in_order = climb(Halving(hyperband_brackets(budget)), loss)
    reordered = Halving(hyperband_brackets(budget))
    reordered.start_costliest_first(some_costs(budget, shuffle))
    assert sorted(climb(reordered, loss, concurrency, shuffle)) == sorted(in_order)


def some_costs(budget, draw):
    """Of every trial; some are equal."""
    return [draw.choice([1.0, 2.0, draw.random()]) for _ in range(budget.num_samples)]


@settings(max_examples=200, deadline=None)
@given(budgets, st.integers(2, 7), st.integers())
def test_a_worker_of_asha_waits_only_when_every_trial_has_begun(budget, concurrency, seed):
    shuffle = random.Random(seed)
    ladder = LADDERS["asha"](budget)
    running, begun = [], set()
    while not ladder.done:
        while len(running) < concurrency and (job := ladder.next()):
            running.append(job)
            begun.add(job.trial)
        assert len(running) == concurrency or len(begun) == budget.num_samples
        job = running.pop(shuffle.randrange(len(running)))
        ladder.tell(job.trial, job.until, shuffle.random())


PLAIN = {
    "halving": lambda b, costs: plain_ladder.Halving(hyperband_brackets(b), costs),
    "asha": lambda b, costs: plain_ladder.Asha(b.num_samples, rungs(b), b.reduction_factor),
}


@settings(max_examples=300, deadline=None)
@given(budgets, st.sampled_from(sorted(PLAIN)), st.integers(1, 7), st.integers())
def test_every_choice_is_that_of_the_definition(budget, kind, concurrency, seed):
    """Also where losses tie, trials fail, and results of other epochs come, or the same twice."""
    shuffle = random.Random(seed)
    costs = some_costs(budget, shuffle)
    ladder, plain = LADDERS[kind](budget), PLAIN[kind](budget, costs)
    ladder.start_costliest_first(costs)
    for trial in shuffle.sample(
        range(budget.num_samples), shuffle.choice([0, 0, 1, 3]) % (budget.num_samples + 1)
    ):
        ladder.must_finish(trial)
        plain.must_finish.add(trial)
    running = []
    while True:
        assert ladder.done == plain.done
        while len(running) < concurrency and (job := plain.next()):
            assert ladder.next() == job
            running.append(job)
        assert len(running) == concurrency or ladder.next() is None
        if not running:
            return
        job = running.pop(shuffle.randrange(len(running)))
        told = [(job.trial, shuffle.randint(1, budget.max_epochs)), (job.trial, job.until)]
        for trial, epoch in told[shuffle.random() < 0.7 :]:
            loss = shuffle.choice([shuffle.random(), 0.5, math.nan])
            for each in (ladder, plain):
                each.tell(trial, epoch, loss)
        if job.trial in plain.running:
            running.append(job)
