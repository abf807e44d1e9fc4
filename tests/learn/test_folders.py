"""Claims about the reader of folders: nothing is missed without a word, and nothing hangs."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertuning.config import UserError
from hypertuning.learn import folders
from hypertuning.learn.folders import as_text, files_below, refuse


@pytest.fixture
def put(tmp_path):
    """Write files below a folder."""

    def write(*names: str) -> Path:
        for name in names:
            file = tmp_path / "pictures" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("content")
        return tmp_path / "pictures"

    return write


def test_files_come_folder_by_folder_in_the_order_of_code_points(put):
    folder = put("b.png", "a/z.png", "a/a/a.png", "a-b/a.png", "B.png", "é.png", "a.png")
    files, faults = files_below(folder)
    assert files == ["B.png", "a.png", "b.png", "é.png", "a/z.png", "a-b/a.png", "a/a/a.png"]
    assert not faults


@pytest.mark.parametrize(
    "left",
    ["Thumbs.db", "THUMBS.DB", "desktop.ini", ".DS_Store", "._cat.png", "__MACOSX/._cat.png",
     "@eaDir/cat.png", ".ipynb_checkpoints/cat.png", "$RECYCLE.BIN/a.png", "#recycle/a.png",
     "cat/Icon\r", "lost+found/a.png", "cat/.git/a.png"],
)  # fmt: skip
def test_what_systems_leave_behind_is_passed_over(put, left):
    assert files_below(put("cat/cat.png", left)) == (["cat/cat.png"], {})


def test_links_are_followed(put, tmp_path):
    (put("here.png") / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "there.png").write_text("content")
    (tmp_path / "pictures" / "linked.png").symlink_to("here.png")
    assert files_below(tmp_path / "pictures").files == ["here.png", "linked.png", "more/there.png"]


def test_links_that_lead_back_are_named_and_nothing_is_read_twice(put):
    folder = put("a/one.png", "b/two.png")
    for link in ("a/up", "b/up", "b/again"):
        (folder / link).symlink_to("..")
    files, faults = files_below(folder)
    assert files == ["a/one.png", "b/two.png"]
    assert list(faults) == ["a/up", "b/again", "b/up"]
    assert set(faults.values()) == {"it is a link back to a folder that it lies in"}


def test_all_that_cannot_be_read_is_named_beside_what_can(put, monkeypatch):
    folder = put("cat.png", "shut/cat.png")
    os.mkfifo(folder / "pipe")
    (folder / "nowhere").symlink_to("/no/such/file")
    (folder / "round").symlink_to("round")
    scandir = os.scandir

    def shut(place):  # the superuser, who may run this, can open every folder
        if Path(place).name == "shut":
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(folders.os, "scandir", shut)
    assert files_below(folder) == (["cat.png"], {
        "nowhere": "it is a link that leads nowhere: No such file or directory",
        "pipe": "it is a pipe, not a file",
        "round": "it is a link that leads nowhere: Too many levels of symbolic links",
        "shut": "it cannot be opened: Permission denied",
    })  # fmt: skip


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder of folders, deeper than Python calls functions.

    It is taken away step by step: what pytest removes the folders of earlier runs with cannot,
    and ends the fourth run after this one in an error.
    """
    depth, here = 1100, os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        here = _step(here, "d")
    yield tmp_path
    for _ in range(depth):
        here = _step(here, "..")
        os.rmdir("d", dir_fd=here)
    os.close(here)


def _step(here: int, name: str) -> int:
    there = os.open(name, os.O_RDONLY, dir_fd=here)
    os.close(here)
    return there


def test_folders_may_be_as_deep_as_the_system_allows(deep):
    assert files_below(deep) == ([], {})


def test_the_first_ten_faults_are_named_and_all_are_counted(tmp_path):
    refuse(tmp_path, {})
    with pytest.raises(UserError) as one:
        refuse(tmp_path, {"cat/a.png": "it is empty"})
    assert str(one.value) == f"{tmp_path}/cat/a.png: it is empty"
    with pytest.raises(UserError) as many:
        refuse(tmp_path, {f"{n:02d}": "it is empty" for n in range(1234)})
    said = str(many.value)
    assert said.startswith(f"1,234 things are wrong in {tmp_path}: 00: it is empty; 01: it is")
    assert said.endswith("09: it is empty; and 1,224 more")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"caf\xc3\xa9 \xe3\x80\x80.png", "café \u3000.png"),
        (b"caf\xe9.png", r"caf\xe9.png"),
        (rb"caf\xe9.png", r"caf\\xe9.png"),
        (b"two\nlines", r"two\u000alines"),
        (b"-dash", "-dash"),
    ],
)
def test_a_name_is_shown_as_it_is_where_it_can_be(name, text):
    assert as_text(os.fsdecode(name)) == text


@given(st.binary(), st.binary())
def test_two_names_never_look_the_same(one, other):
    texts = [as_text(os.fsdecode(name)) for name in (one, other)]
    assert (texts[0] == texts[1]) == (one == other)
    assert all(text.encode() is not None and "\n" not in text for text in texts)
