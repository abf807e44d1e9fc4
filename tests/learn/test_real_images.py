"""The real pictures, if the user has them: CIFAR10_IMAGES=<folder with train/ and test/>."""

import numpy as np
import pytest

from hypertuning.learn import data, splits
from hypertuning.learn.cache import read_labels, read_meta

pytestmark = pytest.mark.slow  # 60,000 pictures are decoded


@pytest.fixture(scope="module")
def cache(real_images, tmp_path_factory):
    return data.prepare(str(real_images), tmp_path_factory.mktemp("data"))


def test_cifar10_is_whole(cache):
    meta = read_meta(cache)
    assert (meta["train"], meta["test"], len(meta["classes"])) == (50_000, 10_000, 10)
    assert set(np.bincount(read_labels(cache, "train")).tolist()) == {5000}


def test_the_default_split_is_that_of_the_design(cache):
    found = splits.load(cache, 0, 0, split_seed=0)
    assert (len(found.train), len(found.val)) == (45_000, 5_000)
    assert set(found.val.labels[found.val.indices].bincount().tolist()) == {500}
    # A change here makes the losses of earlier studies incomparable with those of later ones.
    assert found.val.indices[:10].tolist() == PINNED
    # The published figures of CIFAR-10, in grey levels; a JPEG keeps them within one.
    assert found.mean.tolist() == pytest.approx([125.3, 123.0, 113.9], abs=1)
    assert found.std.tolist() == pytest.approx([63.0, 62.1, 66.7], abs=1)


PINNED = [4214, 5892, 10377, 15123, 22391, 25461, 34451, 37810, 43565, 49155]
