import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hypertuning.config import UserError
from hypertuning.learn import data
from hypertuning.learn.cache import read_labels
from hypertuning.learn.data import sizes
from hypertuning.learn.splits import Split, load, load_test, normalise


@pytest.fixture
def cache_of(tmp_path):
    """A cache folder with so many training images of each class."""

    def make(*counts: int):
        labels = np.repeat(np.arange(len(counts)), counts)
        np.save(tmp_path / "train_labels.npy", labels)
        np.save(tmp_path / "train_images.npy", np.zeros((len(labels), 3, 32, 32), np.uint8))
        meta = {"dataset": "made", "classes": [f"c{i}" for i in range(len(counts))], "test": 0}
        meta |= {"digest": "0", "train": len(labels)}
        (tmp_path / "meta.json").write_text(json.dumps(meta))
        return tmp_path

    return make


def members(split: Split) -> set[int]:
    return set(split.indices.tolist())


def class_counts(split: Split) -> list[int]:
    return split.labels[split.indices].bincount().tolist()


@pytest.mark.parametrize(("train_size", "val_size"), [(0, 0), (1000, 200), (50, 50), (0, 77)])
def test_splits_are_disjoint_and_as_large_as_asked(digits, train_size, val_size):
    splits = load(digits, train_size, val_size, split_seed=0)
    assert not members(splits.train) & members(splits.val)
    val_size = val_size or 143
    assert (len(splits.train), len(splits.val)) == (train_size or 1437 - val_size, val_size)
    assert sizes(digits, train_size, val_size) == (train_size or 1437 - val_size, val_size)
    assert len(members(splits.train)) == len(splits.train)


def test_a_tenth_is_for_validation(cache_of):
    assert sizes(cache_of(*[500] * 10), 0, 0) == (4500, 500)


@pytest.mark.parametrize(
    ("train_size", "val_size"), [(4500, 500), (1000, 100), (123, 77), (10, 10)]
)
def test_equal_classes_get_equal_shares(cache_of, train_size, val_size):
    splits = load(cache_of(*[500] * 10), train_size, val_size, split_seed=0)
    for split in (splits.train, splits.val):
        assert max(class_counts(split)) - min(class_counts(split)) <= (len(split) % 10 > 0)


@pytest.mark.parametrize("share", [0.1, 0.37, 0.5])
def test_unequal_classes_get_shares_in_proportion(cache_of, share):
    counts = np.array([400, 300, 200, 100])
    splits = load(cache_of(*counts), 0, int(1000 * share), split_seed=0)
    assert np.abs(class_counts(splits.val) - counts * share).max() <= 1
    assert np.abs(class_counts(splits.train) - counts * (1 - share)).max() <= 1


def test_the_split_depends_on_its_seed_alone(digits):
    first, again, other = (load(digits, 500, 100, split_seed=seed) for seed in (3, 3, 4))
    assert members(first.val) == members(again.val) != members(other.val)
    assert members(first.train) == members(again.train) != members(other.train)
    torch.manual_seed(5)
    np.random.seed(5)
    assert members(load(digits, 500, 100, split_seed=3).val) == members(first.val)


def test_the_first_validation_images_never_change(digits):
    # A change here makes the losses of earlier studies incomparable with those of later ones.
    assert load(digits, 0, 0, split_seed=0).val.indices[:10].tolist() == PINNED


PINNED = [12, 960, 1400, 1143, 1160, 1030, 226, 1312, 1268, 880]


@given(st.integers(10, 1300), st.integers(10, 1300))
def test_training_splits_nest_and_validation_stays(digits, one, other):
    small, large = (load_indices(digits, size) for size in sorted((one, other)))
    assert small[0] <= large[0]
    assert small[1] == large[1]


def load_indices(cache, train_size: int) -> tuple[set[int], set[int]]:
    splits = data.split(read_labels(cache, "train"), range(10), train_size, 137, 0)
    return tuple(set(indices.tolist()) for indices in splits)


def test_mean_and_deviation_are_of_the_training_images_alone(digits):
    splits = load(digits, 300, 100, split_seed=0)
    pixels = splits.train.images[splits.train.indices].double()
    assert splits.mean.tolist() == pytest.approx(pixels.mean((0, 2, 3)).tolist())
    assert splits.std.tolist() == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist())
    normal = normalise(splits.train.images[splits.train.indices], splits.mean, splits.std)
    assert normal.is_contiguous(memory_format=torch.channels_last)
    assert normal.mean((0, 2, 3)).tolist() == pytest.approx([0] * 3, abs=1e-5)
    assert normal.std((0, 2, 3)).tolist() == pytest.approx([1] * 3, abs=1e-4)


