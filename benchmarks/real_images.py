"""Best validation loss against epochs spent, on real images: each method at equal epochs.

Every study runs alone in one process, one trial at a time, so that its order depends only on its
seed. Trials train as they do in a stage (same code, space, split); only Ray and MLflow are left
out. What two methods both train (the draws of random search are also ASHA's) is trained once and
counted twice.
"""

import hashlib
import itertools
import json
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd

from benchmarks.figures import anytime
from benchmarks.table_workers import Images
from hypertuning.config import Budget, Config, parse_config
from hypertuning.domains import Choice, Integer, Value
from hypertuning.search.halving import sweep
from hypertuning.search.ladder import Ladder
from hypertuning.search.model_options import PAPER
from hypertuning.search.ray_start import WORKER_ENVIRONMENT
from hypertuning.search.sampler import Listed, Proposal, Sampler
from hypertuning.search.strategies import STRATEGIES
from hypertuning.search.warm import EarlierTrial, warm_start
from hypertuning.spaces import AUGMENT, BOHB, RECIPE, Space, grid

MAX_EPOCHS = 9
SAMPLES = 51
EPOCHS = 207
"""What three rounds of Hyperband's brackets cost: the budget of every method."""


class Family(NamedTuple):
    """What is searched."""

    space: Space
    fixed: dict[str, Value]


FAMILIES = {
    "plain": Family({**BOHB, "filters": Integer(16, 64, log=True)}, {"augment": AUGMENT["plain"]}),
    "recipe": Family(
        {**RECIPE, "filters": Integer(16, 48, log=True)}, {"augment": AUGMENT["recipe"]}
    ),
}
"""The spaces of the stage with half their filters, so that an epoch costs a third as much."""

GRID = {
    "learning_rate": Choice((2.6e-4, 1.7e-3, 1.2e-2)),
    "optimizer": Choice(("adamw", "sgd")),
    "filters": Choice((23, 45)),
    "dropout": Choice((0.125, 0.375)),
    "weight_decay": 1e-4,
    "hidden_size": 181,
    "batch_size": 128,
}
"""The middles of equal cells of the ranges of `plain`; what has one value has the middle."""


SEEDS = 5
LOOKED_AT = 50, 100, EPOCHS
"""Epochs spent."""


class Study(NamedTuple):
    sampler: Sampler
    ladder: Ladder


Method = Callable[[Family, int, Path], Study]
"""From what is searched, a seed, and the folder with the studies so far."""


def strategy(name: str, num_samples: int) -> Method:
    """One of the project's own strategies."""

    def study(family: Family, seed: int, out: Path) -> Study:
        chosen = STRATEGIES[name]
        ladder = chosen.ladder(Budget(num_samples, MAX_EPOCHS))
        fixed = {**family.fixed, "seed": seed}
        return Study(chosen.sampler(family.space, fixed, seed, PAPER), ladder)

    return study


def shuffled_grid(family: Family, seed: int, out: Path) -> Study:
    """Every point of GRID to the end, in an order drawn by the seed, so that no list is lucky."""
    points = [Proposal(parse_config({**p, "seed": seed}), "grid") for p in grid(GRID)]
    np.random.default_rng(seed).shuffle(points)
    return Study(Listed(points), sweep(len(points), MAX_EPOCHS))


def warm_bohb(family: Family, seed: int, out: Path) -> Study:
    """BOHB that knows the results of the ASHA study with the next seed."""
    warm = strategy("bohb", SAMPLES)(family, seed, out)
    studied = sorted(int(file.stem.split("-")[1]) for file in out.glob("asha-*.csv"))
    another = next((s for s in studied if s > seed), studied[0])
    other = pd.read_csv(out / f"asha-{another}.csv")
    drawn = strategy("asha", EPOCHS)(family, another, out).sampler
    earlier = [
        EarlierTrial(
            drawn.propose(trial).config.hyperparameters(),
            dict(zip(curve["epoch"], curve["val_loss"], strict=True)),
        )
        for trial, curve in other.groupby("trial")
    ]
    warm.sampler.warm_start(warm_start([earlier], warm.sampler.random, (1, 3, 9)).results)
    return warm


METHODS: dict[str, Method] = {
    "random": strategy("random", EPOCHS),
    "asha": strategy("asha", EPOCHS),
    "grid": shuffled_grid,
    "bohb": strategy("bohb", SAMPLES),
    "bohb_warm": warm_bohb,
    "gp": strategy("gp", EPOCHS),
}


class Trainer:
    """Trains configurations on real images, and remembers on disk what it has trained."""

    def __init__(self, images: Images, hardware: tuple[str, str], folder: Path) -> None:
        import torch

        from hypertuning.learn.splits import load
        from hypertuning.learn.training import Hardware

        torch.set_num_threads(1)
        self.data = load(*images, split_seed=0)
        self.hardware = Hardware.of(*hardware)
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def curve(self, config: Config, epochs: int) -> list[tuple[float, float]]:
        """(val_loss, val_accuracy) of each epoch; fewer where it diverged."""
        from hypertuning.learn import checkpoint
        from hypertuning.learn.training import Diverged, TrainState, fit

        text = json.dumps(config.hyperparameters(), sort_keys=True)
        file = self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.pt"
        state = checkpoint.load(file, config, self.data, self.hardware) or TrainState.new(
            config, self.data, MAX_EPOCHS, self.hardware
        )
        try:
            for _ in fit(state, self.data, epochs):
                checkpoint.save(state, file)
        except Diverged:
            pass
        return [(row.val_loss, row.val_accuracy) for row in state.rows[:epochs]]


