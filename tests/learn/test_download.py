import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from cifar10_files import write_archive

from hypertuning.config import UserError
from hypertuning.learn import data, download
from hypertuning.learn.download import Archive, fetch

CONTENT = np.random.default_rng(0).bytes(300_000)
ARCHIVE = Archive("small.tar.gz", len(CONTENT), hashlib.md5(CONTENT).hexdigest())


class Mirror(ThreadingHTTPServer):
    """A mirror on loopback; the first part of a path says how it behaves."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.ranges = content, []

    def url(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{behaviour}"


class _Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        behaviour = self.path.strip("/")
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if behaviour == "missing":
            return self.send_error(404)
        content = b"<html>not here</html>" if behaviour == "wrong" else self.server.content
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if behaviour == "no-ranges":
            start = 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cut = {"cut": 100_000, "dead": 0}.get(behaviour)
        self.wfile.write(content[start:][:cut])
        if behaviour == "longer":
            self.wfile.write(b"more")

    def log_message(self, *_) -> None: ...


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Mirror(CONTENT) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server
        server.shutdown()


@pytest.fixture
def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}/whole"


def leave_part(folder, content: bytes):
    (folder / "small.tar.gz.part").write_bytes(content)


def test_a_whole_archive_arrives_under_its_name(mirror, tmp_path):
    path = fetch(ARCHIVE, [mirror.url("whole")], tmp_path)
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [tmp_path / "small.tar.gz"]


def test_a_connection_that_breaks_is_resumed_where_it_broke(mirror, tmp_path):
    assert fetch(ARCHIVE, [mirror.url("cut")], tmp_path).read_bytes() == CONTENT
    assert mirror.ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_a_later_run_resumes_what_an_earlier_one_has_left(mirror, tmp_path):
    leave_part(tmp_path, CONTENT[:123])
    assert fetch(ARCHIVE, [mirror.url("whole")], tmp_path).read_bytes() == CONTENT
    assert mirror.ranges == ["bytes=123-"]


def test_a_mirror_without_ranges_starts_from_the_beginning(mirror, tmp_path):
    leave_part(tmp_path, CONTENT[:123])
    assert fetch(ARCHIVE, [mirror.url("no-ranges")], tmp_path).read_bytes() == CONTENT


def test_the_next_mirror_goes_on_where_the_last_one_died(mirror, tmp_path):
    leave_part(tmp_path, CONTENT[:123])
    urls = [mirror.url("dead"), mirror.url("whole")]
    assert fetch(ARCHIVE, urls, tmp_path).read_bytes() == CONTENT
    assert mirror.ranges == ["bytes=123-", "bytes=123-"]


@pytest.mark.parametrize("left", [b"other bytes", CONTENT[:-1] + b"?", CONTENT + b"more"])
def test_wrong_bytes_of_an_earlier_run_do_not_spoil_a_good_mirror(mirror, tmp_path, left):
    leave_part(tmp_path, left)
    assert fetch(ARCHIVE, [mirror.url("whole")], tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("first", ["wrong", "missing", "dead"])
def test_a_mirror_that_is_no_use_is_followed_by_the_next(mirror, tmp_path, first):
    urls = [mirror.url(first), mirror.url("whole")]
    assert fetch(ARCHIVE, urls, tmp_path).read_bytes() == CONTENT


def test_a_mirror_that_is_down_is_followed_by_the_next(mirror, closed_port, tmp_path):
    assert fetch(ARCHIVE, [closed_port, mirror.url("whole")], tmp_path).read_bytes() == CONTENT


def test_wrong_bytes_leave_nothing(mirror, tmp_path):
    with pytest.raises(UserError, match=r"wrong bytes \(21 of 300000"):
        fetch(ARCHIVE, [mirror.url("wrong")], tmp_path)
    assert not list(tmp_path.iterdir())


def test_every_mirror_that_was_tried_has_its_line(mirror, closed_port, tmp_path):
    urls = [closed_port, mirror.url("missing"), mirror.url("wrong"), "no address"]
    with pytest.raises(UserError) as error:
        fetch(ARCHIVE, urls, tmp_path)
    first, *tried, last = str(error.value).splitlines()
    assert first.startswith(f"small.tar.gz is not in {tmp_path}")
    assert [line.split(": ")[0].strip() for line in tried] == urls
    assert "Connection refused" in tried[0] and "HTTP status 404" in tried[1]
    assert "dataset=digits" in last


def test_a_folder_that_cannot_be_written_is_named(mirror, tmp_path):
    (tmp_path / "small.tar.gz.part").mkdir()
    with pytest.raises(UserError, match=r"small.tar.gz.part could not be written: Is a directory"):
        fetch(ARCHIVE, [mirror.url("whole")], tmp_path)


def test_cifar10_is_downloaded_once_and_read(mirror, tmp_path, monkeypatch):
    mirror.content = write_archive(tmp_path).read_bytes()
    md5 = hashlib.md5(mirror.content).hexdigest()
    small = download.CIFAR10._replace(size=len(mirror.content), md5=md5)
    monkeypatch.setattr(download, "CIFAR10", small)
    caches = {data.prepare("cifar10", tmp_path / "data", [mirror.url("whole")]) for _ in range(2)}
    assert len(caches) == 1
    assert len(mirror.ranges) == 1


def test_without_network_and_data_the_message_says_what_to_do(closed_port, tmp_path):
    with pytest.raises(UserError, match=r"Put cifar-10-python.tar.gz there, or run with"):
        data.prepare("cifar10", tmp_path, [closed_port])
    assert not (tmp_path / "cache").exists()
