"""The images of a trial: prepared once, split the same way every time, handed out in batches."""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hypertuning.config import UserError
from hypertuning.learn import cache as cached
from hypertuning.learn import download
from hypertuning.learn.download import MIRRORS
from hypertuning.learn.sources import find_source

SHOWN_CLASSES = 10
"""Classes that an error lists."""

log = logging.getLogger(__name__)


def prepare(dataset: str, data_dir: Path, mirrors: Sequence[str] = MIRRORS) -> Path:
    """Download and decode a data set unless that is done already; return its cache folder.

    The folder holds `train_images.npy` uint8 (n, 3, 32, 32), `train_labels.npy` int64 (n,), the
    same for test unless there are no test images, and `meta.json`. It is complete or absent.

    Args:
        dataset: 'cifar10', 'digits' or a folder with train/<class>/ and perhaps test/<class>/.
        mirrors: Addresses of cifar-10-python.tar.gz, tried in this order.

    Raises:
        UserError: there is no such data set, or it cannot be downloaded, read or stored.
    """
    data_dir = data_dir.absolute()
    with cached.alone_in(data_dir):
        source = find_source(dataset, data_dir)
        if source is None:
            download.fetch(download.CIFAR10, mirrors, data_dir)
            source = find_source(dataset, data_dir)
        cache = cached.decode_once(source, data_dir / "cache")
    for note in cached.read_meta(cache).get("notes", ()):
        log.info(note)
    return cache


