"""Any picture → the pixels that a model takes."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from hypertuning.config import IMAGE_SIZE

DEEP = 257
"""What a grey level of 16 bits is divided by: 65535 becomes 255."""


class Picture(NamedTuple):
    file: Path
    pixels: np.ndarray | None
    """uint8 (3, size, size); None where the file cannot be read as a picture."""
    reason: str = ""
    """Why not, in one line."""


def read(place: Path) -> Iterator[Picture]:
    """The picture in a file, or those in a folder and all below it, in the order of their names.

    Hidden files are passed over.
    """
    if place.is_file():
        yield _picture(place)
        return
    below = sorted(path for path in place.rglob("*") if path.is_file())
    for file in below:
        if not any(part.startswith(".") for part in file.relative_to(place).parts):
            yield _picture(file)


def _picture(file: Path) -> Picture:
    try:
        return Picture(file, _pixels(file))
    except Exception as error:  # noqa: BLE001 - Pillow's decoders raise OSError, ValueError, …
        reason = " ".join(str(error).split()) or type(error).__name__
        return Picture(file, None, reason)


def _pixels(file: Path) -> np.ndarray:
    """As the training images were decoded; turned upright first, as cameras note it."""
    with Image.open(file) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode in ("F", "I"):
            raise ValueError(f"its mode is {image.mode}, pixels of no known range")
        if image.mode.startswith("I;16"):  # to RGB, Pillow would cut them off at 255
            levels = np.asarray(image).clip(0, 255 * DEEP) // DEEP
            image = Image.fromarray(levels.astype(np.uint8))
        small = image.convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE))
    return np.asarray(small).transpose(2, 0, 1)  # (3, size, size)
