"""The images of a trial as tensors, handed out in batches."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from hypertuning.config import UserError
from hypertuning.learn.cache import map_images, read_labels, read_meta
from hypertuning.learn.data import split


def steps_of(images: int, batch_size: int) -> int:
    """The batches of an epoch."""
    return math.ceil(images / batch_size)


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
        for chosen in self.indices[order].tensor_split(steps_of(len(self), batch_size)):
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
    """Open a cache folder and split its training images, see `data.split`.

    Args:
        hold_out: False adds the validation images to the training images, for the final fit of
            the chosen configuration.

    Raises:
        UserError: there are fewer images, or a class would have none in one of the splits.
    """
    classes = tuple(read_meta(cache)["classes"])
    images, labels = _open(cache, "train")
    drawn = split(labels.numpy(), classes, train_size, val_size, split_seed)
    train, val = map(torch.from_numpy, drawn)
    if not hold_out:
        train, val = torch.cat([train, val]), val[:0]
    mean, std = _mean_and_std(images, train)
    return Splits(Split(images, labels, train), Split(images, labels, val), classes, mean, std)


def load_test(cache: Path) -> Split:
    """Open the test images, which only `registry` may do.

    Raises:
        UserError: the data set has none.
    """
    meta = read_meta(cache)
    if not meta["test"]:
        raise UserError(f"{meta['dataset']} has no test images; put some in test/<class>/")
    images, labels = _open(cache, "test")
    return Split(images, labels, torch.arange(len(labels)))


def _open(cache: Path, part: str) -> tuple[Tensor, Tensor]:
    """Images (n, 3, 32, 32), mapped from disk, and labels (n,) of a part."""
    images, labels = map_images(cache, part), read_labels(cache, part)
    return torch.from_numpy(images), torch.from_numpy(labels)


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """uint8 (b, 3, 32, 32) → float32 of mean 0 and deviation 1 in each channel, channels last."""
    pixels = images.float().sub_(mean.view(3, 1, 1)).div_(std.view(3, 1, 1))
    # Converting last is five times faster than converting first: the steps above are not strided.
    return pixels.contiguous(memory_format=torch.channels_last)


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