def climb(study: Study, trainer: Trainer) -> Iterator[dict]:
    """Run a study and give a row per epoch, also for those that a diverged trial did not reach."""
    proposals: dict[int, Proposal] = {}
    reached: dict[int, int] = {}
    while job := study.ladder.next():
        if job.trial not in proposals:
            proposals[job.trial] = study.sampler.propose(job.trial)
        config, sampler = proposals[job.trial][:2]
        curve = trainer.curve(config, job.until)
        for epoch in range(reached.get(job.trial, 0) + 1, job.until + 1):
            loss, accuracy = curve[epoch - 1] if epoch <= len(curve) else (math.inf, 0.0)
            yield {
                "trial": job.trial,
                "sampler": sampler,
                "epoch": epoch,
                "val_loss": loss,
                "val_accuracy": accuracy,
            }
        reached[job.trial] = job.until
        loss = curve[job.until - 1][0] if len(curve) >= job.until else math.inf
        study.ladder.tell(job.trial, job.until, loss)
        study.sampler.observe(config, job.until, loss)


def run_study(method: str, family: Family, seed: int, trainer: Trainer, out: Path) -> None:
    """Run one study of EPOCHS epochs and write its rows, whole or not at all."""
    file = out / f"{method}-{seed}.csv"
    if file.exists():
        return
    study = METHODS[method](family, seed, out)
    frame = pd.DataFrame(itertools.islice(climb(study, trainer), EPOCHS))
    frame.insert(0, "spent", range(1, len(frame) + 1))
    frame.insert(0, "seed", seed)
    frame.insert(0, "method", method)
    frame.to_csv(file.with_suffix(".unfinished"), index=False)
    os.replace(file.with_suffix(".unfinished"), file)
    print(f"{method} seed {seed}: best {frame['val_loss'].min():.4f}", flush=True)


def run_seed(
    methods: list[str],
    family: Family,
    seed: int,
    images: Images,
    hardware: tuple[str, str],
    out: Path,
) -> None:
    """All methods with one seed, one after the other, because they share trained configurations."""
    trainer = Trainer(images, hardware, out / "trained" / str(seed))
    for method in methods:
        run_study(method, family, seed, trainer, out)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds of the best loss so far, with its standard error, by epochs spent."""
    best = rows.groupby(["method", "seed"])["val_loss"].cummin()
    by = rows.assign(best=best).groupby(["method", "spent"])["best"]
    return by.agg(mean="mean", error="sem", seeds="count").reset_index()


def differences(rows: pd.DataFrame, spent: int) -> pd.DataFrame:
    """How much higher the best loss of the other methods is than that of the first, after so many
    epochs: mean over the seeds that both have, and its standard error."""
    until = rows[rows["spent"] <= spent]
    best = until.groupby(["seed", "method"], sort=False)["val_loss"].min().unstack()
    others = best[best.columns[1:]].sub(best[best.columns[0]], axis="index")
    table = others.agg(["mean", "sem", "count"]).T.rename_axis("method").reset_index()
    table.insert(0, "spent", spent)
    return table


@click.command()
@click.option("--dataset", default="cifar10", help="As for a stage: cifar10, digits or a folder.")
@click.option("--data-dir", default="data", type=click.Path(path_type=Path))
@click.option("--train-size", default=5000)
@click.option("--val-size", default=2000)
@click.option("--family", default="plain", type=click.Choice(list(FAMILIES)))
@click.option("--methods", default="", help="With commas; by default all that the family has.")
@click.option("--seeds", default=SEEDS)
@click.option("--processes", default=os.cpu_count())
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A study: one CSV.")
def main(
    dataset, data_dir, train_size, val_size, family, methods, seeds, processes, device, precision,
    out,
) -> None:  # fmt: skip
    """Run what is not yet in the output folder; broken off, it goes on where it was."""
    from hypertuning.learn.data import prepare

    known = [method for method in METHODS if family == "plain" or method != "grid"]
    methods = methods or ",".join(known)
    if wrong := set(methods.split(",")) - set(known):
        raise click.UsageError(f"--methods: {', '.join(wrong)}; there are {', '.join(known)}")
    images = Images(prepare(dataset, data_dir), train_size, val_size)
    out = out / f"{images.cache.name}-{family}-{train_size}-{val_size}-{device}-{precision}"
    out.mkdir(parents=True, exist_ok=True)
    os.environ.update(WORKER_ENVIRONMENT)  # glibc reads it when a process starts
    processes_of = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=processes_of) as pool:
        # a warm start reads what another seed's study has left
        warm = [method for method in methods.split(",") if method == "bohb_warm"]
        for wanted in ([m for m in methods.split(",") if m not in warm], warm):
            jobs = [
                pool.submit(
                    run_seed, wanted, FAMILIES[family], seed, images, (device, precision), out
                )
                for seed in range(seeds)
            ]
            for job in jobs:
                job.result()
    rows = pd.concat(
        pd.read_csv(file)
        for method in methods.split(",")
        for file in sorted(out.glob(f"{method}-*.csv"))
    )
    table = summary(rows)
    print(table[table["spent"].isin(LOOKED_AT)].to_string(index=False))
    print(f"\nhigher than {methods.split(',')[0]}, same seeds:")
    print(pd.concat(differences(rows, spent) for spent in LOOKED_AT).to_string(index=False))
    table.to_csv(out / "real_images.csv", index=False, float_format="%.5g")
    anytime(table).savefig(out / "real_images.png")


if __name__ == "__main__":
    main()
