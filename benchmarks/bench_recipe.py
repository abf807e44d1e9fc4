"""What each ingredient of the recipe brings: added, left out, or tried and not taken.

From the seed's CNN, STEPS are added in order until the whole recipe is there; then each of them is
left out of the whole; then what is in TRIED, and not in the recipe, is added to the whole. All rows
train as a stage does, on the same images, for as many epochs; their floating-point operations stand
beside their accuracy, because some ingredients cost more than others. Killed and started again, it
trains only what is missing.
"""

import hashlib
import math
import multiprocessing
import os
import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd

from benchmarks.figures import ablation
from hypertuning.config import Config
from hypertuning.geometry import training_flops
from hypertuning.search.ray_start import WORKER_ENVIRONMENT

SEED_CNN = {"num_conv_layers": 3, "filters": 64, "kernel_size": 3}
"""The CNN of the stage compare; everything else is at its default."""

STEPS: dict[str, dict[str, object]] = {
    "batch normalisation": {"batch_norm": True},
    "twice the filters behind the first block": {"filter_growth": 2.0},
    "two convolutions per block": {"convs_per_block": 2},
    "triangular schedule": {"lr_schedule": "triangle"},
    "Muon": {
        "optimizer": "muon", "momentum": 0.85, "nesterov": True, "learning_rate": 0.1,
        "decay_per_epoch": True, "weight_decay": 1.0, "batch_size": 250,
    },
    "crop of 2 pixels and flip": {"augment": "crop_flip", "crop_pixels": 2},
    "reflected borders": {"crop_border": "reflect"},
    "alternating flip": {"flip": "alternating"},
    "whitening": {"whitening": True},
    "GELU": {"activation": "gelu"},
    "identity initialisation": {"identity_init": True},
    "norms that learn biases alone": {"norm_bias_only": True, "norm_momentum": 0.4},
    "lookahead": {"lookahead": True},
    "global pool, one linear layer": {
        "global_pool": True, "num_fully_connected_layers": 1, "logit_scale": 0.11
    },
    "mirror and shift at test time": {"test_augment": "mirror_shift"},
}  # fmt: skip
"""From a plain CNN to `spaces.RECIPE`; numbers of airbench93 (Jordan, arXiv 2404.00498) but for
Muon's."""

TRIED: dict[str, dict[str, object]] = {
    "SGD with Nesterov momentum": {
        "optimizer": "sgd", "learning_rate": 0.375, "weight_decay": 0.6,
    },
    "8 times the rate for the norms' biases": {"norm_bias_rate": 8.0},
    "label smoothing of 0.2": {"label_smoothing": 0.2},
}  # fmt: skip
"""All are in airbench93, the second with a factor of 64."""


class Row(NamedTuple):
    part: str
    """added, left out, or tried."""
    name: str
    config: Config


def rows() -> Iterator[Row]:
    """The networks to compare; the last of those `added` is the whole recipe."""
    given = dict(SEED_CNN)
    yield Row("added", "the CNN of compare", Config(**given))
    for name, changes in STEPS.items():
        given |= changes
        yield Row("added", name, Config(**given))
    for name, changes in STEPS.items():
        kept = {n: value for n, value in given.items() if n not in changes}
        yield Row("left out", name, Config(**kept))
    for name, changes in TRIED.items():
        yield Row("tried", name, Config(**given | changes))


def train(
    cache: Path, sizes: tuple[int, int], epochs: int, device: str, precision: str, row: Row
) -> dict[str, object]:
    """Train a row to its end; what was measured, as a line of the table."""
    import torch

    from hypertuning.learn.splits import load
    from hypertuning.learn.training import Diverged, Hardware, TrainState, fit

    torch.set_num_threads(1)
    data = load(cache, *sizes, split_seed=0)
    state = TrainState.new(row.config, data, epochs, Hardware.of(device, precision))
    began = time.process_time()
    try:
        *_, last = fit(state, data, epochs)
        reached = {"val_loss": last.val_loss, "val_accuracy": last.val_accuracy}
    except Diverged:
        reached = {"val_loss": math.inf, "val_accuracy": 1 / len(data.classes)}
    return {
        **reached,
        "tflop": training_flops(row.config, len(data.classes)) * len(data.train) * epochs / 1e12,
        "cpu_seconds": time.process_time() - began,
    }


