import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from cifar10_files import BATCH, CLASSES, write_archive, write_batches
from PIL import Image

from hypertuning.config import UserError
from hypertuning.learn import data, download
from hypertuning.learn.cache import map_images, read_labels, read_meta


def images_of(cache: Path, part: str) -> np.ndarray:
    return map_images(cache, part).numpy()


def test_digits_are_large_coloured_and_a_fifth_of_them_is_for_test(digits):
    images, meta = images_of(digits, "train"), read_meta(digits)
    assert images.shape == (1437, 3, 32, 32) and images.dtype == np.uint8
    assert images.min() == 0 and images.max() == 255
    assert (meta["dataset"], meta["train"], meta["test"]) == ("digits", 1437, 360)
    assert read_labels(digits, "test").bincount().min() >= 34  # of 36 per class on average


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


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK", "1"])
@pytest.mark.parametrize("size", [(32, 32), (8, 8), (50, 20)])
def test_images_of_any_size_and_mode_become_32_by_32_and_rgb(write_images, tmp_path, mode, size):
    folder = write_images(train_cat=1, train_dog=1)
    suffix = "jpg" if mode == "CMYK" else "png"
    white = Image.new("L", size, 255).convert("RGB").convert(mode)
    white.save(folder / "train" / "dog" / f"white.{suffix}")
    images = images_of(data.prepare(str(folder), tmp_path / "data"), "train")
    assert images.shape == (3, 3, 32, 32)
    assert (images[-1] >= 254).all()


def test_labels_are_those_of_the_training_classes_even_if_test_has_fewer(write_images, tmp_path):
    folder = write_images(train_cat=2, train_dog=1, test_dog=3)
    cache = data.prepare(str(folder), tmp_path / "data")
    assert read_labels(cache, "train").tolist() == [0, 0, 1]
    assert read_labels(cache, "test").tolist() == [1, 1, 1]


def test_files_that_begin_with_a_dot_are_no_images(write_images, tmp_path):
    folder = write_images(train_cat=2, train_dog=1)
    (folder / "train" / "cat" / ".DS_Store").write_bytes(b"of a Mac")
    assert read_meta(data.prepare(str(folder), tmp_path / "data"))["train"] == 3


def test_more_images_than_one_chunk_stay_in_order(write_images, tmp_path):
    folder = write_images(train_cat=1, train_dog=1)
    for i in range(600):
        Image.new("RGB", (32, 32), (i // 256, i % 256, 0)).save(
            folder / "train/dog" / f"n{i:04d}.png"
        )
    pixels = images_of(data.prepare(str(folder), tmp_path / "data"), "train")[2:, :, 0, 0]
    assert (pixels[:, 0].astype(int) * 256 + pixels[:, 1] == np.arange(600)).all()


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


def test_a_folder_without_train_is_refused(tmp_path):
    assert refusal(tmp_path, tmp_path).startswith(f"{tmp_path} has no folder train/")


def test_a_train_folder_without_classes_is_refused(tmp_path):
    (tmp_path / "train").mkdir()
    assert f"{tmp_path}/train has no class folder" in refusal(tmp_path, tmp_path)


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_class_without_an_image_is_named(write_images, tmp_path, part):
    folder = write_images(train_cat=1, train_dog=1, test_cat=1)
    (folder / part / "dog").mkdir(exist_ok=True)
    for image in (folder / part / "dog").iterdir():
        image.unlink()
    assert "class 'dog' has no image" in refusal(folder, tmp_path)


def test_a_class_of_test_that_train_lacks_is_named(write_images, tmp_path):
    folder = write_images(train_cat=1, train_dog=1, test_cow=1)
    assert refusal(folder, tmp_path).startswith("class 'cow' is in")


@pytest.mark.parametrize("content", [b"no image", b"", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_image_is_named(write_images, tmp_path, content):
    folder = write_images(train_cat=3, train_dog=1)
    broken = folder / "train" / "cat" / "notes.txt"
    broken.write_bytes(content)
    assert refusal(folder, tmp_path).startswith(f"{broken} is no image that can be read")


def test_half_an_image_is_no_image(write_images, tmp_path):
    folder = write_images(train_cat=1, train_dog=1)
    half = folder / "train" / "cat" / "half.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(noise).save(half)
    half.write_bytes(half.read_bytes()[:-500])
    assert str(half) in refusal(folder, tmp_path)
