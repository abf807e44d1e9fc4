from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hypertuning.learn import data, splits


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """The cache folder of the digits."""
    return data.prepare("digits", tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def few_digits(digits) -> splits.Splits:
    return splits.load(digits, train_size=150, val_size=70, split_seed=0)


@pytest.fixture
def write_images(tmp_path) -> Callable[..., Path]:
    """Write a folder of images: part/class → how many; every image has its own grey level."""

    def write(**counts: int) -> Path:
        folder = tmp_path / "images"
        for part_and_class, count in counts.items():
            place = folder / part_and_class.replace("_", "/")
            place.mkdir(parents=True)
            for i in range(count):
                pixels = np.full((32, 32, 3), 10 * i, np.uint8)
                Image.fromarray(pixels).save(place / f"{i:04d}.png")
        return folder

    return write
