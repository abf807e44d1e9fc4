"""Record what configurations of the bohb stage's space reach: the table for `bench_search`.

A round draws configurations from the space, and then others near the best tenth of all so far, so
that the table is dense where searches end. Every third configuration is trained with two seeds,
which shows the noise. All are trained for all epochs. Started again, the command goes on.

Trials train as they do in a stage (same code, space and split) but in plain processes: nothing is
stopped here and no result decides on a running trial, so Ray and MLflow would only add their start
and a second record.
"""

import json
import math
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import yaml

from benchmarks.recorded import MEASURED, SHEET, SPACE, Record, Trial
from hypertuning.config import Config, UserError, parse_config
from hypertuning.domains import Choice, Domain, Value
from hypertuning.search.ray_start import WORKER_ENVIRONMENT
from hypertuning.search.sampler import Random
from hypertuning.search.unit import from_unit, to_unit
from hypertuning.space_files import plain, read_space
from hypertuning.spaces import AUGMENT, FAMILIES, Space, acting, searched
from hypertuning.whole_file import write_whole

TWICE = 3
"""One configuration in so many is trained with a second seed."""
STEP, SWITCH = 0.15, 0.25
"""Near a configuration: the deviation of a number, as a share of its range, and the probability
that a choice is drawn anew."""


class Size(NamedTuple):
    """How many configurations a table has."""

    rounds: int
    drawn: int
    """From the space, in each round."""
    near: int
    """Near the best so far, in each round."""


class Asked(NamedTuple):
    """A trial to record."""

    number: int
    drawn: str
    seed: int
    config: Config


# what is recorded


def parts(space: Space, size: Size, trials: Sequence[Trial]) -> Iterator[list[Asked]]:
    """The trials of each part of each round; the next part may depend on what those reached.

    Args:
        trials: Those recorded so far; the caller adds to them between two parts.
    """
    for first in range(0, size.rounds * (size.drawn + size.near), size.drawn + size.near):
        last = first + size.drawn
        yield _twice("space", {n: drawn(space, n) for n in range(first, last)})
        centres = best_tenth([trial for trial in trials if trial.number < last])
        yield _twice("near", {n: near(space, centres, n) for n in range(last, last + size.near)})


def _twice(kind: str, configs: dict[int, Config]) -> list[Asked]:
    return [
        Asked(number, kind, seed, config.model_copy(update={"seed": seed}))
        for number, config in configs.items()
        for seed in range(1 + (number % TWICE == 0))
    ]


def drawn(space: Space, number: int) -> Config:
    return Random(space, {}, seed=0).propose(number).config


def best_tenth(trials: Sequence[Trial]) -> list[dict[str, Value]]:
    """The values of the best tenth of the configurations, by their first seed."""
    once = sorted((t for t in trials if t.seed == 0), key=lambda t: (t.best, t.number))
    return [trial.values for trial in once[: math.ceil(len(once) / 10)]]


def near(space: Space, centres: Sequence[dict[str, Value]], number: int) -> Config:
    """A configuration near one of the centres; what does not act there is drawn from the space.

    Raises:
        UserError: none of a thousand can be trained.
    """
    for attempt in range(1000):
        rng = np.random.default_rng((1, number, attempt))
        centre = centres[rng.integers(len(centres))]
        anywhere = {name: domain.sample(rng) for name, domain in searched(space).items()}
        values = {**anywhere, **centre}
        moved = {n: _moved(d, values[n], rng) for n, d in searched(space).items()}
        try:
            return parse_config(acting(space, {**space, **moved}))
        except UserError as error:
            refused = error
    raise UserError(f"nothing near the best configurations can be trained: {refused}")


def _moved(domain: Domain, value: Value, rng: np.random.Generator) -> Value:
    if isinstance(domain, Choice):
        return domain.sample(rng) if rng.random() < SWITCH else value
    place = to_unit(domain, value) + STEP * rng.standard_normal()
    return from_unit(domain, 1 - abs(1 - abs(place) % 2))  # reflected at both ends


