"""Files of pictures of every kind that people have, and files that are not pictures."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

SIZE = (30, 20)
SIDEWAYS = 6
"""EXIF's word for a picture that is to be turned clockwise."""
ORIENTATION = 0x0112


def noise(channels: int, high: int = 256, dtype: type = np.uint8) -> np.ndarray:
    """Random pixels (20, 30, channels), the same ones every time."""
    width, height = SIZE
    rng = np.random.default_rng(channels)
    return rng.integers(0, high, (height, width, channels)).astype(dtype).squeeze()


def saved(image: Image.Image, kind: str = "PNG", **how) -> bytes:
    written = io.BytesIO()
    image.save(written, kind, **how)
    return written.getvalue()


def png(pixels: np.ndarray) -> bytes:
    """A PNG of 16 bits per channel: Pillow writes those of one channel only."""
    pixels = np.atleast_3d(pixels)
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts.items()
    )


def deep(channels: int) -> np.ndarray:
    return noise(channels, 65536, np.uint16)


def upper(pixels: np.ndarray) -> Image.Image:
    """The upper 8 of 16 bits."""
    return Image.fromarray((pixels >> 8).astype(np.uint8))


def on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def pgm(most: int, pixels: np.ndarray) -> bytes:
    """A PGM of grey levels from 0 to `most`, of two bytes each."""
    width, height = SIZE
    return f"P5\n{width} {height}\n{most}\n".encode() + pixels.astype(">u2").tobytes()


def stretched(pixels: np.ndarray, most: int) -> np.ndarray:
    """Levels from 0 to `most` as levels of 16 bits."""
    return np.round(pixels / most * 65535).astype(np.uint16)


RGB, CLEAR = Image.fromarray(noise(3)), Image.fromarray(noise(4))
PALETTE = RGB.quantize(8)
LEVELS = bytes(range(0, 256, 32))
"""The alpha of each colour of the palette."""
SEE_THROUGH = Image.open(io.BytesIO(saved(PALETTE, transparency=LEVELS)))
EXIF = Image.Exif()
EXIF[ORIENTATION] = SIDEWAYS
SEVERAL = {"save_all": True, "append_images": [Image.fromarray(255 - noise(4))]}

Seen = Callable[[bytes], Image.Image]


def opened(content: bytes) -> Image.Image:
    """As Pillow has it: of a format that loses something, nothing else tells what is in it."""
    return Image.open(io.BytesIO(content)).convert("RGB")


GOOD: dict[str, tuple[bytes, Image.Image | Seen]] = {
    "rgb.png": (saved(RGB), RGB),
    "grey.png": (saved(RGB.convert("L")), RGB.convert("L")),
    "one bit.png": (saved(RGB.convert("1")), RGB.convert("1")),
    "palette.png": (saved(PALETTE), PALETTE),
    "palette with alpha.png": (saved(PALETTE, transparency=LEVELS), on_white(SEE_THROUGH)),
    "grey and alpha.png": (saved(CLEAR.convert("LA")), on_white(CLEAR.convert("LA"))),
    "rgba.png": (saved(CLEAR), on_white(CLEAR)),
    "rgba.webp": (saved(CLEAR, "WEBP", lossless=True, exact=True), on_white(CLEAR)),
    "rgba.tiff": (saved(CLEAR, "TIFF"), on_white(CLEAR)),
    "grey of 16 bits.png": (png(deep(1)), upper(deep(1))),
    "grey of 16 bits.tiff": (saved(Image.fromarray(deep(1)), "TIFF"), upper(deep(1))),
    "grey of 16 bits.pgm": (pgm(65535, deep(1)), upper(deep(1))),
    "grey of 10 bits.pgm": (pgm(1023, deep(1) >> 6), upper(stretched(deep(1) >> 6, 1023))),
    "grey and alpha of 16 bits.png": (png(deep(2)), on_white(upper(deep(2)))),
    "rgb of 16 bits.png": (png(deep(3)), upper(deep(3))),
    "rgba of 16 bits.png": (png(deep(4)), on_white(upper(deep(4)))),
    "sideways.png": (saved(RGB, exif=EXIF), RGB.transpose(Image.Transpose.ROTATE_270)),
    "sideways.jpg": (
        saved(RGB, "JPEG", exif=EXIF),
        lambda content: opened(content).transpose(Image.Transpose.ROTATE_270),
    ),
    "sideways, 16 bits.png": (
        saved(Image.fromarray(deep(1)), exif=EXIF),
        upper(np.rot90(deep(1), -1)),
    ),
    "sideways palette with alpha.png": (
        saved(PALETTE, transparency=LEVELS, exif=EXIF),
        on_white(SEE_THROUGH).transpose(Image.Transpose.ROTATE_270),
    ),
    "photograph.jpg": (saved(RGB, "JPEG"), opened),
    "cmyk.jpg": (saved(RGB.convert("CMYK"), "JPEG"), opened),
    "several.gif": (saved(RGB, "GIF", **SEVERAL), opened),
    "several.png": (saved(CLEAR, **SEVERAL), on_white(CLEAR)),
    "several.webp": (
        saved(CLEAR, "WEBP", lossless=True, exact=True, **SEVERAL),
        lambda content: on_white(Image.open(io.BytesIO(content))),
    ),
    "several.tiff": (saved(CLEAR, "TIFF", **SEVERAL), on_white(CLEAR)),
    "as it is": (saved(RGB.resize((32, 32))), RGB.resize((32, 32))),
}
"""The name of a file → its content, and the picture that a network is to see of it."""


def cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


BAD: dict[str, tuple[bytes, str]] = {
    "float.tiff": (saved(Image.new("F", SIZE), "TIFF"), "its mode is F, pixels of no known range"),
    "32 bits.tiff": (saved(Image.new("I", SIZE), "TIFF"), "its mode is I, pixels of no known"),
    "empty.png": (b"", "it is empty"),
    "text.png": (b"text", "it is no picture of a known kind"),
    "no pixels.ppm": (b"P6\n0 0\n255\n", "it is no picture of a known kind"),
    "program.eps": (saved(RGB, "EPS"), "an EPS file is a program"),
    "cut.png": (cut(saved(RGB)), "truncated"),
    "cut, 16 bits.png": (cut(png(deep(1))), "truncated"),
    "cut.jpg": (cut(saved(RGB, "JPEG")), "truncated"),
    "cut.webp": (cut(saved(RGB, "WEBP")), "could not create decoder"),
    "cut.tiff": (cut(saved(RGB, "TIFF")), "truncated"),
    "cut.gif": (cut(saved(RGB, "GIF")), "truncated"),
    "cut, several.gif": (cut(saved(RGB, "GIF", **SEVERAL)), "it is damaged: "),
}
"""The name of a file → its content, and why it is refused."""
