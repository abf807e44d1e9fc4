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


@pytest.mark.parametrize(
    "hidden", ["cat/.DS_Store", ".ipynb_checkpoints/a.png", "cat/.ipynb_checkpoints/0000.png"]
)
def test_what_begins_with_a_dot_is_no_image_and_no_class(write_images, tmp_path, hidden):
    folder = write_images(train_cat=2, train_dog=1)
    file = folder / "train" / hidden
    file.parent.mkdir(exist_ok=True)
    file.write_bytes((folder / "train/cat/0000.png").read_bytes())
    meta = read_meta(data.prepare(str(folder), tmp_path / "data"))
    assert (meta["classes"], meta["train"]) == (["cat", "dog"], 3)


def test_a_folder_may_lie_in_one_that_begins_with_a_dot(write_images, tmp_path):
    folder = write_images(train_cat=2, train_dog=1).rename(tmp_path / ".hidden")
    assert read_meta(data.prepare(str(folder), tmp_path / "data"))["train"] == 3


def test_images_of_a_folder_within_a_class_belong_to_it(write_images, tmp_path):
    folder = write_images(train_cat=2, train_dog=1)
    (folder / "train" / "cat").rename(folder / "train" / "dog" / "more")
    (folder / "train" / "cat").mkdir()
    (folder / "train/dog/0000.png").rename(folder / "train/cat/0000.png")
    labels = read_labels(data.prepare(str(folder), tmp_path / "data"), "train")
    assert labels.tolist() == [0, 1, 1]


def test_images_are_in_the_order_of_their_names(write_images, tmp_path):
    folder = write_images(train_cat=25, train_dog=25)
    images = images_of(data.prepare(str(folder), tmp_path / "data"), "train")
    assert images[:, 0, 0, 0].tolist() == 2 * list(range(0, 250, 10))


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


@pytest.mark.parametrize("target", ["/nowhere", "link.png"])
def test_a_link_that_leads_to_no_image_is_named(write_images, tmp_path, target):
    folder = write_images(train_cat=1, train_dog=1)
    link = folder / "train" / "cat" / "link.png"
    link.symlink_to(target)
    assert refusal(folder, tmp_path).startswith(f"{link} cannot be read: ")


def test_a_pipe_is_refused_and_not_waited_for(write_images, tmp_path):
    folder = write_images(train_cat=1, train_dog=1)
    os.mkfifo(folder / "train" / "cat" / "pipe.png")
    assert refusal(folder, tmp_path) == f"{folder}/train/cat/pipe.png is no file"


@pytest.mark.parametrize(("dtype", "suffix"), [("uint16", "png"), ("int32", "tif"), ("f4", "tif")])
def test_an_image_of_more_than_8_bits_is_not_cut_off(write_images, tmp_path, dtype, suffix):
    folder = write_images(train_cat=1, train_dog=1)
    deep = folder / "train" / "cat" / f"deep.{suffix}"
    Image.fromarray(np.full((32, 32), 1000, dtype)).save(deep)
    message = refusal(folder, tmp_path)
    assert message.startswith(f"{deep} is no image") and "8 bits per channel" in message


def test_what_the_user_may_not_read_is_named(tmp_path, monkeypatch):
    archive = tmp_path / download.CIFAR10.name
    archive.touch()

    def forbidden(path: Path) -> str:  # file modes do not stop the superuser, who may run this
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(download, "md5", forbidden)
    assert refusal(tmp_path, tmp_path) == f"{archive} cannot be read: Permission denied"
