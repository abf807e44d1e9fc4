"""The images of a study: prepared once, split the same way every time. Needs no PyTorch."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

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


def sizes(
    cache: Path, train_size: int, val_size: int, asked_by: str = "train_size"
) -> tuple[int, int]:
    """How many training and validation images `split` would give, or its error."""
    classes, labels = cached.read_meta(cache)["classes"], cached.read_labels(cache, "train")
    train, val = split(labels, classes, train_size, val_size, 0, asked_by)
    return len(train), len(val)


def class_counts(cache: Path, train_size: int, val_size: int, split_seed: int) -> dict[str, int]:
    """How many training images of each class `split` would give."""
    classes, labels = cached.read_meta(cache)["classes"], cached.read_labels(cache, "train")
    train, _ = split(labels, classes, train_size, val_size, split_seed)
    counts = np.bincount(labels[train], minlength=len(classes))
    return dict(zip(classes, counts.tolist(), strict=True))


def split(
    labels: np.ndarray,
    classes: Sequence[str],
    train_size: int,
    val_size: int,
    split_seed: int,
    asked_by: str = "train_size",
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the validation images, then the training images, stratified.

    The same `split_seed` gives the same validation images whatever `train_size` is, and a smaller
    training split is a part of every larger one.

    Args:
        labels: int64 (n,).
        train_size: 0 for all images that are not for validation.
        val_size: 0 for a tenth of the training images.
        asked_by: The option that gave `train_size`, for messages.

    Returns:
        Indices for training and for validation, int64.

    Raises:
        UserError: there are fewer images, or a class would have none in one of the splits.
    """
    val_size = val_size or len(labels) // 10
    train_size = train_size or max(1, len(labels) - val_size)
    if train_size + val_size > len(labels):
        raise UserError(
            f"`{asked_by}` (={train_size}) and `val_size` (={val_size}) must not exceed "
            f"the {len(labels)} training images together"
        )
    order = _stratified_order(labels, split_seed)
    _check_split(labels[order], classes, train_size, val_size, asked_by)
    val, train = order[:val_size], order[val_size : val_size + train_size]
    return train, val


def _check_split(
    labels: np.ndarray, classes: Sequence[str], train_size: int, val_size: int, asked_by: str
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
            f"`{asked_by}` (={train_size}) leaves no image of class {classes[ahead.argmax()]!r} "
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
