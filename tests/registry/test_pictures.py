"""Claims about pictures to predict: none is missed, and what is none is named."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hypertuning.registry.pictures import read
from hypertuning.registry.predict import predict


def test_files_that_are_no_pictures_are_named_with_the_reason(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png")
    (tmp_path / "a.txt").write_text("no picture")
    (tmp_path / "c.png").write_bytes((tmp_path / "b.png").read_bytes()[:40])
    (tmp_path / ".hidden").write_text("")
    (tmp_path / "Thumbs.db").write_text("")
    (tmp_path / "link.png").symlink_to("/nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    found = list(read(tmp_path))
    assert [(p.file.name, p.pixels is None) for p in found] == [
        ("a.txt", True), ("b.png", False), ("c.png", True), ("link.png", True), ("pipe.png", True),
    ]  # fmt: skip
    assert "no picture of a known kind" in found[0].reason
    assert all("\n" not in picture.reason for picture in found)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: None, Path.touch])
def test_a_single_file_that_is_none_is_named_and_not_waited_for(tmp_path, make):
    make(tmp_path / "picture.png")
    (only,) = read(tmp_path / "picture.png")
    assert only.pixels is None and only.reason


def test_folders_are_read_to_the_bottom_and_behind_links(tmp_path):
    for place in ("z.png", "a/b.png", "a/a.png"):
        (tmp_path / "pictures" / place).parent.mkdir(exist_ok=True, parents=True)
        Image.new("L", (4, 4)).save(tmp_path / "pictures" / place)
    (tmp_path / "elsewhere").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "elsewhere" / "c.png")
    (tmp_path / "pictures" / "b").symlink_to("../elsewhere")
    (tmp_path / "pictures" / "a" / "up").symlink_to("..")
    found = list(read(tmp_path / "pictures"))
    names = [str(picture.file.relative_to(tmp_path / "pictures")) for picture in found]
    assert names == ["z.png", "a/a.png", "a/b.png", "b/c.png", "a/up"]
    assert found[-1].reason == "it is a link back to a folder that it lies in"


def test_the_three_most_probable_classes_stand_in_their_order(model, tmp_path, all_digits):
    image = all_digits.train.images[0].numpy().transpose(1, 2, 0)
    Image.fromarray(image).save(tmp_path / "digit.png")
    row = predict(model, list(read(tmp_path))).iloc[0]
    shares = row.filter(regex="^p_").astype(float).sort_values(ascending=False)
    expected = [f"{name[2:]} {share:.3f}" for name, share in shares.head(3).items()]
    assert row["top_3"] == ", ".join(expected)
    assert row["class"] == shares.index[0][2:]
    assert row["file"] == str(tmp_path / "digit.png")


def test_a_file_name_of_any_bytes_can_be_written_and_tells_its_file(model, tmp_path):
    names = [b"caf\xe9.png", rb"caf\xe9.png", b"two\nlines.png", "é.png".encode()]
    for name in names:
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / os.fsdecode(name), "PNG")
    table = predict(model, list(read(tmp_path)))
    table.to_csv(tmp_path / "out.csv", index=False)
    assert set(table["file"].str.removeprefix(f"{tmp_path}/")) == {
        r"caf\xe9.png", r"caf\\xe9.png", r"two\u000alines.png", "é.png"
    }  # fmt: skip
