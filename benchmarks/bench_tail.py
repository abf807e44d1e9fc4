"""How long workers have nothing to do in a study: trials in their order, or the costliest first.

Nothing is trained: a job takes as long as its FLOPs at a given rate, and losses are drawn.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from pathlib import Path

import click
import numpy as np
import pandas as pd

from hypertuning.search.ladder import Job, Ladder
from hypertuning.search.work import work
from hypertuning.stages.study.planning import plan_of
from hypertuning.stages.study.searches import Search
from hypertuning.stages.table import STAGES

STUDIES: dict[str, tuple[str, dict]] = {
    "compare": ("compare", {}),
    "grid": ("grid", {}),
    "hyperband, asha, both arms": ("hyperband", {}),
    "hyperband, brackets": ("hyperband", {"strategy": "hyperband", "augment": "none"}),
    "bohb, random": ("bohb", {"family": "plain", "strategy": "random"}),
    "bohb, brackets": ("bohb", {"family": "plain", "strategy": "hyperband"}),
}
"""Stage and options that are not at their defaults; studies with a model are not reordered."""


def idle(ladder: Ladder, costs: list[float], workers: int, seed: int) -> tuple[float, float]:
    """Serve a ladder to its end; give how long it takes, and how long workers wait in all."""
    now, busy = 0.0, 0.0
    reached: dict[int, int] = {}
    running: list[tuple[float, Job]] = []
    while True:
        while len(running) < workers and (job := ladder.next()):
            seconds = costs[job.trial] * (job.until - reached.get(job.trial, 0))
            reached[job.trial], busy = job.until, busy + seconds
            heappush(running, (now + seconds, job))
        if not running:
            return now, workers * now - busy
        now, job = heappop(running)
        loss = np.random.default_rng((seed, job.trial, job.until)).random()
        ladder.tell(job.trial, job.until, loss)


def measure(search: Search, workers: int, seconds: float, seed: int) -> Iterator[dict]:
    """Args: seconds: Of a FLOP on every image of an epoch."""
    costs = [seconds * flops for flops in work(search.sampler, plan_of(search).trials, 10)]
    for order in ("in order", "costliest first"):
        ladder = search.ladder()
        ladder.start_costliest_first(costs if order == "costliest first" else ())
        took, waited = idle(ladder, costs, workers, seed)
        yield {"order": order, "workers": workers, "seconds": took, "idle_seconds": waited}


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--workers", default="2,4,8", help="With commas.")
@click.option("--seeds", default=20)
@click.option("--images", default=5000)
@click.option("--gflops", default=20.0, help="What a worker achieves in a second.")
def main(out: Path, workers: str, seeds: int, images: int, gflops: float) -> None:
    """Print, for each study, the mean over seeds, and what share of all workers' time is idle."""
    rows = [
        {"study": name, **row}
        for name, (stage, given) in STUDIES.items()
        for seed in range(seeds)
        for count in map(int, workers.split(","))
        for row in measure(
            STAGES[stage].search(STAGES[stage].options(seed=seed, **given)),
            count,
            images / gflops / 1e9,
            seed,
        )
    ]
    by = ["study", "workers", "order"]
    table = pd.DataFrame(rows).groupby(by, sort=False).mean().reset_index()
    table["idle_share"] = table["idle_seconds"] / (table["seconds"] * table["workers"])
    print(table.to_string(index=False, float_format="%.3g"))
    out.mkdir(parents=True, exist_ok=True)
    table.to_csv(out / "tail.csv", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
