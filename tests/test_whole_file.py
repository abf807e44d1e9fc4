"""Claims about files that are written whole: the old one or the new one, whatever goes wrong."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hypertuning import whole_file
from hypertuning.whole_file import remove_unfinished, replacing, write_whole


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@pytest.mark.parametrize("content", ["schön", "schön".encode(), memoryview("schön".encode())])
def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path, content):
    file = tmp_path / "study.json"
    file.write_text("old")
    write_whole(file, content)
    assert file.read_text() == "schön"
    assert names(tmp_path) == {"study.json"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_cannot_be_written_leaves_the_old_file(tmp_path, monkeypatch, error):
    def full(descriptor: int) -> None:
        raise error

    file = tmp_path / "study.json"
    write_whole(file, "old")
    monkeypatch.setattr(whole_file.os, "fsync", full)
    with pytest.raises(type(error)):
        write_whole(file, "new")
    assert file.read_text() == "old"
    assert names(tmp_path) == {"study.json"}


def test_it_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    flushed = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        flushed.append((os.readlink(f"/proc/self/fd/{descriptor}"), names(tmp_path)))
        fsync(descriptor)

    monkeypatch.setattr(whole_file.os, "fsync", noted)
    with replacing(tmp_path / "cache") as folder:
        (folder / "inner").mkdir(parents=True)
        (folder / "inner/images.npy").write_bytes(b"1")
    beside = f"{tmp_path}/cache.unfinished/inner/images.npy"
    assert flushed == [(beside, {"cache.unfinished"})]
    assert (tmp_path / "cache/inner/images.npy").read_bytes() == b"1"


WRITE = """
import sys, time
from pathlib import Path
from hypertuning.whole_file import replacing
with replacing(Path(sys.argv[1]), shared=sys.argv[2] == "shared") as beside:
    beside.write_text("half")
    print("written", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", ["alone", "shared"])
def test_a_writer_that_is_killed_leaves_the_old_file_and_is_in_nobodys_way(tmp_path, how):
    file = tmp_path / "t0001.pt"
    write_whole(file, "old")
    command = [sys.executable, "-c", WRITE, str(file), how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "written\n"
        if how == "shared":
            write_whole(file, "new", shared=True)
            assert len(names(tmp_path)) == 2, "each writes beside the other"
        writer.send_signal(signal.SIGKILL)
    assert file.read_text() == ("new" if how == "shared" else "old")
    if how == "alone":
        write_whole(file, "new")
    remove_unfinished(tmp_path)
    assert names(tmp_path) == {"t0001.pt"}
    assert file.read_text() == "new"
