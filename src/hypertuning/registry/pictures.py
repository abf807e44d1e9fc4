"""The pictures in a file or folder, read as the training images were."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hypertuning.learn.folders import files_below
from hypertuning.learn.pixels import Pixels, Unreadable, decode


class Picture(NamedTuple):
    file: Path
    pixels: Pixels | None
    """None where the file cannot be read as a picture."""
    reason: str = ""
    """Why not, in one line."""


def read(place: Path) -> Iterator[Picture]:
    """The picture in a file, or those in a folder and all below it, then what cannot be read.

    The files of a folder come before those of the folders in it; what is hidden or what system
    software has left behind is passed over.
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
