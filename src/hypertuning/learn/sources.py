"""Where images come from, and how each source is read into arrays, once."""

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from hypertuning.config import IMAGE_SIZE, UserError
from hypertuning.learn import download

if TYPE_CHECKING:
    from torchvision.datasets import ImageFolder

BATCHES = "cifar-10-batches-py"
"""The folder in the CIFAR-10 archive."""


class Images(NamedTuple):
    images: np.ndarray
    """uint8 (n, 3, 32, 32)."""
    labels: np.ndarray
    """int64 (n,)."""


class Decoded(NamedTuple):
    classes: tuple[str, ...]
    train: Images
    test: Images | None


class Source(NamedTuple):
    name: str
    folder: Path
    files: tuple[str, ...]
    """Relative to the folder. A change of one of them is a change of the source."""
    read: Callable[[], Decoded]


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
    if not os.path.isdir(folder):  # also where it may not be looked at: Path.is_dir raises then
        raise UserError(
            "`dataset` must be 'cifar10', 'digits' or a folder with train/<class>/ images, "
            f"got {dataset!r}"
        )
    return _find_cifar10(folder) or _find_folder(folder)


def _find_cifar10(folder: Path) -> Source | None:
    batches, archive = folder / BATCHES, folder / download.CIFAR10.name
    if batches.is_dir():
        files = tuple(_files_below(folder, BATCHES))
        return Source("cifar10", folder, files, partial(read_cifar10_batches, batches))
    if archive.is_file():
        return Source("cifar10", folder, (archive.name,), partial(read_cifar10_archive, archive))
    return None


def _find_folder(folder: Path) -> Source:
    if not (folder / "train").is_dir():
        raise UserError(
            f"{folder} has no folder train/; images belong in train/<class>/ "
            "and, if there are test images, test/<class>/"
        )
    parts = [part for part in ("train", "test") if (folder / part).is_dir()]
    files = tuple(file for part in parts for file in _files_below(folder, part))
    return Source(folder.name, folder, files, partial(read_folder, folder))


def _files_below(folder: Path, part: str) -> list[str]:
    return sorted(
        os.path.join(os.path.relpath(place, folder), name)
        for place, _, names in os.walk(folder / part, onerror=_refuse, followlinks=True)
        for name in names
        if _is_visible(os.path.join(place, name), folder)
    )


def _refuse(error: OSError) -> None:
    raise UserError(f"{error.filename} cannot be read: {error.strerror}") from error


def _is_visible(path: str, folder: Path) -> bool:
    """Whether nothing on the way from the folder to the file begins with a dot."""
    return f"{os.sep}." not in path.removeprefix(str(folder))


# digits


def read_digits() -> Decoded:
    """Read scikit-learn's 1,797 digits, (8, 8) pixels of 0–16; a fixed fifth is for test."""
    import torch
    from sklearn.datasets import load_digits  # seconds to import, and needed only here
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
        classes, Images(images[train], labels[train]), Images(images[test], labels[test])
    )


# CIFAR-10


def read_cifar10_batches(folder: Path) -> Decoded:
    return _read_cifar10(lambda name: (folder / name).read_bytes(), folder)


def read_cifar10_archive(path: Path) -> Decoded:
    """Read the archive in memory: nothing is unpacked to disk."""
    if download.md5(path) != download.CIFAR10.md5:
        raise UserError(
            f"{path} is broken (its md5 is not {download.CIFAR10.md5}); "
            "delete it to download it again"
        )
    with tarfile.open(path) as archive:
        files = {
            os.path.basename(member.name): archive.extractfile(member).read()
            for member in archive
            if member.isfile()
        }
    return _read_cifar10(files.__getitem__, path)


def _read_cifar10(read: Callable[[str], bytes], source: Path) -> Decoded:
    try:
        names = _unpickle(read("batches.meta"))["label_names"]
        batches = [_read_batch(read(f"data_batch_{i}")) for i in range(1, 6)]
        test = _read_batch(read("test_batch"))
    except Exception as error:  # pickle raises whatever the bytes make it raise
        raise UserError(f"{source} cannot be read as CIFAR-10: {error!r}") from error
    train = Images(*map(np.concatenate, zip(*batches, strict=True)))
    return Decoded(tuple(names), train, test)


def _read_batch(content: bytes) -> Images:
    batch = _unpickle(content)
    images = batch["data"].reshape(-1, 3, IMAGE_SIZE, IMAGE_SIZE)
    return Images(images, np.asarray(batch["labels"], dtype=np.int64))


_ARRAY_PARTS = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _ArraysOnly(pickle.Unpickler):
    """Builds arrays and nothing else: a pickle may name any function to be called."""

    def find_class(self, module: str, name: str) -> object:
        try:
            return _ARRAY_PARTS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in CIFAR-10") from None


def _unpickle(content: bytes) -> dict:
    return _ArraysOnly(io.BytesIO(content), encoding="latin1").load()  # written by Python 2


# a folder of images


def read_folder(folder: Path) -> Decoded:
    """Read train/<class>/ and test/<class>/; any size and mode become 32 × 32 and RGB."""
    train = _list_images(folder / "train")
    test = _list_images(folder / "test") if (folder / "test").is_dir() else None
    strangers = sorted(set(test.classes) - set(train.classes)) if test else []
    if strangers:
        raise UserError(f"class {strangers[0]!r} is in {folder}/test but not in {folder}/train")
    return Decoded(
        tuple(train.classes),
        _decode(train, train.class_to_idx),
        _decode(test, train.class_to_idx) if test else None,
    )


def _list_images(folder: Path) -> "ImageFolder":
    from torchvision.datasets import ImageFolder  # five seconds to import, and needed only here

    class VisibleFolder(ImageFolder):
        def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
            names = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
            classes = [name for name in names if not name.startswith(".")]
            if odd := [name for name in classes if not name.isprintable()]:
                raise UserError(f"{folder}: a class cannot be named {odd[0]!r}; rename its folder")
            if not classes:
                raise UserError(f"{folder} has no class folder; images belong in <class>/")
            return classes, {name: label for label, name in enumerate(classes)}

    # Every file counts, not only those with a known suffix: none is left out in silence.
    visible = partial(_is_visible, folder=folder)
    found = VisibleFolder(folder, is_valid_file=visible, allow_empty=True)
    for label in sorted(set(range(len(found.classes))) - set(found.targets)):
        name = found.classes[label]
        raise UserError(f"class {name!r} has no image: {folder / name} is empty")
    return found


def _decode(listed: "ImageFolder", numbers: dict[str, int]) -> Images:
    images = np.empty((len(listed), 3, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    # One by one: with images as small as these, threads spend twice the time, on Python's lock.
    for i, (path, _) in enumerate(listed.samples):
        images[i] = _decode_one(path)
    labels = [numbers[listed.classes[label]] for label in listed.targets]
    return Images(images, np.array(labels, np.int64))


def _decode_one(path: str) -> np.ndarray:
    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):  # to RGB, Pillow would cut them off at 255
                raise ValueError(f"its mode is {image.mode}; save it with 8 bits per channel")
            upright = ImageOps.exif_transpose(image)  # as cameras note it
            small = upright.convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE))
    except Exception as error:  # Pillow's decoders raise OSError, ValueError, SyntaxError, …
        raise UserError(f"{path} is no image that can be read: {error}") from error
    return np.asarray(small).transpose(2, 0, 1)  # (3, 32, 32)
