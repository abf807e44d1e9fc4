"""CIFAR-10 as its authors publish it: pickles of arrays, loose or in one archive."""

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hypertuning.config import UserError
from hypertuning.geometry import IMAGE_SIZE
from hypertuning.learn import download
from hypertuning.learn.decoded import Decoded, Images
from hypertuning.learn.sizes import sizes_in_words

BATCHES = "cifar-10-batches-py"
"""The folder in the CIFAR-10 archive."""


def read_batches(folder: Path) -> Decoded:
    return _read(lambda name: (folder / name).read_bytes(), folder)


def read_archive(path: Path) -> Decoded:
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
    return _read(files.__getitem__, path)


def _read(read: Callable[[str], bytes], source: Path) -> Decoded:
    try:
        names = _unpickle(read("batches.meta"))["label_names"]
        batches = [_read_batch(read(f"data_batch_{i}")) for i in range(1, 6)]
        test = _read_batch(read("test_batch"))
    except Exception as error:  # pickle raises whatever the bytes make it raise
        raise UserError(f"{source} cannot be read as CIFAR-10: {error!r}") from error
    train = Images(*map(np.concatenate, zip(*batches, strict=True)))
    sizes = sizes_in_words([(IMAGE_SIZE, IMAGE_SIZE)])
    return Decoded(tuple(names), train, test, sizes=sizes)


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
