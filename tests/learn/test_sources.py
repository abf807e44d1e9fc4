import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from cifar10_files import BATCH, CLASSES, write_archive, write_batches

from hypertuning.config import UserError
from hypertuning.learn import data, download
from hypertuning.learn.cache import map_images, read_labels, read_meta


def images_of(cache: Path, part: str) -> np.ndarray:
    return map_images(cache, part)


def test_digits_are_large_coloured_and_a_fifth_of_them_is_for_test(digits):
    images, meta = images_of(digits, "train"), read_meta(digits)
    assert images.shape == (1437, 3, 32, 32) and images.dtype == np.uint8
    assert images.min() == 0 and images.max() == 255
    assert (meta["dataset"], meta["train"], meta["test"]) == ("digits", 1437, 360)
    assert np.bincount(read_labels(digits, "test")).min() >= 34  # of 36 per class on average


@pytest.mark.parametrize("place", ["data_dir", "dataset"])
def test_cifar10_batches_are_used_where_they_lie(tmp_path, place):
    images = write_batches(tmp_path)
    dataset = "cifar10" if place == "data_dir" else str(tmp_path)
    cache = data.prepare(dataset, tmp_path if place == "data_dir" else tmp_path / "other")
    assert (images_of(cache, "train") == images[:-BATCH]).all()
    assert (images_of(cache, "test") == images[-BATCH:]).all()
    assert read_meta(cache)["classes"] == list(CLASSES)
    assert read_labels(cache, "test").tolist() == [0, 1, 2, 0, 1, 2]


def test_an_archive_is_checked_before_it_is_read(tmp_path, monkeypatch):
    path = write_archive(tmp_path)
    with pytest.raises(UserError, match=f"{path} is broken"):
        data.prepare("cifar10", tmp_path)
    monkeypatch.setattr(download, "CIFAR10", download.CIFAR10._replace(md5=download.md5(path)))
    assert read_meta(data.prepare("cifar10", tmp_path))["train"] == 5 * BATCH


class Attack:
    def __reduce__(self):
        return os.mkdir, ("attacked",)


def test_a_batch_can_run_no_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_batches(tmp_path)
    batch = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(pickle.dumps({"data": Attack(), "labels": []}, protocol=2))
    with pytest.raises(UserError, match=r"cannot be read as CIFAR-10.*posix.mkdir has no place"):
        data.prepare("cifar10", tmp_path)
    assert not Path("attacked").exists()


def test_a_missing_batch_is_told_of(tmp_path):
    write_batches(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "test_batch").unlink()
    with pytest.raises(UserError, match="cifar-10-batches-py cannot be read as CIFAR-10"):
        data.prepare("cifar10", tmp_path)


# bad input


def refusal(dataset: object, tmp_path: Path) -> str:
    """The one line that a data set is refused with; it leaves no cache behind."""
    with pytest.raises(UserError) as error:
        data.prepare(str(dataset), tmp_path / "data")
    assert not list((tmp_path / "data").glob("cache/*"))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_an_unknown_data_set_is_refused_with_what_is_allowed(tmp_path):
    message = (
        "`dataset` must be 'cifar10', 'digits' or a folder with train/<class>/ images, got 'mnist'"
    )
    assert refusal("mnist", tmp_path) == message


def test_what_the_user_may_not_read_is_named(tmp_path, monkeypatch):
    archive = tmp_path / download.CIFAR10.name
    archive.touch()

    def forbidden(path: Path) -> str:  # file modes do not stop the superuser, who may run this
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(download, "md5", forbidden)
    assert refusal(tmp_path, tmp_path) == f"{archive} cannot be read: Permission denied"


def test_a_data_set_whose_path_no_store_takes_is_named(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    assert refusal(folder, tmp_path).startswith(rf"`dataset`: {tmp_path}/caf\xe9 is not UTF-8")
