"""How much of a core's peak the training of a CNN uses, and what could make it faster.

The peak is that of a product of two large float32 matrices, measured beside every row. `shares`
gives the training FLOPs of an epoch, per second, as a share of it. The other parts are changes
beside what the project does, taken in turn with it: a ratio below 1 is that of a faster one.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import click
import pandas as pd
import torch
from torch import Tensor

from hypertuning.config import Config, parse_config
from hypertuning.geometry import IMAGE_SIZE, training_flops
from hypertuning.learn import augment, optimizers, training
from hypertuning.learn.data import prepare
from hypertuning.learn.splits import Splits, load, normalise
from hypertuning.learn.training import Hardware, TrainState

SIZE = 1024
"""Rows and columns of the matrices whose product gives the peak."""
ROUNDS = 5
IMAGES = {64: 512, 128: 768, 256: 1024, 512: 1536}
"""For an epoch, by batch size."""


def cnn(**values) -> Config:
    """The CNN of the stage compare, three convolutions and two linear layers, padded."""
    return parse_config({"num_conv_layers": 3, "padding": 1, **values})


def peak() -> float:
    """FLOP/s of a product of matrices, with the threads that PyTorch has."""
    left, right = torch.rand(2, SIZE, SIZE)
    left @ right
    seconds = min(seconds_of(lambda: left @ right) for _ in range(ROUNDS))
    return 2 * SIZE**3 / seconds


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turn(works: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median seconds of each, after one go that does not count."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            seconds = seconds_of(work)
            if number:
                taken[name].append(seconds)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def epoch_of(config: Config, data: Splits, precision: str = "float32") -> Callable[[], object]:
    """One more epoch of training, of a network made now."""
    state = TrainState.new(config, data, 1, Hardware.of("cpu", precision))
    return lambda: training._train_epoch(state, data)


def flops(config: Config) -> int:
    """Of training on one image, as they are done: nobody asks for the gradient of the image."""
    first = 3 * config.filters * config.kernel_size**2
    places = (IMAGE_SIZE + 2 * config.padding - config.kernel_size + 1) ** 2
    return training_flops(config, num_classes=10) - 2 * first * places


def of_size(data: Splits, images: int) -> Splits:
    return replace(data, train=replace(data.train, indices=data.train.indices[:images]))


def shares(data: Splits) -> Iterator[dict]:
    """The FLOPs of training per second, by network, batch and augmentation.

    A share is of the median of all peaks: a single one depends on what else the machine does.
    """
    rows = []
    for filters, kernel, batch in product((64, 128, 200), (2, 3), IMAGES):
        images = IMAGES[batch]
        for kind in ("none", "crop_flip"):
            config = cnn(filters=filters, kernel_size=kernel, batch_size=batch, augment=kind)
            work = epoch_of(config, of_size(data, images))
            seconds = in_turn({"epoch": work}, rounds=2)["epoch"]
            rate = flops(config) * images / seconds
            row = {"filters": filters, "kernel_size": kernel, "batch_size": batch, "augment": kind}
            rows.append(row | {"images_per_second": images / seconds, "rate": rate, "peak": peak()})
    whole = statistics.median(row["peak"] for row in rows)
    yield from (row | {"share": row["rate"] / whole} for row in rows)


def compared(what: str, works: dict[str, Callable[[], object]], **about) -> Iterator[dict]:
    """Rows of works that are taken in turn; ratios are to the first one."""
    taken = in_turn(works)
    first = next(iter(taken.values()))
    for way, seconds in taken.items():
        yield {"what": what, **about, "way": way, "seconds": seconds, "ratio": seconds / first}


def threads(data: Splits) -> Iterator[dict]:
    """A trial alone, on one core and on two."""

    def on(count: int, work: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            torch.set_num_threads(count)
            work()
            torch.set_num_threads(1)

        return run

    for filters, batch in product((64, 200), (64, 512)):
        config = cnn(filters=filters, kernel_size=3, batch_size=batch)
        work = epoch_of(config, of_size(data, IMAGES[batch]))
        ways = {f"{count} threads": on(count, work) for count in (1, 2)}
        yield from compared("threads", ways, filters=filters, batch_size=batch)


def precisions(data: Splits) -> Iterator[dict]:
    config = cnn(filters=64, kernel_size=3)
    ways = {kind: epoch_of(config, of_size(data, 512), kind) for kind in ("float32", "bfloat16")}
    yield from compared("precision", ways)


def evaluation(data: Splits) -> Iterator[dict]:
    """The validation images in batches of other sizes."""

    def by(size: int, state: TrainState) -> Callable[[], object]:
        def run() -> None:
            kept, training.EVALUATION_BATCH = training.EVALUATION_BATCH, size
            training.evaluate(state.model, data.val, data.mean, data.std)
            training.EVALUATION_BATCH = kept

        return run

    for filters in (64, 200):
        config = cnn(filters=filters, kernel_size=3)
        state = TrainState.new(config, data, 1, Hardware.of("cpu", "float32"))
        ways = {str(size): by(size, state) for size in (500, 50, 100, 250, 1000)}
        yield from compared("evaluation batch", ways, filters=filters)


def optimizer(data: Splits) -> Iterator[dict]:
    """A step of the optimizer alone, of a network with many weights."""

    def steps(**how) -> Callable[[], object]:
        config = cnn(filters=200, kernel_size=3, hidden_size=512)
        model = TrainState.new(config, data, 1, Hardware.of("cpu", "float32")).model
        for weight in model.parameters():
            weight.grad = torch.rand_like(weight)
        return optimizers.plain(torch.optim.Adam)(model.parameters(), **how).step

    ways = {"fused": {"fused": True}, "for each": {"foreach": True}, "loop": {"foreach": False}}
    yield from compared("optimizer step", {way: steps(**how) for way, how in ways.items()})


def denormals(data: Splits) -> Iterator[dict]:
    """Numbers next to zero counted as zero; after a few epochs, when there may be some."""
    kept, other = (epoch_of(cnn(filters=64, kernel_size=3), of_size(data, 512)) for _ in range(2))

    def flushed() -> None:
        torch.set_flush_denormal(True)
        other()
        torch.set_flush_denormal(False)

    for _ in range(3):
        kept()
        other()
    yield from compared("denormals", {"kept": kept, "flushed": flushed})


def pixels(data: Splits) -> Iterator[dict]:
    """What becomes of a batch before the network sees it; a training step of it beside."""
    batch = data.train.images[data.train.indices[:512]]
    mean, std = data.mean, data.std
    ready = normalise(data.train.images[data.train.indices], mean, std)
    order = torch.randperm(512)
    work = epoch_of(cnn(filters=64, kernel_size=3, batch_size=512), of_size(data, 512))
    ways = {
        "a step": work,
        "gather and normalise": lambda: normalise(batch[order], mean, std),
        "gather what was normalised once": lambda: ready[order],
        "crop": lambda: augment.crop(batch),
        "crop by index, without unfold": lambda: indexed_crop(batch),
        "flip": lambda: augment.flip(batch, torch.rand(len(batch)) < 0.5),
    }
    yield from compared("512 images", ways)


def indexed_crop(images: Tensor, by: int = 4) -> Tensor:
    """What `augment.crop` does, by indices of rows and columns."""
    batch, channels, size, _ = images.shape
    padded = torch.nn.functional.pad(images, [by] * 4)
    top, left = torch.randint(2 * by + 1, (2, batch))
    rows = (top[:, None] + torch.arange(size))[:, None, :, None]
    columns = (left[:, None] + torch.arange(size))[:, None, None, :]
    every = torch.arange(batch)[:, None, None, None], torch.arange(channels)[None, :, None, None]
    return padded[*every, rows, columns]


PARTS = {
    part.__name__: part
    for part in (shares, threads, precisions, evaluation, optimizer, denormals, pixels)
}


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--dataset", default="cifar10", help="As for a stage.")
@click.option("--data-dir", default="data", type=click.Path(path_type=Path))
@click.option("--parts", default=",".join(PARTS), help="With commas.")
def main(out: Path, dataset: str, data_dir: Path, parts: str) -> None:
    """Print and write one table for each part."""
    data = load(prepare(dataset, data_dir), train_size=2000, val_size=1000, split_seed=0)
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    for name in parts.split(","):
        rows = pd.DataFrame(PARTS[name](data))
        rows.to_csv(out / f"{name}.csv", index=False, float_format="%.4g")
        print(rows.to_string(index=False, float_format="%.4g"), flush=True)


if __name__ == "__main__":
    main()
