"""From a picture file to the pixels that a network takes: one rule for training and prediction."""

import os
import stat
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from hypertuning.geometry import IMAGE_SIZE

BACKGROUND = "white"
"""The colour behind the transparent parts of a picture."""
RULE = (
    "the first picture of a file, turned upright by its EXIF data, with the upper 8 bits of 16, "
    f"laid on {BACKGROUND} where it is transparent, and stretched to {IMAGE_SIZE}×{IMAGE_SIZE}"
)
"""What a network sees of a picture, in training and in prediction."""


class Unreadable(Exception):
    """Why a file cannot be read as a picture, in one line."""


class Pixels(NamedTuple):
    """A picture as a network takes it, and what was done to it on the way."""

    values: np.ndarray
    """uint8 (3, 32, 32): red, green, blue."""
    size: tuple[int, int]
    """Width and height before it was stretched."""
    transparent: bool = False
    """Parts of it were transparent, and are laid on white."""
    deep: bool = False
    """It was grey with 16 bits, of which the upper 8 were kept."""
    several: bool = False
    """The file holds several pictures, and this is the first."""


def decode(path: str | os.PathLike[str]) -> Pixels:
    """Read a picture of any size and mode, by RULE.

    Raises:
        Unreadable: it is not a picture, is damaged, or has more pixels than Pillow allows.
    """
    try:
        found = os.stat(path)
        check_file(found)
        if not found.st_size:
            raise Unreadable("it is empty")
        # Pillow warns of odd EXIF data, and of many pixels; from twice as many on it raises.
        with warnings.catch_warnings(action="ignore"), Image.open(path) as opened:
            return _pixels(opened)
    except Unreadable:
        raise
    except Exception as error:  # Pillow's decoders raise OSError, ValueError, SyntaxError, …
        raise Unreadable(_reason(error)) from error


def check_file(found: os.stat_result) -> None:
    """Raise Unreadable unless it is a regular file: opening a pipe would wait for ever."""
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
    if not stat.S_ISREG(found.st_mode):
        kind = kinds.get(stat.S_IFMT(found.st_mode), "a device")
        raise Unreadable(f"it is {kind}, not a file")


def notes_on(pictures: Sequence[Pixels]) -> list[str]:
    """Say how many pictures a viewer shows differently from what the network sees."""
    count = len(pictures)
    altered = {
        f"pictures that are transparent in places, laid on {BACKGROUND}": "transparent",
        "grey pictures of 16 bits, of which the upper 8 are used": "deep",
        "files of several pictures, of which the first is used": "several",
    }
    numbers = {what: sum(getattr(p, name) for p in pictures) for what, name in altered.items()}
    return [f"{what}: {n:,} of {count:,}" for what, n in numbers.items() if n]


def _pixels(opened: Image.Image) -> Pixels:
    if opened.format == "EPS":
        raise Unreadable("an EPS file is a program that draws, and it is not run")
    image = ImageOps.exif_transpose(opened)
    # Pillow opens 16 bits of grey as I;16, but those of a PGM file as I, scaled to 0–65535.
    if deep := image.mode.startswith("I;16") or (image.mode == "I" and opened.format == "PPM"):
        image = _upper_bits(image)
    if image.mode in ("F", "I"):
        raise Unreadable(
            f"its mode is {image.mode}, pixels of no known range; save it with 8 bits per channel"
        )
    if transparent := image.has_transparency_data:
        image, transparent = _on_background(image)
    small = image.convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE))
    values = np.asarray(small).transpose(2, 0, 1)  # (3, 32, 32)
    several = bool(getattr(opened, "is_animated", False))
    return Pixels(values, image.size, transparent, deep, several)


def _reason(error: Exception) -> str:
    """What went wrong, in one line that does not repeat the path."""
    if isinstance(error, UnidentifiedImageError):
        return "it is no picture of a known kind"
    if isinstance(error, Image.DecompressionBombError):
        most = 2 * Image.MAX_IMAGE_PIXELS
        return f"it has more than {most:,} pixels, the most that are read; make it smaller"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    told = isinstance(error, OSError)  # meant for users
    return " ".join((said if told else f"it is damaged: {said}").split())


def _upper_bits(image: Image.Image) -> Image.Image:
    """Keep the upper 8 of 16 bits of grey; a transparent level stays transparent."""
    levels = np.asarray(image)
    grey = Image.fromarray((levels >> 8).astype(np.uint8))
    if (hidden := image.info.get("transparency")) is not None:
        grey.putalpha(Image.fromarray(np.where(levels == hidden, 0, 255).astype(np.uint8)))
    return grey


def _on_background(image: Image.Image) -> tuple[Image.Image, bool]:
    """Lay a picture on the background; return it, and whether the background shows."""
    image = image.convert("RGBA")
    lowest, _ = image.getchannel("A").getextrema()
    paper = Image.new("RGBA", image.size, BACKGROUND)
    return Image.alpha_composite(paper, image), lowest < 255
