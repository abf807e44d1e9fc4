"""Earlier trials → results that the model of another study can learn."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from hypertuning.domains import Value
from hypertuning.search.result import MISSING, Result
from hypertuning.search.sampler import Random
from hypertuning.spaces import acting, searched


class EarlierTrial(NamedTuple):
    """A trial of an earlier study."""

    config: Mapping[str, Value]
    losses: Mapping[int, float]
    """By epoch."""
    diverged: bool = False


class WarmStart(NamedTuple):
    results: tuple[Result, ...]
    placed: int
    """Trials that gave at least one result."""
    left_out: dict[str, int]
    """How many trials, by reason."""


def warm_start(
    studies: Sequence[Sequence[EarlierTrial]], random: Random, epochs: Sequence[int]
) -> WarmStart:
    """Place earlier trials in the space of a study that draws from `random`.

    Each curve is read at `epochs`, the rungs of the new study; other epochs are ignored.

    A parameter that only the new study searches is drawn at random for every trial: otherwise the
    model would take the value that all of them share for the best. A trial is left out if it
    differs in a value that the new study fixes, or lies outside its ranges.
    """
    opened = searched(random.space)
    results: list[Result] = []
    left_out, placed = Counter(), 0
    for number, study in enumerate(studies):
        constant = _constant(study)
        for index, trial in enumerate(study):
            known = {n: v for n, v in trial.config.items() if n in opened and n not in constant}
            losses = _read(trial, epochs)
            if reason := random.misfit(trial.config, known) or _unread(losses, epochs):
                left_out[reason] += 1
                continue
            rng = np.random.default_rng((random.seed, number, index, MISSING))
            values = {n: domain.sample(rng) for n, domain in opened.items()} | known
            there = acting(opened, values)
            results += [Result(there, epoch, loss) for epoch, loss in losses.items()]
            placed += 1
    return WarmStart(tuple(results), placed, dict(left_out))


def _constant(study: Sequence[EarlierTrial]) -> set[str]:
    """Hyperparameters that have one value in all trials of a study of several."""
    names = {name for trial in study for name in trial.config}
    values = {n: {t.config[n] for t in study if n in t.config} for n in names}
    return {n for n in names if len(values[n]) == 1 and len(study) > 1}


def _read(trial: EarlierTrial, epochs: Sequence[int]) -> dict[int, float]:
    """A trial's losses on the rungs; infinite on the first that it missed because it diverged."""
    losses = {epoch: trial.losses[epoch] for epoch in epochs if epoch in trial.losses}
    missed = [epoch for epoch in epochs if epoch > max(trial.losses, default=0)]
    return {**losses, **dict.fromkeys(missed[:1], math.inf)} if trial.diverged else losses


def _unread(losses: Mapping[int, float], epochs: Sequence[int]) -> str | None:
    return None if losses else f"no loss after {' or '.join(map(str, epochs))} epochs"