@dataclass(frozen=True)
class Split:
    """Some of the images of a set."""

    images: Tensor
    """uint8 (N, 3, 32, 32): all of the set, mapped from disk and shared by all processes."""
    labels: Tensor
    """int64 (N,)."""
    indices: Tensor
    """int64 (n,): the images that belong to this split."""

    def __len__(self) -> int:
        return len(self.indices)

    def batches(self, order: Tensor, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Go through the split once: images (b, 3, 32, 32) and labels (b,), b ≤ batch_size.

        Batch sizes differ by one at most: no step or batch statistic comes from a few left-over
        images.

        Args:
            order: int64 (n,), a permutation of the split.
        """
        count = math.ceil(len(self) / batch_size)
        for chosen in self.indices[order].tensor_split(count):
            yield self.images[chosen], self.labels[chosen]

    def to(self, device: torch.device) -> "Split":
        """The same split on a device; the CPU works on the mapped file, a GPU on its own copy."""
        if device.type == "cpu":
            return self
        return Split(
            self.images[self.indices].to(device),
            self.labels[self.indices].to(device),
            torch.arange(len(self), device=device),
        )


@dataclass(frozen=True)
class Splits:
    """The images that a trial may see: none of the test images."""

    train: Split
    val: Split
    """Empty if no images are held out."""
    classes: tuple[str, ...]
    mean: Tensor
    """float32 (3,): of the training split, in grey levels 0–255; `std` likewise."""
    std: Tensor

    def to(self, device: torch.device) -> "Splits":
        moved = {name: getattr(self, name).to(device) for name in ("train", "val", "mean", "std")}
        return replace(self, **moved)


def load(
    cache: Path, train_size: int, val_size: int, split_seed: int, hold_out: bool = True
) -> Splits:
    """Open a cache folder and split its training images, stratified.

    The same `split_seed` gives the same validation images whatever `train_size` is, and a smaller
    training split is a part of every larger one.

    Args:
        train_size: 0 for all images that are not for validation.
        val_size: 0 for a tenth of the training images.
        hold_out: False adds the validation images to the training images, for the final fit of
            the chosen configuration.

    Raises:
        UserError: there are fewer images, or a class would have none in one of the splits.
    """
    classes = tuple(cached.read_meta(cache)["classes"])
    images, labels = cached.map_images(cache, "train"), cached.read_labels(cache, "train")
    train, val = _split(labels, classes, train_size, val_size, split_seed)
    if not hold_out:
        train, val = torch.cat([train, val]), val[:0]
    mean, std = _mean_and_std(images, train)
    return Splits(Split(images, labels, train), Split(images, labels, val), classes, mean, std)


def sizes(cache: Path, train_size: int, val_size: int) -> tuple[int, int]:
    """Numbers of training and validation images that `load` would give, or its error."""
    classes, labels = cached.read_meta(cache)["classes"], cached.read_labels(cache, "train")
    train, val = _split(labels, classes, train_size, val_size, split_seed=0)
    return len(train), len(val)


def class_counts(cache: Path, train_size: int, val_size: int, split_seed: int) -> dict[str, int]:
    """How many training images of each class `load` would give."""
    classes, labels = cached.read_meta(cache)["classes"], cached.read_labels(cache, "train")
    train, _ = _split(labels, classes, train_size, val_size, split_seed)
    counts = torch.bincount(labels[train], minlength=len(classes))
    return dict(zip(classes, counts.tolist(), strict=True))


def load_test(cache: Path) -> Split:
    """Open the test images, which only `registry` may do.

    Raises:
        UserError: the data set has none.
    """
    meta = cached.read_meta(cache)
    if not meta["test"]:
        raise UserError(f"{meta['dataset']} has no test images; put some in test/<class>/")
    images, labels = cached.map_images(cache, "test"), cached.read_labels(cache, "test")
    return Split(images, labels, torch.arange(len(labels)))


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """uint8 (b, 3, 32, 32) → float32 of mean 0 and deviation 1 in each channel, channels last."""
    pixels = images.float().sub_(mean.view(3, 1, 1)).div_(std.view(3, 1, 1))
    # Converting last is five times faster than converting first: the steps above are not strided.
    return pixels.contiguous(memory_format=torch.channels_last)


def _split(
    labels: Tensor, classes: Sequence[str], train_size: int, val_size: int, split_seed: int
) -> tuple[Tensor, Tensor]:
    """Draw the validation images, then the training images; return indices, training first."""
    val_size = val_size or len(labels) // 10
    train_size = train_size or max(1, len(labels) - val_size)
    if train_size + val_size > len(labels):
        raise UserError(
            f"`train_size` (={train_size}) and `val_size` (={val_size}) must not exceed "
            f"the {len(labels)} training images together"
        )
    order = _stratified_order(labels.numpy(), split_seed)
    _check_split(labels.numpy()[order], classes, train_size, val_size)
    val, train = order[:val_size], order[val_size : val_size + train_size]
    return torch.from_numpy(train), torch.from_numpy(val)


def _check_split(
    labels: np.ndarray, classes: Sequence[str], train_size: int, val_size: int
) -> None:
    """Raise a UserError if a class has no image in a part; it names the sizes that would work.

    Args:
        labels: In the order of the split: validation first.
    """
    counts = np.bincount(labels, minlength=len(classes))
    if rare := [f"{classes[i]!r} ({counts[i]})" for i in np.flatnonzero(counts < 2)]:
        more = f" and {len(rare) - SHOWN_CLASSES} more" if len(rare) > SHOWN_CLASSES else ""
        raise UserError(
            f"every class needs two training images at least, one of which is for validation; too "
            f"few: {', '.join(rare[:SHOWN_CLASSES])}{more}; add images, or take these classes out"
        )
    first = np.unique(labels, return_index=True)[1]  # (classes,): the place of its first image
    last = len(labels) - 1 - np.unique(labels[::-1], return_index=True)[1]
    least, most = first.max() + 1, last.min()
    if not least <= val_size <= most:
        part, lost = ("validation", first.argmax()) if val_size < least else (
            "training", last.argmin()
        )  # fmt: skip
        raise UserError(
            f"`val_size` (={val_size}) leaves no image of class {classes[lost]!r} for {part}; it "
            f"must be from {least} to {most}"
        )
    ahead = np.unique(labels[val_size:], return_index=True)[1]
    if train_size <= ahead.max():
        raise UserError(
            f"`train_size` (={train_size}) leaves no image of class {classes[ahead.argmax()]!r} "
            f"for training; with `val_size` {val_size} it must be at least {ahead.max() + 1}"
        )


def _stratified_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """Shuffle so that every stretch of the order has its share of each class.

    Image r (from 0) of a class of m images gets the place (r + ½) / m, as in Webster's method of
    distributing seats.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    first, size = np.repeat(np.cumsum(counts) - counts, counts), np.repeat(counts, counts)
    place = (np.arange(len(labels)) - first + 0.5) / size
    return by_class[np.argsort(place, kind="stable")]


def _mean_and_std(images: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    """Of each channel (3,), from counts of grey levels: exact in whatever order they are summed."""
    counts = torch.zeros(3, 256, dtype=torch.int64)
    for chosen in indices.split(1000):  # 3 MB in memory, not the whole set
        for channel, pixels in enumerate(images[chosen].unbind(1)):
            counts[channel] += torch.bincount(pixels.flatten(), minlength=256)
    share, levels = counts / counts.sum(1, keepdim=True).double(), torch.arange(256)
    mean = (share * levels).sum(1)
    std = (share * (levels - mean[:, None]) ** 2).sum(1).sqrt()
    return mean.float(), std.clamp(min=1).float()  # a channel of one grey level stays finite
