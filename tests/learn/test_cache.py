import json
import os
import resource
import threading

import numpy as np
import pytest

from hypertuning.config import UserError
from hypertuning.learn import data, sources
from hypertuning.learn.cache import map_images, read_labels, read_meta


@pytest.fixture
def readings(monkeypatch) -> list:
    """A note of every time that a folder of images is decoded."""
    notes, read = [], sources.read_folder
    monkeypatch.setattr(
        sources, "read_folder", lambda folder: (notes.append(folder), read(folder))[1]
    )
    return notes


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"classes": 7}', b"\xff", b"[" * 100_000])
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("meta.json", read_meta),
        ("train_labels.npy", lambda cache: read_labels(cache, "train")),
        ("train_images.npy", lambda cache: map_images(cache, "train")),
    ],
)
def test_a_damaged_cache_is_named_with_what_to_delete(tmp_path, name, read, damage):
    (tmp_path / name).write_bytes(damage)
    with pytest.raises(UserError) as refusal:
        read(tmp_path)
    assert f"damaged: {tmp_path / name} (" in str(refusal.value)
    assert f"delete {tmp_path}" in str(refusal.value) and "\n" not in str(refusal.value)


def test_images_are_decoded_once(write_images, tmp_path, readings):
    folder = write_images(train_cat=2, train_dog=2)
    caches = {data.prepare(str(folder), tmp_path / "data") for _ in range(3)}
    assert len(caches) == len(readings) == 1


@pytest.mark.parametrize("change", ["touched", "larger", "renamed", "added", "removed"])
def test_images_are_decoded_again_when_the_source_has_changed(
    write_images, tmp_path, readings, change
):
    folder = write_images(train_cat=2, train_dog=2)
    first = data.prepare(str(folder), tmp_path / "data")
    image = folder / "train" / "cat" / "0001.png"
    match change:
        case "touched":
            os.utime(image, (1, 1))
        case "larger":
            image.write_bytes((folder / "train/dog/0001.png").read_bytes() + b" ")
        case "renamed":
            image.rename(image.with_name("0009.png"))
        case "added":
            image.with_name("0009.png").write_bytes(image.read_bytes())
        case "removed":
            image.unlink()
    assert data.prepare(str(folder), tmp_path / "data") != first
    assert len(readings) == 2


def test_processes_that_come_together_decode_once(write_images, tmp_path, readings):
    folder = write_images(train_cat=20, train_dog=20)
    together = [
        threading.Thread(target=data.prepare, args=(str(folder), tmp_path / "data"))
        for _ in range(4)
    ]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert len(readings) == 1


def test_the_digest_tells_pixels_apart_and_nothing_else(write_images, tmp_path):
    folder = write_images(train_cat=2, train_dog=2)
    digests = [read_meta(data.prepare(str(folder), tmp_path / "data"))["digest"]]
    os.utime(folder / "train" / "cat" / "0000.png", (1, 1))
    digests.append(read_meta(data.prepare(str(folder), tmp_path / "data"))["digest"])
    (folder / "train" / "cat" / "0000.png").write_bytes(
        (folder / "train/cat/0001.png").read_bytes()
    )
    digests.append(read_meta(data.prepare(str(folder), tmp_path / "data"))["digest"])
    assert digests[0] == digests[1] != digests[2]


def test_the_cache_is_what_it_says(write_images, tmp_path):
    cache = data.prepare(str(write_images(train_cat=2, train_dog=3)), tmp_path / "data")
    meta = json.loads((cache / "meta.json").read_text())
    assert meta["classes"] == ["cat", "dog"]
    assert (meta["dataset"], meta["train"], meta["test"]) == ("images", 5, 0)
    assert meta["sizes"] == "32×32"
    assert cache.is_absolute() and cache.parent == tmp_path / "data" / "cache"
    assert sorted(path.name for path in cache.iterdir()) == [
        "meta.json",
        "train_images.npy",
        "train_labels.npy",
    ]


def test_images_are_mapped_and_stay_as_they_are_on_disk(digits):
    images = map_images(digits, "train")
    images[0] = 77
    assert not (np.load(digits / "train_images.npy", mmap_mode="r")[0] == 77).all()
    with open("/proc/self/maps") as maps:
        assert str(digits / "train_images.npy") in maps.read()


def test_a_full_disk_leaves_nothing_half_written(write_images, tmp_path):
    folder = write_images(train_cat=20, train_dog=20)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # the images take 122,880 bytes
    try:
        with pytest.raises(UserError, match=r"could not be written.*MB are free"):
            data.prepare(str(folder), tmp_path / "data")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "data" / "cache").iterdir())


def test_what_a_kill_has_left_is_replaced(write_images, tmp_path):
    folder = write_images(train_cat=2, train_dog=2)
    cache = data.prepare(str(folder), tmp_path / "data")
    cache.rename(cache.with_name(f".{cache.name}"))
    assert data.prepare(str(folder), tmp_path / "data") == cache
    assert list(cache.parent.iterdir()) == [cache]


def test_a_data_dir_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(UserError, match=f"`data_dir` {tmp_path}/data cannot be used"):
        data.prepare("digits", tmp_path / "data")