KEYS = ["part", "name", "seed", "config"]


def key(row: Row) -> tuple[str, str, int, str]:
    """What a line of the table is of; with a digest, because a name may get another network."""
    digest = hashlib.sha256(row.config.model_dump_json().encode()).hexdigest()
    return row.part, row.name, row.config.seed, digest[:12]


def measured_of(wanted: Iterable[Row], table: pd.DataFrame) -> pd.DataFrame:
    """The lines of these rows, without those of rows that once had the same name."""
    known = {key(row) for row in wanted}
    return table[[line in known for line in table[KEYS].itertuples(index=False, name=None)]]


def summary(measured: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds, in the order of `rows`, with the standard error."""
    by = measured.groupby(["part", "name"], sort=False)
    table = by.agg(
        val_loss=("val_loss", "mean"),
        val_accuracy=("val_accuracy", "mean"),
        error=("val_accuracy", "sem"),
        tflop=("tflop", "mean"),
        seeds=("seed", "count"),
    )
    order = [(row.part, row.name) for row in rows() if (row.part, row.name) in table.index]
    return table.loc[order].reset_index()


@click.command()
@click.option("--dataset", default="cifar10", help="As for a stage: cifar10, digits or a folder.")
@click.option("--data-dir", default="data", type=click.Path(path_type=Path))
@click.option("--train-size", default=10_000)
@click.option("--val-size", default=5000)
@click.option("--epochs", default=8)
@click.option("--filters", default=32, help="Of the first block; with half as many as the recipe "
              "has, a row costs a quarter.")  # fmt: skip
@click.option("--seeds", default=3)
@click.option("--only", default="", help="Train only rows that have this pattern in their part "
              "and name, as they are printed: 'left out|tried'.")  # fmt: skip
@click.option("--processes", default=os.cpu_count())
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu")
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), default="float32")
@click.option("--out", required=True, type=click.Path(path_type=Path))
def main(
    dataset, data_dir, train_size, val_size, epochs, filters, seeds, only, processes, device,
    precision, out,
) -> None:  # fmt: skip
    """Train what the table in the output folder lacks, then write its summary and figure."""
    from hypertuning.learn.data import prepare

    out.mkdir(parents=True, exist_ok=True)
    cache = prepare(dataset, data_dir)
    how = f"{train_size}-{val_size}-{filters}-{epochs}-{device}-{precision}"
    file = out / f"{cache.name}-{how}.csv"
    had = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=KEYS)
    trained = set(had[KEYS].itertuples(index=False, name=None))
    today = [
        row._replace(config=row.config.model_copy(update={"seed": seed, "filters": filters}))
        for seed in range(seeds)
        for row in rows()
    ]
    wanted = [
        row
        for row in today
        if re.search(only, f"{row.part}, {row.name}") and key(row) not in trained
    ]
    os.environ.update(WORKER_ENVIRONMENT)  # glibc reads it when a process starts
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        run = partial(train, cache, (train_size, val_size), epochs, device, precision)
        jobs = {pool.submit(run, row): row for row in wanted}
        for job in as_completed(jobs):
            row = jobs[job]
            line = dict(zip(KEYS, key(row), strict=True)) | job.result()
            pd.DataFrame([line]).to_csv(file, mode="a", index=False, header=not file.exists())
            print(f"{row.part}, {row.name}, seed {row.config.seed}: {line['val_accuracy']:.4f}",
                  flush=True)  # fmt: skip
    table = summary(measured_of(today, pd.read_csv(file)))
    print(table.to_string(index=False))
    figure = ablation(table, list(STEPS)[-1], f"{train_size:,} images, {epochs} epochs")
    figure.savefig(file.with_suffix(".png"))


if __name__ == "__main__":
    main()
