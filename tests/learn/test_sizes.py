"""Claims about how the sizes of images are said."""

import pytest

from hypertuning.learn.sizes import sizes_in_words


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([(32, 32), (32, 32)], "32×32"),
        ([(8, 8)], "8×8 → 32×32"),
        ([(128, 64), (96, 96)], "96×96 and 128×64 → 32×32, stretched"),
        ([(40, 40), (32, 32), (64, 64)], "32×32, 40×40 and 64×64 → 32×32"),
        (
            [(n, n + 9) for n in range(10, 1210)],
            "1,200 sizes from 10×19 to 1209×1218 → 32×32, stretched",
        ),
    ],
)
def test_sizes_are_said_as_found_and_as_trained(found, said):
    assert sizes_in_words(found) == said
