"""Claims about one picture: any size and mode becomes 32 × 32 pixels, hidden parts stay hidden."""

import os
import socket
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hypertuning.learn.pixels import Pixels, Unreadable, decode, notes_on

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


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "picture.png"


@pytest.mark.parametrize("mode", GREY)
def test_every_mode_of_eight_bits_becomes_three_channels(mode, tmp_path):
    file = tmp_path / "picture.tiff"
    try:
        Image.new(mode, (50, 20), GREY[mode]).save(file)
    except OSError:
        Image.new(mode, (50, 20), GREY[mode]).convert("RGB").save(file)
    picture = decode(file)
    assert picture.values.shape == (3, 32, 32) and picture.values.dtype == np.uint8
    assert picture.size == (50, 20) and not picture.transparent


@pytest.mark.parametrize("name", ["picture.PNG", "picture.jpg", "picture", "-picture.txt"])
def test_the_suffix_says_nothing_of_the_content(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8), (1, 2, 3)).save(name, "PNG")
    assert decode(name).values[:, 0, 0].tolist() == [1, 2, 3]


def test_the_pixels_of_an_opaque_picture_are_what_they_always_were(file):
    # A change here makes the digests, and so the studies, of earlier versions another data set's.
    pixels = np.random.default_rng(0).integers(0, 256, (50, 20, 3), np.uint8)
    for image in (Image.fromarray(pixels), Image.fromarray(pixels).convert("RGBA")):
        image.save(file)
        small = Image.fromarray(pixels).resize((32, 32))
        assert (decode(file).values == np.asarray(small).transpose(2, 0, 1)).all()


# What is hidden here is black: it must not be seen.
HIDDEN = {
    "RGBA": lambda: Image.new("RGBA", (8, 8), (0, 0, 0, 0)),
    "LA": lambda: Image.new("LA", (8, 8), (0, 0)),
    "palette with one transparent colour": lambda: Image.new("P", (8, 8), 0),
    "palette with alpha": lambda: Image.new("P", (8, 8), 0),
    "RGB with one transparent colour": lambda: Image.new("RGB", (8, 8), (0, 0, 0)),
    "L with one transparent level": lambda: Image.new("L", (8, 8), 0),
    "1 with one transparent level": lambda: Image.new("1", (8, 8), 0),
    "16 bits with one transparent level": lambda: Image.fromarray(np.zeros((8, 8), np.uint16)),
}
TRANSPARENT = {
    "palette with one transparent colour": 0,
    "palette with alpha": bytes([0, 255]),
    "RGB with one transparent colour": (0, 0, 0),
    "L with one transparent level": 0,
    "1 with one transparent level": 0,
    "16 bits with one transparent level": 0,
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_transparency_hides_stays_hidden_behind_white(kind, file):
    more = {"transparency": TRANSPARENT[kind]} if kind in TRANSPARENT else {}
    HIDDEN[kind]().save(file, **more)
    picture = decode(file)
    assert (picture.values == 255).all()
    assert picture.transparent


def test_half_of_black_over_white_is_grey(file):
    Image.new("RGBA", (8, 8), (0, 0, 0, 128)).save(file)
    assert (decode(file).values == 127).all()


def test_a_gif_is_its_first_picture_laid_on_white(tmp_path):
    first, second = (Image.new("P", (8, 8), number) for number in (0, 1))
    for image in (first, second):
        image.putpalette([0, 0, 0, 9, 9, 9])
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second], transparency=0, loop=0)
    picture = decode(tmp_path / "a.gif")
    assert (picture.values == 255).all()
    assert picture.several and picture.transparent


@pytest.mark.parametrize(("level", "becomes"), [(0, 0), (128 * 257, 128), (65535, 255)])
def test_sixteen_bits_are_scaled_and_not_cut_off(level, becomes, file):
    Image.fromarray(np.full((8, 8), level, np.uint16)).save(file)
    picture = decode(file)
    assert (picture.values == becomes).all() and picture.deep


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_of_no_known_range_are_not_guessed_at(mode, tmp_path):
    Image.new(mode, (8, 8), 200).save(tmp_path / "odd.tiff")
    with pytest.raises(Unreadable, match="no known range; save it with 8 bits per channel"):
        decode(tmp_path / "odd.tiff")


def test_a_picture_that_lies_on_its_side_is_turned_upright(file):
    image = Image.new("RGB", (40, 20))
    image.paste((255, 255, 255), (0, 0, 20, 20))  # left half white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: what was left is the top
    image.save(file, exif=exif)
    picture = decode(file)
    assert (picture.values[:, :10] == 255).all() and (picture.values[:, -10:] == 0).all()
    assert picture.size == (20, 40)


def pipe(file: Path) -> None:
    os.mkfifo(file)


def unix_socket(file: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(file))  # a socket's path must be short


def enormous(file: Path) -> None:
    Image.new("1", (8, 8)).save(file)
    content = bytearray(file.read_bytes())
    content[16:24] = struct.pack(">II", 50_000, 50_000)  # width and height, then their checksum
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    file.write_bytes(content)


def truncated(file: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(noise).save(file)
    file.write_bytes(file.read_bytes()[:-500])


def program(file: Path) -> None:
    Image.new("RGB", (8, 8)).save(file, "EPS")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (pipe, "it is a pipe, not a file"),
        (unix_socket, "it is a socket, not a file"),
        (Path.mkdir, "it is a folder, not a file"),
        (Path.touch, "it is empty"),
        (lambda file: file.write_text("text"), "it is no picture of a known kind"),
        (lambda file: file.write_bytes(b"\x89PNG\r\n\x1a\n"), "no picture of a known kind"),
        (truncated, "truncated"),
        (enormous, "more than 178,956,970 pixels, .* make it smaller"),
        (program, "an EPS file is a program"),
        (lambda file: file.symlink_to("/nowhere"), "No such file"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason_and_not_waited_for(make, says, file):
    make(file)
    with pytest.raises(Unreadable, match=says) as refusal:
        decode(file)
    assert "\n" not in str(refusal.value) and str(file) not in str(refusal.value)


def test_a_large_photograph_is_read_without_a_warning(file, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow warns above it, and refuses twice
    Image.new("RGB", (40, 40)).save(file)
    assert decode(file).size == (40, 40)


def test_notes_say_what_a_viewer_would_not_show():
    pixels = np.zeros((3, 32, 32), np.uint8)
    plain = Pixels(pixels, (32, 32))
    assert notes_on([plain] * 3) == []
    altered = [plain._replace(transparent=True, several=True), plain._replace(deep=True)]
    assert notes_on([plain, *altered]) == [
        "pictures that are transparent in places, laid on white: 1 of 3",
        "grey pictures of 16 bits, of which the upper 8 are used: 1 of 3",
        "files of several pictures, of which the first is used: 1 of 3",
    ]
