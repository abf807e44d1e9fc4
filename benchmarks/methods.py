"""How each method drives counting ones: ours, its parts, and the rivals as they come.

Every method runs one point at a time unless it says otherwise, until the budget is spent.
"""

import itertools
import logging
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
from scipy.special import ndtr, ndtri

from benchmarks.counting_ones import MAX_UNITS, REDUCTION_FACTOR, CountingOnes, Point
from hypertuning.config import Budget
from hypertuning.search.bohb import PAPER, Bohb, ModelOptions, configuration_space
from hypertuning.search.brackets import hyperband_brackets
from hypertuning.search.halving import Halving, sweep
from hypertuning.search.ladder import Ladder
from hypertuning.search.sampler import Random, Sampler

Method = Callable[[CountingOnes, int, int], None]
"""(problem, seed, units of budget to spend)"""


class Spent(Exception):
    """The budget is spent."""


def climb(problem: CountingOnes, ladder: Ladder, sampler: Sampler, budget: int) -> None:
    """Run one of the project's own searches."""
    points: dict[int, Point] = {}
    reached: dict[int, int] = {}
    while problem.spent < budget and (job := ladder.next()):
        if job.trial not in points:
            points[job.trial] = sampler.propose(job.trial).config
        point = points[job.trial]
        loss = problem.evaluate(point.values, job.until, reached.get(job.trial, 0))
        reached[job.trial] = job.until
        ladder.tell(job.trial, job.until, loss)
        sampler.observe(point, job.until, loss)


def endless_brackets(budget: int) -> Halving:
    return Halving(hyperband_brackets(Budget(budget, MAX_UNITS)))


def bohb(options: ModelOptions = PAPER) -> Method:
    def method(problem: CountingOnes, seed: int, budget: int) -> None:
        sampler = Bohb(problem.space(), {}, seed, options, Point)
        climb(problem, endless_brackets(budget), sampler, budget)

    return method


def hyperband(problem: CountingOnes, seed: int, budget: int) -> None:
    climb(problem, endless_brackets(budget), Random(problem.space(), {}, seed, Point), budget)


def random_search(problem: CountingOnes, seed: int, budget: int) -> None:
    ladder = sweep(budget // MAX_UNITS, MAX_UNITS)
    climb(problem, ladder, Random(problem.space(), {}, seed, Point), budget)


def hpbandster(problem: CountingOnes, seed: int, budget: int) -> None:
    """HpBandSter's generator and SuccessiveHalving in the loop of its optimizers.bohb."""
    from hpbandster.optimizers.iterations import SuccessiveHalving

    logging.getLogger("hpbandster").setLevel(logging.ERROR)
    generator = _hpbandster_generator(problem, seed)
    rungs = 5
    reached: dict[tuple, int] = {}
    for number in itertools.count():
        s = rungs - 1 - number % rungs
        n0 = int(np.floor(rungs / (s + 1)) * REDUCTION_FACTOR**s)
        sizes = [max(int(n0 * REDUCTION_FACTOR**-i), 1) for i in range(s + 1)]
        budgets = [MAX_UNITS / REDUCTION_FACTOR**i for i in range(s, -1, -1)]
        halving = SuccessiveHalving(number, sizes, budgets, generator.get_config)
        while not halving.is_finished:
            if problem.spent >= budget:
                return
            if (run := halving.get_next_run()) is None:
                break
            identity, config, units = run
            loss = problem.evaluate(config, round(units), reached.get(identity, 0))
            reached[identity] = round(units)
            job = SimpleNamespace(
                id=identity,
                kwargs={"config": config, "budget": units},
                result={"loss": loss, "info": {}},
                timestamps={},
                exception=None,
            )
            halving.register_result(job)
            generator.new_result(job)


def ray_pair(concurrency: int) -> Method:
    """Ray's TuneBOHB with HyperBandForBOHB, called as TuneController calls them."""

    def method(problem: CountingOnes, seed: int, budget: int) -> None:
        from benchmarks.ray_pair import run

        paid: dict[str, int] = {}

        def evaluate(trial: str, config: dict, units: int) -> float:
            if problem.spent >= budget:
                raise Spent
            already, paid[trial] = paid.get(trial, 0), units
            return problem.evaluate(config, units, already)

        logging.getLogger("hpbandster").setLevel(logging.ERROR)
        _fast_truncated_normal()
        with suppress(Spent):
            run(evaluate, configuration_space(problem.space()), seed, concurrency, MAX_UNITS)

    return method


def optuna_tpe(problem: CountingOnes, seed: int, budget: int) -> None:
    """Optuna's TPE, as it comes, with its HyperbandPruner."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        study_name="counting ones",  # the pruner allots brackets by a hash of it
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(1, MAX_UNITS, REDUCTION_FACTOR),
    )
    while problem.spent < budget:
        trial = study.ask()
        values = {
            name: trial.suggest_categorical(name, [0, 1])
            if name.startswith("binary")
            else trial.suggest_float(name, 0, 1)
            for name in problem.space()
        }
        already, state = 0, optuna.trial.TrialState.COMPLETE
        for units in (1, 3, 9, 27, 81):
            loss = problem.evaluate(values, units, already)
            already = units
            trial.report(loss, units)
            if units < MAX_UNITS and trial.should_prune():
                state = optuna.trial.TrialState.PRUNED
                break
        study.tell(trial, loss if state == optuna.trial.TrialState.COMPLETE else None, state)


METHODS: dict[str, Method] = {
    "random": random_search,
    "hyperband": hyperband,
    "bohb": bohb(),
    "bohb_less_random": bohb(ModelOptions(random_fraction=0.1)),
    "hpbandster": hpbandster,
    "ray_1": ray_pair(1),
    "ray_4": ray_pair(4),
    "optuna_tpe": optuna_tpe,
}


def _hpbandster_generator(problem: CountingOnes, seed: int):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from hpbandster.optimizers.config_generators.bohb import BOHB

        _fast_truncated_normal()
        space = configuration_space(problem.space())
        space.seed(seed)
        np.random.seed(seed)
        return BOHB(space)


def _fast_truncated_normal() -> None:
    """Give hpbandster scipy's truncated normal at a twentieth of its price.

    It draws one number at a time, for which scipy takes 0.2 ms: two thirds of a proposal. The
    distribution is the same (the benchmark's tests compare them).
    """
    from hpbandster.optimizers.config_generators import bohb as module

    module.sps = SimpleNamespace(truncnorm=SimpleNamespace(rvs=truncated_normal))


def truncated_normal(a: float, b: float, loc: float, scale: float) -> float:
    low, high = ndtr(a), ndtr(b)
    return loc + scale * ndtri(low + np.random.rand() * (high - low))
