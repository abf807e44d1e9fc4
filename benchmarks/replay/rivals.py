"""Rivals as their libraries have them, one trial at a time, in the loop that each library has.

Optuna, HpBandSter and Ray are in the project's environment. SMAC, Syne Tune and NePS are not:
install them elsewhere, and they are replayed if they can be imported. A parameter that acts only
beside another one's value is always searched where a library knows no conditions, and dropped where
it is idle.
"""

import importlib.util
import logging
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from benchmarks.replay.believed import Spaces
from benchmarks.replay.climb import Trainer
from hypertuning.domains import Choice, Float, Integer, Value
from hypertuning.search.bohb import configuration_space
from hypertuning.spaces import Space, acting, searched

Rival = Callable[[Spaces, Trainer, int, int], None]
"""(spaces, trainer, seed, largest number of epochs of a trial): goes on until `Spent` is raised."""
REDUCTION_FACTOR = 3


def optuna(name: str, spaces: Spaces, trainer: Trainer, seed: int, max_epochs: int) -> None:
    """A sampler of Optuna's with HyperbandPruner."""
    import optuna

    space = spaces.plain
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruned, complete = optuna.trial.TrialState.PRUNED, optuna.trial.TrialState.COMPLETE
    study = optuna.create_study(
        study_name="replay",  # the pruner allots brackets by a hash of it
        sampler=getattr(optuna.samplers, name)(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(1, max_epochs, REDUCTION_FACTOR),
    )
    while True:
        trial = study.ask()
        number = trainer.begin(_acting(space, _suggested(space, trial)))
        for epoch in range(1, max_epochs + 1):
            loss = float(trainer.epoch(number)[-1])
            trial.report(loss, epoch)
            if epoch < max_epochs and trial.should_prune():
                study.tell(trial, state=pruned)
                break
        else:
            study.tell(trial, loss, complete)


def _suggested(space: Space, trial) -> dict[str, Value]:
    def value(name: str, domain) -> Value:
        if isinstance(domain, Choice):
            return trial.suggest_categorical(name, domain.values)
        suggest = trial.suggest_float if isinstance(domain, Float) else trial.suggest_int
        return suggest(name, domain.low, domain.high, log=domain.log)

    return {name: value(name, domain) for name, domain in searched(space).items()}


def _acting(space: Space, values: Mapping[str, Value]) -> dict[str, Value]:
    return acting(space, {**space, **values})


def hpbandster(spaces: Spaces, trainer: Trainer, seed: int, max_epochs: int) -> None:
    """HpBandSter's generator and SuccessiveHalving in the loop of its optimizers.bohb."""
    from hpbandster.optimizers.config_generators.bohb import BOHB
    from hpbandster.optimizers.iterations import SuccessiveHalving

    logging.getLogger("hpbandster").setLevel(logging.ERROR)
    space = spaces.plain
    configurations = configuration_space(searched(space))
    configurations.seed(seed)
    np.random.seed(seed)
    generator, numbers = BOHB(configurations), {}
    rungs = 1 + int(np.log(max_epochs) / np.log(REDUCTION_FACTOR) + 1e-9)
    for iteration in range(10**6):
        s = rungs - 1 - iteration % rungs
        n0 = int(np.floor(rungs / (s + 1)) * REDUCTION_FACTOR**s)
        sizes = [max(int(n0 * REDUCTION_FACTOR**-i), 1) for i in range(s + 1)]
        budgets = [max_epochs / REDUCTION_FACTOR**i for i in range(s, -1, -1)]
        halving = SuccessiveHalving(iteration, sizes, budgets, generator.get_config)
        while not halving.is_finished and (run := halving.get_next_run()) is not None:
            identity, config, budget = run
            if identity not in numbers:
                numbers[identity] = trainer.begin(_acting(space, _plain(space, config)))
            loss = float(trainer.until(numbers[identity], round(budget))[-1])
            job = SimpleNamespace(
                id=identity,
                kwargs={"config": config, "budget": budget},
                result={"loss": loss, "info": {}},
                timestamps={},
                exception=None,
            )
            halving.register_result(job)
            generator.new_result(job)


def ray_pair(spaces: Spaces, trainer: Trainer, seed: int, max_epochs: int) -> None:
    """Ray's TuneBOHB with HyperBandForBOHB, called as TuneController calls them."""
    from benchmarks.ray_pair import run

    logging.getLogger("hpbandster").setLevel(logging.ERROR)
    space, numbers = spaces.plain, {}

    def evaluate(trial: str, config: dict, epochs: int) -> float:
        if trial not in numbers:
            numbers[trial] = trainer.begin(_acting(space, _plain(space, config)))
        return float(trainer.until(numbers[trial], epochs)[-1])

    run(evaluate, configuration_space(searched(space)), seed, 1, max_epochs)


def _plain(space: Space, config: Mapping[str, object]) -> dict[str, Value]:
    """The space's own values: ConfigSpace gives choices as numpy strings."""

    def value(domain, given) -> Value:
        if isinstance(domain, Choice):
            return next(v for v in domain.values if str(v) == str(given))
        return float(given) if isinstance(domain, Float) else int(given)

    return {n: value(d, config[n]) for n, d in searched(space).items() if n in config}


def smac(spaces: Spaces, trainer: Trainer, seed: int, max_epochs: int) -> None:
    """SMAC's multi-fidelity facade: Hyperband with a random forest, asked and told."""
    from smac import MultiFidelityFacade, Scenario
    from smac.runhistory.dataclasses import TrialValue

    logging.disable(logging.WARNING)
    space = spaces.plain
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(
            configuration_space(searched(space)),
            deterministic=True,
            n_trials=10**5,
            min_budget=1,
            max_budget=max_epochs,
            seed=seed,
            output_directory=Path(folder),
        )
        intensifier = MultiFidelityFacade.get_intensifier(scenario, eta=REDUCTION_FACTOR)
        facade = MultiFidelityFacade(
            scenario, lambda config, seed, budget: 0.0, intensifier=intensifier, overwrite=True
        )
        numbers: dict[object, int] = {}
        while True:
            asked = facade.ask()
            if asked.config not in numbers:
                given = _plain(space, dict(asked.config))
                numbers[asked.config] = trainer.begin(_acting(space, given))
            losses = trainer.until(numbers[asked.config], round(asked.budget))
            facade.tell(asked, TrialValue(cost=float(losses[-1])))


def syne_tune(name: str, spaces: Spaces, trainer: Trainer, seed: int, max_epochs: int) -> None:
    """A scheduler of Syne Tune's, told every epoch."""
    from syne_tune import config_space
    from syne_tune.backend.trial_status import Trial
    from syne_tune.optimizer import baselines

    space = spaces.plain

    def projected(domain):
        if isinstance(domain, Choice):
            return config_space.choice(list(domain.values))
        kinds = (
            ("uniform", "loguniform") if isinstance(domain, Float) else ("randint", "lograndint")
        )
        return getattr(config_space, kinds[domain.log])(domain.low, domain.high)

    scheduler = getattr(baselines, name)(
        {name: projected(domain) for name, domain in searched(space).items()},
        metric="loss",
        time_attr="epoch",
        max_t=max_epochs,
        random_seed=seed,
        reduction_factor=REDUCTION_FACTOR,
    )
    while True:
        suggested = scheduler.suggest().config
        number = trainer.begin(_acting(space, suggested))
        trial = Trial(number, suggested, datetime.now())
        scheduler.on_trial_add(trial)
        for epoch in range(1, max_epochs + 1):
            result = {"loss": float(trainer.epoch(number)[-1]), "epoch": epoch}
            if epoch == max_epochs:
                scheduler.on_trial_complete(trial, result)
            elif scheduler.on_trial_result(trial, result) != "CONTINUE":
                break


def neps_priorband(spaces: Spaces, trainer: Trainer, seed: int, max_epochs: int) -> None:
    """NePS' PriorBand with good priors, asked and told.

    Whole numbers are its floats, rounded: on a logarithmic scale, its integers took the ends alone.
    """
    import random

    import neps
    import torch

    def projected(domain):
        if isinstance(domain, Choice):
            return neps.Categorical(domain.values, domain.values.index(domain.prior), "medium")
        return neps.Float(domain.low, domain.high, domain.log, None, domain.prior, "medium")

    for start in (random.seed, np.random.seed, torch.manual_seed):
        start(seed)
    logging.disable(logging.WARNING)
    space = spaces.good
    domains = searched(space)
    attributes = {name: projected(domain) for name, domain in domains.items()}
    attributes["epochs"] = neps.IntegerFidelity(1, max_epochs)
    optimizer = neps.AskAndTell(
        neps.algorithms.priorband(
            type("Searched", (neps.PipelineSpace,), attributes)(), eta=REDUCTION_FACTOR
        )
    )
    numbers: dict[str, int] = {}
    while True:
        asked = optimizer.ask()
        identity, before = asked.metadata.id, asked.metadata.previous_trial_id
        given = {
            name: round(asked.config[name]) if isinstance(domain, Integer) else asked.config[name]
            for name, domain in domains.items()
        }
        numbers[identity] = numbers[before] if before else trainer.begin(_acting(space, given))
        losses = trainer.until(numbers[identity], asked.config["epochs"])
        optimizer.tell(asked, float(losses[-1]))


RIVALS: dict[str, Rival] = {
    "optuna_tpe": partial(optuna, "TPESampler"),
    "optuna_gp": partial(optuna, "GPSampler"),
    "hpbandster": hpbandster,
    "ray_1": ray_pair,
    "smac": smac,
    "syne_tune_cqr": partial(syne_tune, "ASHACQR"),
    "syne_tune_bore": partial(syne_tune, "ASHABORE"),
    "neps_priorband": neps_priorband,
}
_NEEDED = {
    "smac": "smac",
    "syne_tune_cqr": "syne_tune",
    "syne_tune_bore": "syne_tune",
    "neps_priorband": "neps",
}


def installed() -> list[str]:
    """The rivals whose libraries are in this environment."""
    return [n for n in RIVALS if n not in _NEEDED or importlib.util.find_spec(_NEEDED[n])]
