"""Claims about what the user is told before a study starts."""

import pytest

from hypertuning.search.halving import sweep
from hypertuning.search.sampler import Listed
from hypertuning.stages.options import Images
from hypertuning.stages.study.planning import other_images
from hypertuning.stages.study.searches import Search

HAD = {"dataset": "digits", "train_size": 600, "val_size": 60, "split_seed": 0}


@pytest.mark.parametrize(
    ("had", "trains_on", "told"),
    [
        (None, {}, None),
        (HAD, {}, None),
        (HAD, {"train_size": 900}, "dataset=digits, train_size=900, val_size=60, split_seed=0"),
        (HAD, {"split_seed": 1}, "dataset=digits, train_size=600, val_size=60, split_seed=1"),
        (HAD, {"dataset": "cifar10"}, "dataset=cifar10, train_size=600, val_size=60, split_seed=0"),
    ],
)
def test_losses_on_other_images_are_said_not_to_compare(had, trains_on, told):
    search = Search("train", "train", 1, Listed([]), lambda: sweep(1, 1), found_on=had)
    now = {**HAD, **trains_on}
    images = {"name": "x", "digest": "x", "classes": [], "train": now["train_size"], "val": 60}
    all_and_a_tenth = {"train_size": 0, "val_size": 0}  # the data set says how many that is
    said = other_images(search, images, Images(**{**now, **all_and_a_tenth}))
    that = "the search had dataset=digits, train_size=600, val_size=60, split_seed=0"
    assert said == ([f"it trains on {told}, {that}: their losses do not compare"] if told else [])
