"""The images of a data set as arrays, whatever source they were read from."""

from typing import NamedTuple

import numpy as np


class Images(NamedTuple):
    images: np.ndarray
    """uint8 (n, 3, 32, 32)."""
    labels: np.ndarray
    """int64 (n,)."""


class Decoded(NamedTuple):
    classes: tuple[str, ...]
    train: Images
    test: Images | None
    notes: tuple[str, ...] = ()
    """What was done to the images that a user may not expect."""
    sizes: str = ""
    """Of the training images before and after decoding, in words."""