def test_images_of_one_grey_level_stay_finite(cache_of):
    splits = load(cache_of(20, 20), 0, 0, split_seed=0)
    assert normalise(splits.train.images, splits.mean, splits.std).isfinite().all()


@pytest.mark.parametrize("batch_size", [1, 7, 50, 149, 150, 1000])
def test_batches_hold_every_image_once_and_are_equal_but_for_one(few_digits, batch_size):
    split = few_digits.train
    order = torch.randperm(len(split))
    batches = list(split.batches(order, batch_size))
    chosen = split.indices[order]
    assert torch.equal(torch.cat([images for images, _ in batches]), split.images[chosen])
    assert torch.equal(torch.cat([labels for _, labels in batches]), split.labels[chosen])
    lengths = [len(labels) for _, labels in batches]
    assert max(lengths) <= batch_size and max(lengths) - min(lengths) <= 1


def test_a_copy_for_a_gpu_is_the_same_split(few_digits):
    meta = few_digits.val.to(torch.device("meta"))
    assert (len(meta), meta.images.shape) == (70, (70, 3, 32, 32))
    assert few_digits.val.to(torch.device("cpu")) is few_digits.val


def test_test_images_are_none_of_the_splits(digits):
    test = load_test(digits)
    assert len(test) == 360
    train = np.load(digits / "train_images.npy").reshape(1437, -1)
    seen = {image.tobytes() for image in train}
    assert sum(image.tobytes() in seen for image in test.images.numpy().reshape(360, -1)) == 0


def test_only_registry_asks_for_test():
    package = Path(data.__file__).parents[1]
    asking = [path for path in package.rglob("*.py") if "load_test" in path.read_text()]
    assert {path.relative_to(package).parts[0] for path in asking} <= {"learn", "registry"}


def test_a_set_without_test_images_says_so(cache_of):
    with pytest.raises(UserError, match="made has no test images"):
        load_test(cache_of(10, 10))


# bad input


@pytest.mark.parametrize(
    ("counts", "train_size", "val_size", "message"),
    [
        ([50, 50], 91, 10, r"`train_size` \(=91\) and `val_size` \(=10\) must not exceed the 100 "),
        ([50, 50], 101, 0, r"`train_size` \(=101\) and `val_size` \(=10\) must not exceed"),
        ([50, 50], 0, 100, r"`val_size` \(=100\) must not exceed the 100 training images"),
        ([50, 50], 0, 1, r"`val_size` \(=1\) leaves no image of class 'c1'"),
        ([97, 3], 0, 10, r"`val_size` \(=10\) leaves no image of class 'c1'"),
        ([50, 50], 1, 10, r"`train_size` \(=1\) leaves no image of class 'c1'"),
        (
            [1, 9, 1],
            0,
            0,
            r"two training images at .* few: 'c0' \(1\), 'c2' \(1\); add",
        ),
    ],
)
def test_sizes_that_the_images_do_not_hold_are_refused(
    cache_of, counts, train_size, val_size, message
):
    cache = cache_of(*counts)
    for check in (sizes, lambda *given: load(*given, split_seed=0)):
        with pytest.raises(UserError, match=message):
            check(cache, train_size, val_size)


@given(st.lists(st.integers(2, 40), min_size=1, max_size=6), st.integers(0, 99), st.integers(0, 99))
def test_what_the_refusal_of_a_size_advises_is_taken(counts, train_size, val_size):
    labels, given = np.repeat(np.arange(len(counts)), counts), {}
    labels = labels[data._stratified_order(labels, seed=0)]
    val_size, train_size = min(val_size, len(labels) - 1), max(1, train_size)
    for _ in range(3):
        try:
            return data._check_split(labels, range(len(counts)), **{
                "train_size": train_size, "val_size": val_size, "asked_by": "train_size", **given
            })  # fmt: skip
        except UserError as error:
            name, *numbers = re.findall(r"`(\w+_size)` \(|(?:from|to|least) (\d+)", str(error))
            given[name[0]] = int(numbers[-1][1])
    raise AssertionError("the advice does not help")
