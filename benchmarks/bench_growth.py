"""How the time of a job, and what comes around a study, grow with the number of trials.

Three tables: the ladders alone, the proposals of the samplers alone, and whole studies under Ray,
with record and MLflow, whose trials compute their losses by a formula.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
import pandas as pd

from benchmarks import formula
from benchmarks.growth_study import STUDIES
from hypertuning.config import Budget, Config
from hypertuning.search.ladder import Arms, Ladder
from hypertuning.search.model_options import ModelOptions
from hypertuning.search.strategies import STRATEGIES
from hypertuning.spaces import BOHB

ROOT = Path(__file__).parents[1]
WORKERS = 4
"""Jobs under way at once, where the ladder is alone."""


def budget(trials: int) -> Budget:
    return Budget(num_samples=trials, max_epochs=9)


def climbed(ladder: Ladder) -> Iterator[float]:
    """Serve a ladder to its end, with losses by chance; yield after every job."""
    losses, running = np.random.default_rng(0), []
    while True:
        while len(running) < WORKERS and (job := ladder.next()):
            running.append(job)
        if not running:
            return
        job = running.pop(0)
        ladder.tell(job.trial, job.until, losses.random())
        yield time.perf_counter()


def ladders(sizes: list[int]) -> Iterator[dict]:
    """Milliseconds a job that a ladder takes, alone."""
    asha = STRATEGIES["asha"].ladder
    kinds: dict[str, Callable[[int], Ladder]] = {
        "random": lambda n: STRATEGIES["random"].ladder(budget(n)),
        "hyperband": lambda n: STRATEGIES["hyperband"].ladder(budget(n)),
        "asha": lambda n: asha(budget(n)),
        "asha, two arms": lambda n: Arms([asha(budget(n // 2)), asha(budget(n // 2))]),
    }
    for (kind, ladder), trials in itertools.product(kinds.items(), sizes):
        began = time.perf_counter()
        *_, last = times = list(climbed(ladder(trials)))
        yield {"ladder": kind, "trials": trials, "ms_per_job": 1000 * (last - began) / len(times)}


def samplers(sizes: list[int]) -> Iterator[dict]:
    """Milliseconds a proposal that a sampler takes, after so many results."""
    for strategy, results in itertools.product(("random", "bohb", "gp"), sizes):
        sampler = STRATEGIES[strategy].sampler(BOHB, {}, 0, ModelOptions())
        chance = STRATEGIES["random"].sampler(BOHB, {}, 1, ModelOptions())
        for trial in range(results):
            config: Config = chance.propose(trial).config
            sampler.observe(config, 9, formula.level(config.hyperparameters()))
        sampler.propose(results)  # fits a process, which it does again only after many results
        seconds = []
        for trial in range(results, results + 10):
            began = time.perf_counter()
            proposed = sampler.propose(trial)
            seconds.append(time.perf_counter() - began)
            sampler.observe(proposed.config, 9, formula.level(proposed.config.hyperparameters()))
        row = {"strategy": strategy, "results": results}
        yield row | {"ms_per_proposal": 1000 * float(np.mean(seconds))}


def studies(sizes: list[int], wanted: Sequence[str]) -> Iterator[dict]:
    """Whole studies, each in a process and a folder of its own."""
    for study, trials in itertools.product(wanted, sizes):
        with TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
                "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            }
            command = [sys.executable, "-m", "benchmarks.growth_study", study, str(trials)]
            with Path(folder, "log.txt").open("w") as log:
                done = subprocess.run(
                    command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log
                )
            if done.returncode:
                raise click.ClickException(Path(folder, "log.txt").read_text()[-3000:])
        row = json.loads(done.stdout)
        print(row, flush=True)
        yield row


SIZES = {
    "ladders": [64, 512, 4096, 32768, 100_000],
    "samplers": [64, 512, 4096],
    "studies": [64, 512, 4096],
}


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--parts", default=",".join(SIZES), help="With commas.")
@click.option("--studies", "wanted", default=",".join(STUDIES), help="With commas.")
@click.option("--most", default=100_000, help="Trials.")
def main(out: Path, parts: str, wanted: str, most: int) -> None:
    """Print and write one table for each part."""
    out.mkdir(parents=True, exist_ok=True)
    run = {
        "ladders": ladders,
        "samplers": samplers,
        "studies": lambda sizes: studies(sizes, wanted.split(",")),
    }
    for name in parts.split(","):
        rows = []
        for row in run[name]([size for size in SIZES[name] if size <= most]):
            rows.append(row)
            pd.DataFrame(rows).to_csv(out / f"{name}.csv", index=False, float_format="%.4g")
        print(pd.DataFrame(rows).to_string(index=False, float_format="%.4g"), flush=True)


if __name__ == "__main__":
    main()
