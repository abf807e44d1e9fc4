"""Compare BOHB with what it is made of and with its rivals on counting ones; draw the regrets."""

import os
import time
import warnings
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import click
import numpy as np
import pandas as pd

from benchmarks.counting_ones import MAX_UNITS, CountingOnes, incumbents
from benchmarks.figures import regrets


def run(method: str, n: int, seed: int, evaluations: int, file: Path) -> str:
    """Run one method once; write its regret after every `MAX_UNITS` units of budget."""
    from benchmarks.methods import METHODS

    warnings.simplefilter("ignore")  # hpbandster's and ConfigSpace's, about each other
    problem, started = CountingOnes(n, seed), time.perf_counter()
    METHODS[method](problem, seed, evaluations * MAX_UNITS)
    seconds = time.perf_counter() - started
    spent, regret = map(np.array, zip(*incumbents(problem.results), strict=True))
    marks = np.arange(1, evaluations + 1) * MAX_UNITS
    known = np.searchsorted(spent, marks, side="right") - 1
    values = np.where(known >= 0, regret[known], np.nan)
    rows = {"evaluations": marks // MAX_UNITS, "regret": values, "seconds": seconds}
    frame = pd.DataFrame({"method": method, "dimensions": 2 * n, "seed": seed, **rows})
    frame.to_csv(file.with_suffix(".unfinished"), index=False)
    os.replace(file.with_suffix(".unfinished"), file)
    return f"{file.stem}: {values[-1]:.4f} in {seconds:.0f} s"


def summary(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Mean regret and its standard error by method, dimensions and budget spent."""
    rows = pd.concat(frames)
    by = rows.groupby(["dimensions", "method", "evaluations"])
    return by["regret"].agg(mean="mean", error="sem", seeds="count").reset_index()


@click.command()
@click.option("--methods", default="", help="With commas; all of them by default.")
@click.option("--dimensions", default="8,16")
@click.option("--seeds", default=20)
@click.option("--evaluations", default=200, help="Budget of each run, in full evaluations.")
@click.option("--processes", default=os.cpu_count())
@click.option("--out", required=True, type=click.Path(path_type=Path), help="One CSV per run.")
def main(methods, dimensions, seeds, evaluations, processes, out) -> None:
    """Run what is not yet in the output folder; then print and draw all that is there."""
    from benchmarks.methods import METHODS

    out.mkdir(parents=True, exist_ok=True)
    wanted = [
        (method, int(d) // 2, seed, evaluations, out / f"{method}-{d}-{seed}-{evaluations}.csv")
        for seed in range(seeds)
        for d in dimensions.split(",")
        for method in (methods.split(",") if methods else METHODS)
    ]
    with ProcessPoolExecutor(processes) as pool:
        jobs = [pool.submit(run, *job) for job in wanted if not job[-1].exists()]
        for job in as_completed(jobs):
            print(job.result(), flush=True)
    table = summary(pd.read_csv(file) for file in sorted(out.glob(f"*-*-*-{evaluations}.csv")))
    print(table[table["evaluations"] == table["evaluations"].max()].to_string(index=False))
    table.to_csv(out / "counting-ones.csv", index=False, float_format="%.5g")
    regrets(table).savefig(out / "counting-ones.png")


if __name__ == "__main__":
    main()
