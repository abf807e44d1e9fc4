"""Write a file or a folder so that a reader finds the old one or the new one, never a part of it.

It is written beside its place, flushed to the disk, and then moved there. So this also holds after
the writer was killed, and after a power cut.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_UNFINISHED = ".unfinished"


def write_whole(file: Path, content: bytes | memoryview | str, shared: bool = False) -> None:
    """Write a file whole; `shared` as in `replacing`.

    Raises:
        OSError: the disk is full, or cannot be written to; the old file is still there.
    """
    with replacing(file, shared) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(place: Path, shared: bool = False) -> Iterator[Path]:
    """Give a path to write a file or a new folder to; in the end, it is moved to its place.

    After an error, what was written is removed.

    Args:
        shared: Another process may be writing the same file. Each then writes beside the other.
    """
    writer = f".{os.getpid()}" if shared else ""
    beside = place.with_name(f"{place.name}{writer}{_UNFINISHED}")
    _remove(beside)  # a writer that was killed left it
    try:
        yield beside
        _flush(beside)
        beside.replace(place)
    except BaseException:
        with suppress(OSError):
            _remove(beside)
        raise


def remove_unfinished(folder: Path) -> None:
    """Remove what killed writers left in a folder; only while nobody writes there."""
    for left in folder.glob(f"*{_UNFINISHED}"):
        _remove(left)


def _flush(path: Path) -> None:
    """Wait until a file, or every file of a folder, is on the disk."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as written:
            os.fsync(written.fileno())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
