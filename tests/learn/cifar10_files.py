"""A small CIFAR-10, byte for byte of the kind that Python 2 wrote the real one in."""

import struct
import tarfile
from pathlib import Path

import numpy as np

CLASSES = ("airplane", "ship", "truck")
BATCH = 6
"""Images in each of the six files."""


def write_batches(folder: Path) -> np.ndarray:
    """Write `cifar-10-batches-py` into a folder; returns all images (36, 3, 32, 32), test last."""
    images = np.random.default_rng(0).integers(0, 256, (6 * BATCH, 3, 32, 32), np.uint8)
    batches = folder / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    for name, part in zip(names, np.split(images, 6), strict=True):
        (batches / name).write_bytes(_batch(part, [i % len(CLASSES) for i in range(BATCH)]))
    classes = b"".join(_text(name.encode()) for name in CLASSES)
    (batches / "batches.meta").write_bytes(_dict({b"label_names": b"](" + classes + b"e"}))
    return images


def write_archive(folder: Path) -> Path:
    write_batches(folder / "unpacked")
    path = folder / "cifar-10-python.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder / "unpacked" / "cifar-10-batches-py", "cifar-10-batches-py")
    return path


def _batch(images: np.ndarray, labels: list[int]) -> bytes:
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    return _dict(
        {b"data": _array(images.reshape(len(images), -1)), b"labels": b"](" + numbers + b"e"}
    )


def _dict(items: dict[bytes, bytes]) -> bytes:
    return b"\x80\x02}(" + b"".join(_text(key) + value for key, value in items.items()) + b"u."


def _text(content: bytes) -> bytes:
    """A `str` of Python 2, whose opcode no later Python writes."""
    return b"T" + struct.pack("<i", len(content)) + content


def _array(values: np.ndarray) -> bytes:
    shape = b"".join(b"J" + struct.pack("<i", size) for size in values.shape) + b"\x86"
    dtype = b"cnumpy\ndtype\n" + _text(b"u1") + b"K\x00K\x01\x87R(K\x03" + _text(b"|")
    dtype += b"NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\x00tb"
    empty = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + _text(b"b") + b"\x87R"
    )
    return empty + b"(K\x01" + shape + dtype + b"\x89" + _text(values.tobytes()) + b"tb"
