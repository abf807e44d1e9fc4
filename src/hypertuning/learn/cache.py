"""Keep decoded images on disk: a source is read once, and all processes map the same copy."""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from hypertuning.complaints import describe
from hypertuning.config import UserError
from hypertuning.geometry import IMAGE_SIZE
from hypertuning.learn.folders import as_text
from hypertuning.learn.sources import Decoded, Source

log = logging.getLogger(__name__)

LONGEST_NAME = 200
"""Bytes of a data set's name in the name of its cache folder; file systems allow 255 in all."""


@contextmanager
def alone_in(data_dir: Path) -> Iterator[None]:
    """Let one process at a time download and decode into a folder.

    Raises:
        UserError: the folder cannot be made or written to.
    """
    lock = FileLock(data_dir / ".lock")
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise UserError(
            f"`data_dir` {data_dir} cannot be used: {error.strerror or error}"
        ) from error
    try:
        yield
    finally:
        lock.release()


def decode_once(source: Source, folder: Path) -> Path:
    """Return the source's cache folder in `folder`; decode only what is new or changed."""
    fingerprint = _fingerprint(source)
    name = source.name.encode()[:LONGEST_NAME].decode(errors="ignore")
    cache = folder / f"{name}-{fingerprint[:16]}"
    if not cache.exists():
        log.info("decoding %s, once", source.name)
        _store(source.name, _read(source), fingerprint, cache)
    return cache


class _Meta(BaseModel):
    model_config = ConfigDict(extra="allow")

    dataset: str
    classes: list[str]
    digest: str
    train: int
    test: int


def read_meta(cache: Path) -> dict:
    """Read what is known of the images: `dataset`, `classes`, `digest`, how many there are, …

    Raises:
        UserError: the file is damaged. Every reader of a cache raises this.
    """
    with _damage_told(cache, "meta.json"):
        return _Meta.model_validate_json((cache / "meta.json").read_bytes()).model_dump()


def read_labels(cache: Path, part: str) -> np.ndarray:
    """int64 (n,) of the part 'train' or 'test'."""
    with _damage_told(cache, f"{part}_labels.npy"):
        return np.load(cache / f"{part}_labels.npy")


def map_images(cache: Path, part: str) -> np.ndarray:
    """uint8 (n, 3, 32, 32), mapped from disk: one copy in memory for all processes."""
    with _damage_told(cache, f"{part}_images.npy"):
        # Copy-on-write shares pages as read-only does, and torch does not warn of it.
        images = np.load(cache / f"{part}_images.npy", mmap_mode="c")
        return images.reshape(-1, 3, IMAGE_SIZE, IMAGE_SIZE)


@contextmanager
def _damage_told(cache: Path, name: str) -> Iterator[None]:
    """Report a damaged file of a cache, and how to make the cache again."""
    try:
        yield
    except Exception as error:
        reason = describe(error) if isinstance(error, ValidationError) else str(error)
        reason = " ".join(reason.split())[:200]
        raise UserError(
            f"the decoded images are damaged: {cache / name} ({reason}); delete {cache}, it is "
            "made anew from the images"
        ) from error


def _fingerprint(source: Source) -> str:
    """Hash names, sizes and times of the files: a change shows without reading them."""
    facts = [(name, *_size_and_time(f"{source.folder}/{name}")) for name in source.files]
    return hashlib.sha256(json.dumps([source.version, facts]).encode()).hexdigest()


def _size_and_time(path: str) -> tuple[int, int]:
    try:
        found = Path(path).stat()
    except OSError as error:  # it existed a moment ago
        raise UserError(f"{as_text(path)} cannot be read: {error.strerror}") from error
    return found.st_size, found.st_mtime_ns


def _read(source: Source) -> Decoded:
    try:
        return source.read()
    except OSError as error:
        place = error.filename or source.folder
        raise UserError(f"{place} cannot be read: {error.strerror or error}") from error


def _store(name: str, decoded: Decoded, fingerprint: str, cache: Path) -> None:
    """Write a cache folder under a hidden name, and rename it when it is complete."""
    parts = {"train": decoded.train} | ({"test": decoded.test} if decoded.test else {})
    arrays = {f"{part}_{kind}": a for part in parts for kind, a in parts[part]._asdict().items()}
    meta = {
        "dataset": name,
        "classes": decoded.classes,
        "digest": _digest(arrays),
        "source": fingerprint,
        "train": len(decoded.train.labels),
        "test": len(decoded.test.labels) if decoded.test else 0,
        "notes": decoded.notes,
        "sizes": decoded.sizes,
    }
    unfinished = cache.with_name(f".{cache.name}")
    shutil.rmtree(unfinished, ignore_errors=True)  # left by a process that was killed
    try:
        unfinished.mkdir(parents=True)
        for file, array in arrays.items():
            np.save(unfinished / f"{file}.npy", array)
        (unfinished / "meta.json").write_text(json.dumps(meta, indent=2))
        unfinished.rename(cache)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise UserError(_no_room(cache, arrays, error)) from error


def _digest(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in arrays.values():
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _no_room(cache: Path, arrays: dict[str, np.ndarray], error: OSError) -> str:
    needed = sum(array.nbytes for array in arrays.values()) / 1e6
    free = shutil.disk_usage(cache.parents[1]).free / 1e6
    # NumPy reports a full disk as "… requested and … written", so say how much room is needed.
    return (
        f"the decoded images could not be written to {cache} ({error}); "
        f"they need {needed:.0f} MB and {free:.0f} MB are free: make room or change `data_dir`"
    )
