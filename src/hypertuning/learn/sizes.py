"""The sizes of the images before and after decoding, in words."""

from collections.abc import Iterable

from hypertuning.geometry import IMAGE_SIZE

NAMED = 3
"""Sizes that are listed; of more, the smallest and the largest are named."""


def sizes_in_words(found: Iterable[tuple[int, int]]) -> str:
    """Say how sizes (width, height) have changed: `96×96 and 128×64 → 32×32, stretched`."""
    sizes = sorted(set(found))
    trained = (IMAGE_SIZE, IMAGE_SIZE)
    if sizes == [trained]:
        return _words(trained)
    if len(sizes) > NAMED:
        by_pixels = sorted(sizes, key=lambda size: size[0] * size[1])
        named = f"{len(sizes):,} sizes from {_words(by_pixels[0])} to {_words(by_pixels[-1])}"
    else:
        *first, last = map(_words, sizes)
        named = f"{', '.join(first)} and {last}" if first else last
    stretched = ", stretched" if any(width != height for width, height in sizes) else ""
    return f"{named} → {_words(trained)}{stretched}"


def _words(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