# how


class Images(NamedTuple):
    cache: Path
    train_size: int
    val_size: int


_data = _hardware = None
"""The images of a worker process, and what it trains on."""


def _begin(images: Images, hardware: tuple[str, str]) -> None:
    global _data, _hardware
    import torch

    from hypertuning.learn.splits import load
    from hypertuning.learn.training import Hardware

    torch.set_num_threads(1)
    _hardware = Hardware.of(*hardware)
    _data = load(*images, split_seed=0)


def train(asked: Asked, max_epochs: int, names: Sequence[str]) -> Trial:
    """Train one configuration for all epochs, in a worker process."""
    from hypertuning.learn.training import Diverged, TrainState, fit

    state = TrainState.new(asked.config, _data, max_epochs, _hardware)
    epochs = []
    try:
        for row in fit(state, _data, max_epochs):
            epochs.append({name: asdict(row)[name] for name in MEASURED})
    except Diverged:
        epochs.append({**dict.fromkeys(MEASURED, math.nan), "val_loss": math.inf})
    given = asked.config.hyperparameters()
    values = {name: given[name] for name in names if name in given}
    return Trial(asked.number, asked.drawn, asked.seed, values, epochs)


class Workers:
    """Trains trials in parallel, and hands no more out after a time."""

    def __init__(
        self, processes: int, images: Images, hardware: tuple[str, str], seconds: float
    ) -> None:
        self.processes = processes
        self.ends = time.monotonic() + (seconds or math.inf)
        os.environ.update(WORKER_ENVIRONMENT)  # glibc reads it when a process starts
        self.pool = ProcessPoolExecutor(
            processes, multiprocessing.get_context("spawn"), _begin, (images, hardware)
        )

    @property
    def late(self) -> bool:
        return time.monotonic() > self.ends

    def trained(
        self, asked: Sequence[Asked], max_epochs: int, names: Sequence[str]
    ) -> Iterator[Trial]:
        """Each trial as it ends; those that would begin too late are left out."""
        left, running = list(asked), set[Future[Trial]]()
        while running or (left and not self.late):
            while left and not self.late and len(running) < self.processes:
                running.add(self.pool.submit(train, left.pop(0), max_epochs, names))
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ended)


def record(growing: Record, size: Size, workers: Workers) -> bool:
    """Record what the record lacks; whether it has all of it in the end."""
    names = list(searched(growing.space))
    total = size.rounds * (size.drawn + size.near)
    for part in parts(growing.space, size, growing.trials):
        known = {(trial.number, trial.seed) for trial in growing.trials}
        missing = [asked for asked in part if (asked.number, asked.seed) not in known]
        for trial in workers.trained(missing, growing.max_epochs, names):
            growing.append(trial)
            print(
                f"{_told(trial)}; {len(growing.trials)} trials, {total} configurations", flush=True
            )
        if workers.late:
            return False
    return True


def _told(trial: Trial) -> str:
    what = f"configuration {trial.number} ({trial.drawn}), seed {trial.seed}"
    return f"{what}: best val_loss {trial.best:.4f}"


# what is said of it


def described(space: Space, size: Size, max_epochs: int, images: Images) -> dict[str, object]:
    """What must stay the same while a table grows."""
    from hypertuning.learn.cache import read_meta

    meta, fixed = read_meta(images.cache), drawn(space, 0).hyperparameters()
    return {
        "dataset": meta["dataset"],
        "digest": meta["digest"],
        "train_size": images.train_size,
        "val_size": images.val_size,
        "split_seed": 0,
        "max_epochs": max_epochs,
        "space": plain(space),
        "fixed": {n: v for n, v in fixed.items() if n not in {*searched(space), "seed"}},
        "round": {"drawn": size.drawn, "near": size.near},
        "second_seed": f"for one configuration in {TWICE}",
        "near": f"the best tenth so far, numbers moved by a deviation of {STEP} of their range, "
        f"choices drawn anew with probability {SWITCH}",
        "columns": "losses in nats per image, accuracies as fractions, seconds of an epoch with "
        "its validation; one thread a trial; train_loss as the images passed",
    }


