"""Claims about folders of images: what is a class, what is an image, and what is wrong at once."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hypertuning.config import UserError
from hypertuning.learn import data
from hypertuning.learn.cache import map_images, read_labels, read_meta
from hypertuning.registry.pictures import read


def prepared(folder: Path, tmp_path: Path) -> Path:
    return data.prepare(str(folder), tmp_path / "data")


def images_of(cache: Path, part: str) -> np.ndarray:
    return map_images(cache, part)


def refusal(folder: Path, tmp_path: Path) -> str:
    """The one line that a folder is refused with; it leaves no cache behind."""
    with pytest.raises(UserError) as error:
        prepared(folder, tmp_path)
    assert not list((tmp_path / "data").glob("cache/*"))
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK", "1"])
@pytest.mark.parametrize("size", [(32, 32), (8, 8), (50, 20)])
def test_images_of_any_size_and_mode_become_32_by_32_and_rgb(write_images, tmp_path, mode, size):
    folder = write_images(train_cat=1, train_dog=1)
    suffix = "jpg" if mode == "CMYK" else "png"
    white = Image.new("L", size, 255).convert("RGB").convert(mode)
    white.save(folder / "train" / "dog" / f"white.{suffix}")
    images = images_of(prepared(folder, tmp_path), "train")
    assert images.shape == (3, 3, 32, 32)
    assert (images[-1] >= 254).all()


def test_what_is_trained_on_is_what_is_predicted_on(write_images, tmp_path):
    folder = write_images(train_cat=1, train_dog=1)
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (40, 20, 4), np.uint8))
    for mode in ("RGBA", "LA", "P", "L", "RGB"):
        noise.convert(mode).save(folder / "train" / "cat" / f"{mode}.png")
    deep = Image.fromarray(rng.integers(0, 65536, (9, 9), np.uint16))
    deep.save(folder / "train" / "cat" / "deep.png")
    (folder / "train" / "cat" / "more").symlink_to(folder / "train" / "dog")
    trained = images_of(prepared(folder, tmp_path), "train")
    shown = [picture.pixels.values for picture in read(folder / "train" / "cat")]
    assert len(shown) == 8
    assert (np.stack(shown) == trained[:8]).all()


def test_labels_are_those_of_the_training_classes_even_if_test_has_fewer(write_images, tmp_path):
    folder = write_images(train_cat=2, train_dog=1, test_dog=3)
    cache = prepared(folder, tmp_path)
    assert read_labels(cache, "train").tolist() == [0, 0, 1]
    assert read_labels(cache, "test").tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "left",
    ["cat/.DS_Store", ".ipynb_checkpoints/a.png", "cat/.ipynb_checkpoints/0000.png",
     "cat/Thumbs.db", "cat/@eaDir/0000.png", "@eaDir/a.png", "__MACOSX/cat/._0000.png"],
)  # fmt: skip
def test_what_systems_leave_behind_is_no_image_and_no_class(write_images, tmp_path, left):
    folder = write_images(train_cat=2, train_dog=1)
    file = folder / "train" / left
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes((folder / "train/cat/0000.png").read_bytes())
    meta = read_meta(prepared(folder, tmp_path))
    assert (meta["classes"], meta["train"], meta["notes"]) == (["cat", "dog"], 3, [])


def test_a_folder_may_lie_in_one_that_begins_with_a_dot(write_images, tmp_path):
    folder = write_images(train_cat=2, train_dog=1).rename(tmp_path / ".hidden")
    assert read_meta(prepared(folder, tmp_path))["train"] == 3


def test_images_of_a_folder_within_a_class_belong_to_it(write_images, tmp_path):
    folder = write_images(train_cat=2, train_dog=1)
    (folder / "train" / "cat").rename(folder / "train" / "dog" / "more")
    (folder / "train" / "cat").mkdir()
    (folder / "train/dog/0000.png").rename(folder / "train/cat/0000.png")
    assert read_labels(prepared(folder, tmp_path), "train").tolist() == [0, 1, 1]


def test_images_are_in_the_order_of_their_names(write_images, tmp_path):
    folder = write_images(train_cat=25, train_dog=25)
    images = images_of(prepared(folder, tmp_path), "train")
    assert images[:, 0, 0, 0].tolist() == 2 * list(range(0, 250, 10))


def test_file_names_need_not_be_utf_8(write_images, tmp_path):
    folder = write_images(train_cat=1, train_dog=1)
    (folder / "train/cat/0000.png").rename(folder / "train/cat" / os.fsdecode(b"caf\xe9.png"))
    assert read_meta(prepared(folder, tmp_path))["train"] == 2


@pytest.mark.parametrize("apart", ["train", "test"])
def test_an_accent_is_the_same_letter_however_it_is_encoded(write_images, tmp_path, apart):
    folder = write_images(train_café=1, train_cafz=1, test_café=1)
    for part in ("train", "test"):
        form = "NFD" if part == apart else "NFC"
        # Python writes the names of arguments composed
        (folder / part / "café").rename(folder / part / unicodedata.normalize(form, "café"))
    cache = prepared(folder, tmp_path)
    assert sorted(read_meta(cache)["classes"]) == ["cafz", "café"]
    named = read_meta(cache)["classes"][read_labels(cache, "test")[0]]
    assert named == "café" == unicodedata.normalize("NFC", named)


def test_notes_say_what_was_done_to_the_images_and_what_was_left_out(
    write_images, tmp_path, caplog
):
    folder = write_images(train_cat=1, train_dog=1, test_cat=1)
    Image.new("RGBA", (96, 64)).save(folder / "train" / "cat" / "clear.png")
    (folder / "train" / "labels.csv").write_text("0000.png,cat")
    notes = [
        "train: 1 file is in no class folder and left out, such as train/labels.csv",
        "train: pictures that are transparent in places, laid on white: 1 of 3",
    ]
    for _ in range(2):  # also where they are decoded already
        caplog.clear()
        with caplog.at_level("INFO", "hypertuning"):
            assert read_meta(prepared(folder, tmp_path))["notes"] == notes
        assert caplog.messages[-2:] == notes


# bad input


def test_a_folder_without_train_is_refused(tmp_path):
    assert refusal(tmp_path, tmp_path).startswith(f"{tmp_path} has no folder train/")


def test_a_train_folder_without_classes_is_refused(tmp_path):
    (tmp_path / "train").mkdir()
    assert f"{tmp_path}/train: it has no class folder" in refusal(tmp_path, tmp_path)


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("left", [None, "Thumbs.db", ".DS_Store"])
def test_a_class_without_an_image_is_named(write_images, tmp_path, part, left):
    folder = write_images(train_cat=1, train_dog=1, test_cat=1)
    (folder / part / "dog").mkdir(exist_ok=True)
    for image in (folder / part / "dog").iterdir():
        image.unlink()
    if left:
        (folder / part / "dog" / left).touch()
    assert refusal(folder, tmp_path) == f"{folder}/{part}/dog: class 'dog' has no image"


@pytest.mark.parametrize(("name", "hint"), [("cow", ""), ("Cat", "; there it is written 'cat'")])
def test_a_class_of_test_that_train_lacks_is_named(write_images, tmp_path, name, hint):
    folder = write_images(train_cat=1, train_dog=1, **{f"test_{name}": 1})
    said = f"{folder}/test/{name}: class {name!r} is not in train/{hint}"
    assert refusal(folder, tmp_path) == said


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [("Cat", "cat", "case"), ("café", "cafe\u0301", "the spelling of accents"),
     ("CAFÉ", "cafe\u0301", "case")],
)  # fmt: skip
def test_classes_that_look_alike_are_refused(write_images, tmp_path, one, other, what):
    folder = write_images(train_dog=1)
    for name in (one, other):
        (folder / "train" / name).mkdir()
        Image.new("L", (8, 8)).save(folder / "train" / name / "a.png")
    said = refusal(folder, tmp_path)
    assert f"by {what} alone" in said
    assert f"train/{one}" in said and f"train/{other}" in said


@pytest.mark.parametrize(
    ("name", "says"),
    [(b"two\nlines", r"two\u000alines: a class cannot have this name"),
     (b"caf\xe9", r"caf\xe9: a class cannot have this name"),
     (b"c" * 201, "a class's name may have 200 letters; it has 201")],
)  # fmt: skip
def test_a_class_that_the_store_cannot_name_is_refused(write_images, tmp_path, name, says):
    folder = write_images(train_cat=1, train_dog=1)
    (folder / "train" / "dog").rename(folder / "train" / os.fsdecode(name))
    assert says in refusal(folder, tmp_path)


@pytest.mark.parametrize("content", [b"no image", b"", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_image_is_named(write_images, tmp_path, content):
    folder = write_images(train_cat=3, train_dog=1)
    broken = folder / "train" / "cat" / "notes.txt"
    broken.write_bytes(content)
    assert refusal(folder, tmp_path).startswith(f"{broken}: cannot be read: it is ")


def test_all_that_is_wrong_with_the_folders_is_named_at_once(write_images, tmp_path):
    folder = write_images(train_cat=1, train_dog=1, test_cow=1)
    os.mkfifo(folder / "train" / "cat" / "pipe.png")
    (folder / "train" / "cat" / "link.png").symlink_to("/nowhere")
    (folder / "train" / "cat" / "loop").symlink_to(".")
    (folder / "train" / "bird").mkdir()
    said = refusal(folder, tmp_path)
    assert said.startswith(f"5 things are wrong in {folder}: ")
    for fault in (
        "train/bird: class 'bird' has no image",
        "train/cat/link.png: it is a link that leads nowhere",
        "train/cat/loop: it is a link back",
        "train/cat/pipe.png: it is a pipe, not a file",
        "test/cow: class 'cow' is not in train/",
    ):
        assert fault in said


def test_all_files_that_are_no_images_are_named_at_once(write_images, tmp_path):
    folder = write_images(train_cat=1, train_dog=1, test_cat=1)
    for number in range(12):
        (folder / "train" / "cat" / f"{number:02d}.txt").write_text("text")
    (folder / "test" / "cat" / "empty.png").touch()
    said = refusal(folder, tmp_path)
    assert said.startswith(f"13 things are wrong in {folder}: train/cat/00.txt: cannot be read: ")
    assert said.endswith("; and 3 more")
