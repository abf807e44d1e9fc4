"""Claims about pictures: any size and mode is converted, what is none is named."""

import numpy as np
import pytest
from PIL import Image

from hypertuning.registry.pictures import read
from hypertuning.registry.predict import predict

GREY = {
    "L": 128,
    "1": 1,
    "P": 5,
    "LA": (128, 255),
    "RGB": (10, 20, 30),
    "RGBA": (10, 20, 30, 255),
    "CMYK": (0, 0, 0, 0),
    "HSV": (0, 0, 128),
    "YCbCr": (128, 128, 128),
}


def only(place):
    return next(iter(read(place)))


@pytest.mark.parametrize("mode", GREY)
def test_every_mode_of_eight_bits_becomes_three_channels(mode, tmp_path):
    file = tmp_path / "picture.tiff"
    try:
        Image.new(mode, (50, 20), GREY[mode]).save(file)
    except OSError:
        Image.new(mode, (50, 20), GREY[mode]).convert("RGB").save(file)
    picture = only(file)
    assert picture.pixels.shape == (3, 32, 32)
    assert picture.pixels.dtype == np.uint8


def test_sixteen_bits_are_scaled_and_not_cut_off(tmp_path):
    Image.fromarray(np.full((8, 8), 128 * 257, np.uint16)).save(tmp_path / "deep.png")
    assert (only(tmp_path / "deep.png").pixels == 128).all()


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_of_no_known_range_are_not_guessed_at(mode, tmp_path):
    Image.new(mode, (8, 8), 200).save(tmp_path / "odd.tiff")
    picture = only(tmp_path / "odd.tiff")
    assert picture.pixels is None
    assert "no known range" in picture.reason


def test_a_picture_that_lies_on_its_side_is_turned_upright(tmp_path):
    image = Image.new("RGB", (40, 20))
    image.paste((255, 255, 255), (0, 0, 20, 20))  # left half white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: what was left is the top
    image.save(tmp_path / "side.png", exif=exif)
    pixels = only(tmp_path / "side.png").pixels
    assert (pixels[:, :10] == 255).all() and (pixels[:, -10:] == 0).all()


def test_files_that_are_no_pictures_are_named_with_the_reason(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png")
    (tmp_path / "a.txt").write_text("no picture")
    (tmp_path / "c.png").write_bytes((tmp_path / "b.png").read_bytes()[:40])
    (tmp_path / ".hidden").write_text("")
    found = list(read(tmp_path))
    assert [(p.file.name, p.pixels is None) for p in found] == [
        ("a.txt", True), ("b.png", False), ("c.png", True),
    ]  # fmt: skip
    assert "cannot identify image file" in found[0].reason
    assert all("\n" not in picture.reason for picture in found)


def test_folders_are_read_to_the_bottom_in_the_order_of_names(tmp_path):
    for place in ("z.png", "a/b.png", "a/a.png"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        Image.new("L", (4, 4)).save(tmp_path / place)
    names = [str(picture.file.relative_to(tmp_path)) for picture in read(tmp_path)]
    assert names == ["a/a.png", "a/b.png", "z.png"]


def test_the_three_most_probable_classes_stand_in_their_order(model, tmp_path, all_digits):
    image = all_digits.train.images[0].numpy().transpose(1, 2, 0)
    Image.fromarray(image).save(tmp_path / "digit.png")
    row = predict(model, list(read(tmp_path))).iloc[0]
    shares = row.filter(regex="^p_").astype(float).sort_values(ascending=False)
    expected = [f"{name[2:]} {share:.3f}" for name, share in shares.head(3).items()]
    assert row["top_3"] == ", ".join(expected)
    assert row["class"] == shares.index[0][2:]
    assert row["file"] == str(tmp_path / "digit.png")