def open_record(folder: Path, space: Space, about: dict[str, object]) -> Record:
    """Begin the record of a folder, or go on with it.

    Raises:
        UserError: the folder has the trials of another space, of other images, ….
    """
    folder.mkdir(parents=True, exist_ok=True)
    sheet, sessions = folder / SHEET, []
    if sheet.exists():
        *_, (_, sessions) = before = json.loads(sheet.read_text()).items()
        other = [name for name, value in before if name in about and about[name] != value]
        if other:
            raise UserError(f"{folder} has trials with another {other[0]}; name another `--out`")
    write_whole(sheet, json.dumps({**about, "sessions": sessions}, indent=2) + "\n")
    write_whole(folder / SPACE, yaml.safe_dump(plain(space), sort_keys=False))
    return Record(folder, space, about["max_epochs"])


def close_record(record: Record, hardware: tuple[str, str]) -> None:
    """Write the table, and where and when this session recorded its part."""
    from hypertuning.learn.hardware import precision_of
    from hypertuning.tracking.provenance import provenance

    record.write_table()
    about = json.loads((record.folder / SHEET).read_text())
    here = {name: tag for name, tag in provenance().items() if name != "command"}  # it has paths
    session = {
        "ended": datetime.now(UTC).isoformat(timespec="minutes"),
        "trials": len(record.trials) - sum(session["trials"] for session in about["sessions"]),
        "device": hardware[0],
        "precision": precision_of(*hardware),
        **here,
    }
    about["sessions"].append(session)
    write_whole(record.folder / SHEET, json.dumps(about, indent=2) + "\n")


@click.command()
@click.option("--dataset", default="cifar10", help="As for a stage: cifar10, digits or a folder.")
@click.option("--data-dir", default="data", type=click.Path(path_type=Path))
@click.option("--train-size", default=5000)
@click.option("--val-size", default=2000)
@click.option("--family", type=click.Choice(list(FAMILIES)), default="recipe")
@click.option(
    "--space",
    "space_file",
    type=click.Path(exists=True, path_type=Path),
    help="As for a stage; changes or adds parameters of the family's space.",
)
@click.option("--max-epochs", default=9)
@click.option("--rounds", default=5, help="More of them go on from the table that is there.")
@click.option("--drawn", default=40, help="Configurations of a round, from the space.")
@click.option("--near", default=20, help="Configurations of a round, near the best so far.")
@click.option("--processes", default=os.cpu_count())
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto")
@click.option("--time-budget-s", default=0.0, help="Begin no trial after so many seconds.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The table's folder.")
def main(
    dataset,
    data_dir,
    train_size,
    val_size,
    family,
    space_file,
    max_epochs,
    rounds,
    drawn,
    near,
    processes,
    device,
    precision,
    time_budget_s,
    out,
) -> None:
    """Record the trials that the output folder lacks, then write its table and its data sheet."""
    from hypertuning.learn.data import prepare

    images = Images(prepare(dataset, data_dir), train_size, val_size)
    changes = read_space(space_file) if space_file else {}
    space = {"augment": AUGMENT[family], **FAMILIES[family], **changes}
    size = Size(rounds, drawn, near)
    growing = open_record(out, space, described(space, size, max_epochs, images))
    workers = Workers(processes, images, (device, precision), time_budget_s)
    try:
        done = record(growing, size, workers)
    finally:
        workers.pool.shutdown(cancel_futures=True)
        close_record(growing, (device, precision))
    left = "" if done else "; started again, the command goes on"
    print(f"{len(growing.trials)} trials in {out}{left}")


if __name__ == "__main__":
    main()
