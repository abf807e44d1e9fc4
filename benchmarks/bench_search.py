"""Replay searches on the recorded table: regret against epochs spent, in minutes.

The table's configurations are split in two halves, each with a surrogate of its own. Methods are
tuned on one; what is reported comes from the other, with other seeds.
"""

import os
import warnings
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd

from benchmarks.figures import replayed
from benchmarks.recorded import Recorded, read_table
from benchmarks.replay.believed import Spaces, spaces_of
from benchmarks.replay.climb import Spent, Trainer, climb
from benchmarks.replay.methods import METHODS
from benchmarks.replay.rivals import RIVALS, installed
from benchmarks.replay.surrogate import LEARNERS, Surrogate
from benchmarks.table_draws import near
from hypertuning.domains import Value
from hypertuning.search.sampler import Random
from hypertuning.spaces import Space

HALVES = ("tuning", "reporting")
CHUNK = 10
"""Studies that a process replays at a time."""
MARKS = (50, 100, 150, 207)
"""Numbers of epochs spent at which the table says the regret."""


class Problem(NamedTuple):
    spaces: Spaces
    max_epochs: int
    curves: Surrogate
    optimum: float
    """The least loss that any configuration reaches, as far as is known."""


def half_of(table: Recorded, half: str) -> Recorded:
    """Every other configuration, of those that have two seeds as of the rest."""
    wanted = HALVES.index(half)
    return table._replace(trials=[t for t in table.trials if t.number // 3 % 2 == wanted])


def problem_of(table: Recorded, half: str, learner: str = "process") -> Problem:
    """A half of the table; its good priors come from the other one."""
    other = HALVES[1 - HALVES.index(half)]
    space, trials, max_epochs = half_of(table, half)
    curves = Surrogate(space, trials, max_epochs, learner)
    optimum = _optimum(space, curves, [trial.values for trial in trials])
    return Problem(spaces_of(space, half_of(table, other).trials), max_epochs, curves, optimum)


def _optimum(space: Space, curves: Surrogate, known: list[dict[str, Value]]) -> float:
    """The least expected loss of those recorded, of 5,000 draws, and of 2,000 near the best."""
    random = Random(space, {}, seed=2**31)
    drawn = [random.propose(number).config.hyperparameters() for number in range(5000)]
    every = known + drawn
    losses = curves.all(every).min(axis=1)
    best = [every[place] for place in np.argsort(losses)[:50]]
    closer = [near(space, best, number).hyperparameters() for number in range(2000)]
    return min(losses.min(), curves.all(closer).min())


_problem: Problem | None = None
"""Of a worker process."""


def _begin(folder: Path, half: str, learner: str) -> None:
    global _problem
    warnings.simplefilter("ignore")  # hpbandster's and ConfigSpace's, about each other
    _problem = problem_of(read_table(folder), half, learner)


class Replayed(NamedTuple):
    """A method, a row for each seed."""

    regret: np.ndarray
    """(seeds, epochs): after each epoch; where it ended early, its last one is kept."""
    used: np.ndarray
    """(seeds,): the epochs that it took."""

    @classmethod
    def joined(cls, parts: Iterable["Replayed"]) -> "Replayed":
        return cls(*map(np.concatenate, zip(*parts, strict=True)))


def replay(method: str, seeds: range, epochs: int, workers: int) -> Replayed:
    """Replay a method with some seeds."""
    spaces, max_epochs, curves, optimum = _problem
    found, used = [], []
    for seed in seeds:
        trainer = Trainer(curves, seed, epochs)
        if method in RIVALS:
            with suppress(Spent):
                RIVALS[method](spaces, trainer, seed, max_epochs)
        else:
            climb(METHODS[method](spaces, seed, max_epochs, epochs), trainer, workers)
        found.append(trainer.whole())
        used.append(len(trainer.best))
    return Replayed(np.array(found) - optimum, np.array(used))


def summary(replays: dict[str, Replayed]) -> pd.DataFrame:
    """Mean regret and its standard error, by method and epochs spent."""
    return pd.concat(
        pd.DataFrame(
            {
                "method": method,
                "spent": np.arange(1, rows.shape[1] + 1),
                "mean": rows.mean(axis=0),
                "error": rows.std(axis=0, ddof=1) / np.sqrt(len(rows)),
                "seeds": len(rows),
                "used": used.mean(),
            }
        )
        for method, (rows, used) in replays.items()
    )


def told(rows: pd.DataFrame, epochs: int, beside: str = "asha") -> str:
    """A line for each method, the best at the end first."""
    marks = [mark for mark in (*MARKS[:-1], epochs) if mark <= epochs]
    at = rows[rows["spent"].isin(marks)]
    words = (at["mean"].map("{:.4f}".format) + " ± " + at["error"].map("{:.4f}".format)).rename("")
    table = at.assign(regret=words).pivot(index="method", columns="spent", values="regret")
    ends = rows[rows["spent"] == epochs].set_index("method")["mean"]
    if (rows["used"] < epochs).any():
        table["epochs used"] = rows.groupby("method")["used"].first().map("{:.0f}".format)
    if beside in ends:
        reached = rows[rows["mean"] <= ends[beside]].groupby("method")["spent"].min()
        table[f"as good as {beside} after"] = reached.map("{:.0f}".format)
    return table.loc[ends.sort_values().index].fillna("—").to_string()


@click.command()
@click.option("--table", "folder", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--half", type=click.Choice(HALVES), default="reporting")
@click.option("--learner", type=click.Choice(list(LEARNERS)), default="process",
              help="What gives the curves between the recorded ones.")  # fmt: skip
@click.option("--methods", default="", help="With commas; all of them by default.")
@click.option("--seeds", default=100)
@click.option("--epochs", default=207, help="That each method may spend.")
@click.option("--workers", default=1, help="Trials that a method trains at once.")
@click.option("--processes", default=os.cpu_count())
@click.option("--beside", multiple=True, type=click.Path(exists=True, path_type=Path),
              help="bench_search.csv of another run, to be told and drawn as well.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path))
def main(folder, half, learner, methods, seeds, epochs, workers, processes, beside, out) -> None:
    """Replay the methods; print and draw their regrets, and say how far the surrogate is off."""
    out.mkdir(parents=True, exist_ok=True)
    alone = installed() if workers == 1 else []  # rivals train one trial at a time
    names = methods.split(",") if methods else [*METHODS, *alone]
    first = 10_000 * HALVES.index(half)
    chunks = [range(n, min(n + CHUNK, first + seeds)) for n in range(first, first + seeds, CHUNK)]
    curves = Surrogate(*half_of(read_table(folder), half), learner)
    error = curves.error()
    print(f"between two seeds: {curves.seed_deviation():.3f}; the {learner}, cross-validated:")
    print(error.to_string(index=False, float_format="{:.3f}".format), flush=True)
    with ProcessPoolExecutor(
        processes, initializer=_begin, initargs=(folder, half, learner)
    ) as pool:
        jobs = {n: [pool.submit(replay, n, c, epochs, workers) for c in chunks] for n in names}
        replays = {}
        for name, parts in jobs.items():
            replays[name] = Replayed.joined(part.result() for part in parts)
            print(f"{name}: {replays[name].regret[:, -1].mean():.4f}", flush=True)
    others = [rows[~rows["method"].isin(names)] for rows in map(pd.read_csv, beside)]
    rows = pd.concat([summary(replays), *others], ignore_index=True)
    print(told(rows, epochs))
    error.to_csv(out / "surrogate.csv", index=False, float_format="%.5g")
    rows.to_csv(out / "bench_search.csv", index=False, float_format="%.5g")
    replayed(rows).savefig(out / "bench_search.png")


if __name__ == "__main__":
    main()
