"""Claims that a picture is one and the same to training, to `predict` and to a served model."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picture_files import BAD, GOOD
from PIL import Image

from hypertuning.config import UserError
from hypertuning.learn import data
from hypertuning.learn.cache import map_images
from hypertuning.learn.pixels import Unreadable, decode
from hypertuning.registry.pictures import read


def trained_on(file: Path, data_dir: Path) -> np.ndarray | str:
    """What training sees of a file in train/cat/: pixels (3, 32, 32), or why it is refused."""
    try:
        cache = data.prepare(str(file.parents[2]), data_dir)
    except UserError as error:
        return str(error).removeprefix(f"{file}: cannot be read: ")
    return map_images(cache, "train")[0]


def predicted_on(file: Path) -> np.ndarray | str:
    (picture,) = read(file)
    return picture.reason if picture.pixels is None else picture.pixels.values


def served(file: Path) -> np.ndarray | str:
    """What a server is sent of a file by the README's lines."""
    try:
        request = json.dumps({"inputs": [decode(file).values.tolist()]})
    except Unreadable as error:
        return str(error)
    return np.array(json.loads(request)["inputs"])[0]


@pytest.fixture
def put(write_images):
    """Write a file as the only picture of a class."""

    def write(name: str, content: bytes) -> Path:
        folder = write_images(train_dog=1) / "train" / "cat"
        folder.mkdir()
        (folder / name).write_bytes(content)
        return folder / name

    return write


@pytest.mark.parametrize("name", GOOD)
def test_training_prediction_and_serving_see_the_same_pixels(name, put, tmp_path):
    content, picture = GOOD[name]
    file = put(name, content)
    wanted = (picture(content) if callable(picture) else picture).convert("RGB").resize((32, 32))
    for seen in (trained_on(file, tmp_path / "data"), predicted_on(file), served(file)):
        assert np.array_equal(seen, np.asarray(wanted).transpose(2, 0, 1)), seen


@pytest.mark.parametrize("name", BAD)
def test_training_prediction_and_serving_refuse_with_the_same_line(name, put, tmp_path):
    content, why = BAD[name]
    file = put(name, content)
    said = {trained_on(file, tmp_path / "data"), predicted_on(file), served(file)}
    assert len(said) == 1
    assert why in said.pop()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(GOOD)),
    share=st.floats(0, 1),
    flipped=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=3),
)
def test_damage_anywhere_gives_pixels_or_one_line(name, share, flipped, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10**6)  # a damaged size may be enormous
    content = bytearray(GOOD[name][0])
    for place, change in flipped:
        content[int(place * len(content))] ^= change
    file = tmp_path / "damaged"
    file.write_bytes(content[: int(share * len(content))])
    seen = predicted_on(file)
    if isinstance(seen, str):
        assert seen and "\n" not in seen and str(file) not in seen
    else:
        assert seen.shape == (3, 32, 32) and seen.dtype == np.uint8
