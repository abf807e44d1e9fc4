"""A table from formulas, with the curves that networks have: for tests, and for trying things out.

The rate of learning follows from learning rate, momentum and batch size; too high a rate diverges.
Capacity lowers the floor and overfits sooner, against which dropout and weight decay help.
"""

import gzip
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml

from benchmarks.recorded import MEASURED, SPACE, TABLE, Trial, as_csv
from benchmarks.table_draws import best_tenth, drawn, near
from hypertuning.space_files import plain
from hypertuning.spaces import BOHB, Space, searched

START = math.log(10)


def curve(values: Mapping, epochs: int, rng: np.random.Generator | None = None) -> np.ndarray:
    """Validation losses (epochs,), with the noise of a seed if there is a generator."""
    momentum = values.get("momentum")
    rate = values["learning_rate"] * (1 if momentum is None else 0.08 / (1 - momentum))
    steps = 64 / values["batch_size"]
    best = math.log10(1e-3) - 0.25 * math.log10(steps)
    off = math.log10(rate) - best + (0.2 * rng.standard_normal() * 0.3 if rng else 0)
    if off > 1.25:
        return np.full(epochs, START + 0.02)
    width = math.log2(values["filters"] / 32) + 0.35 * math.log2(values["hidden_size"] / 64)
    floor = 1.42 - 0.055 * width + 0.18 * off**2 + (0.05 if momentum is not None else 0)
    floor -= 0.06 * (1 - abs(values["dropout"] - 0.35) / 0.35)
    floor += 0.02 * abs(math.log10(values["weight_decay"]) + 4)
    speed = 0.55 * steps**0.3 * 10 ** (-0.45 * abs(off) + 0.25 * off)
    passed = np.arange(1, epochs + 1)
    learnt = 1 - np.exp(-speed * passed**0.9)
    excess = np.maximum(0, speed * passed - 2.5 - 3 * values["dropout"] + 0.3 * width)
    losses = START - (START - floor) * learnt + 0.06 * excess
    if rng:
        losses += 0.012 * rng.standard_normal() + 0.05 * rng.standard_normal(epochs) * (1 + off**2)
    return losses


def trial(number: int, kind: str, seed: int, values: Mapping, epochs: int) -> Trial:
    losses = curve(values, epochs, np.random.default_rng((number, seed)))
    rows = [{**dict.fromkeys(MEASURED, 0.0), "val_loss": float(loss)} for loss in losses]
    return Trial(number, kind, seed, dict(values), rows)


def trials(configurations: int, epochs: int = 9, space: Space = BOHB) -> list[Trial]:
    """Two thirds drawn from the space, one third near the best; every third with two seeds."""
    made: list[Trial] = []
    for number in range(configurations):
        kind = "near" if number >= configurations * 2 / 3 else "space"
        config = near(space, best_tenth(made), number) if kind == "near" else drawn(space, number)
        given = config.hyperparameters()
        values = {name: given[name] for name in searched(space) if name in given}
        made += [trial(number, kind, s, values, epochs) for s in range(1 + (number % 3 == 0))]
    return made


def write(folder: Path, configurations: int, epochs: int = 9, space: Space = BOHB) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SPACE).write_text(yaml.safe_dump(plain(space), sort_keys=False))
    content = as_csv(trials(configurations, epochs, space), space)
    (folder / TABLE).write_bytes(gzip.compress(content.encode(), mtime=0))
