"""Where images come from, and how each source is read into arrays."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hypertuning.config import UserError
from hypertuning.geometry import IMAGE_SIZE
from hypertuning.learn import cifar10, download
from hypertuning.learn.decoded import Decoded, Images
from hypertuning.learn.folders import as_text, files_below, refuse
from hypertuning.learn.image_folder import ClassFolders, find_class_folders, read_class_folders
from hypertuning.learn.sizes import sizes_in_words


class Source(NamedTuple):
    name: str
    folder: Path
    files: tuple[str, ...]
    """Relative to the folder. If one of them changes, the source has changed."""
    read: Callable[[], Decoded]
    version: int = 2
    """Raise it when the same files are decoded to different arrays."""


def find_source(dataset: str, data_dir: Path) -> Source | None:
    """Find a data set's source on this machine; None if CIFAR-10 must be downloaded first.

    Raises:
        UserError: there is no such data set.
    """
    if dataset == "digits":
        return Source("digits", data_dir, (), read_digits)
    if dataset == "cifar10":
        return _find_cifar10(data_dir)
    folder = Path(dataset).absolute()
    if os.fsencode(folder).decode(errors="ignore") != str(folder):
        raise UserError(
            f"`dataset`: {as_text(folder)} is not UTF-8, and the tracking store takes nothing "
            "else; rename it"
        )
    if not os.path.isdir(folder):  # not Path.is_dir, which raises without permission
        raise UserError(
            "`dataset` must be 'cifar10', 'digits' or a folder with train/<class>/ images, "
            f"got {dataset!r}"
        )
    return _find_cifar10(folder) or _find_folder(folder)


def _find_cifar10(folder: Path) -> Source | None:
    batches, archive = folder / cifar10.BATCHES, folder / download.CIFAR10.name
    if batches.is_dir():
        below = files_below(folder, cifar10.BATCHES)
        refuse(folder, below.faults)
        return Source("cifar10", folder, tuple(below.files), partial(cifar10.read_batches, batches))
    if archive.is_file():
        return Source("cifar10", folder, (archive.name,), partial(cifar10.read_archive, archive))
    return None


def _find_folder(folder: Path) -> Source:
    found = find_class_folders(folder)
    files = tuple(file for part in found.values() for file in part.files)
    return Source(folder.name, folder, files, partial(read_folder, found), version=3)


# digits


def read_digits() -> Decoded:
    """Read scikit-learn's 1,797 digits, (8, 8) pixels from 0 to 16; a fixed fifth is for test."""
    import torch
    from sklearn.datasets import load_digits  # takes seconds, and only this needs it
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    grey = torch.from_numpy(digits.images[:, None] * (255 / 16))  # (1797, 1, 8, 8)
    large = torch.nn.functional.interpolate(grey, size=IMAGE_SIZE, mode="bilinear")
    images = large.round().to(torch.uint8).expand(-1, 3, -1, -1).numpy()  # (1797, 3, 32, 32)
    labels = digits.target.astype(np.int64)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=0
    )
    classes = tuple(map(str, digits.target_names))
    return Decoded(
        classes,
        Images(images[train], labels[train]),
        Images(images[test], labels[test]),
        sizes=sizes_in_words([digits.images.shape[1:]]),
    )


# a folder of images


def read_folder(found: Mapping[str, ClassFolders]) -> Decoded:
    """Read train/<class>/ and test/<class>/; any size and mode become 32 × 32 and RGB.

    Raises:
        UserError: it names the files that cannot be read, and counts them.
    """
    classes = tuple(found["train"].names.values())
    read = {part: read_class_folders(folders, classes) for part, folders in found.items()}
    refuse(found["train"].folder, {k: v for part in read.values() for k, v in part.faults.items()})
    parts = {part: Images(decoded.images, decoded.labels) for part, decoded in read.items()}
    notes = tuple(note for part in read.values() for note in part.notes)
    return Decoded(classes, parts["train"], parts.get("test"), notes, read["train"].sizes)
