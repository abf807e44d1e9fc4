"""Read the pictures in a file or a folder, by the rule of the training images."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hypertuning.learn.folders import files_below
from hypertuning.learn.pixels import Pixels, Unreadable, decode


class Picture(NamedTuple):
    file: Path
    pixels: Pixels | None
    """None if the file cannot be read as a picture."""
    reason: str = ""
    """Why not, in one line."""


def read(place: Path) -> Iterator[Picture]:
    """Read one picture, or those in a folder and below it; then name what cannot be opened.

    The files of a folder come before those of its subfolders. Hidden files, and those that system
    software leaves behind, are skipped.
    """
    if not place.is_dir():
        yield _picture(place)
        return
    below = files_below(place)
    for file in below.files:
        yield _picture(place / file)
    for file, fault in below.faults.items():
        yield Picture(place / file, None, fault)


def _picture(file: Path) -> Picture:
    try:
        return Picture(file, decode(file))
    except Unreadable as error:
        return Picture(file, None, str(error))
