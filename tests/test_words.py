"""Claims about numbers with the thing that they count."""

import pytest

from hypertuning.words import counted


@pytest.mark.parametrize(
    ("count", "things", "said"),
    [
        (0, ["trial"], "0 trials"),
        (1, ["trial"], "1 trial"),
        (2, ["trial"], "2 trials"),
        (1, ["study", "studies"], "1 study"),
        (3, ["study", "studies"], "3 studies"),
        (45000, ["image"], "45,000 images"),
    ],
)
def test_one_thing_is_singular_and_all_other_counts_are_plural(count, things, said):
    assert counted(count, *things) == said
