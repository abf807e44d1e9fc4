"""List the files in a folder: one rule for training images and for pictures to predict."""

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from hypertuning.config import UserError
from hypertuning.learn.pixels import Unreadable, check_file

LEFT_BEHIND = {
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
    *("__macosx", "icon\r"),
    *("@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot"),
    "lost+found",
}
"""Files and folders of Windows, macOS, network storage and Linux, in lower case."""
SHOWN_FAULTS = 10


class Below(NamedTuple):
    """The files below a folder, and what cannot be read there."""

    files: list[str]
    """Relative to the folder; by their folders, then by their names."""
    faults: dict[str, str]
    """Path → why it cannot be read."""


def is_left_behind(name: str) -> bool:
    """Whether a name is hidden, or one that system software gives to its own files."""
    return name.startswith(".") or name.lower() in LEFT_BEHIND


def files_below(folder: Path, start: str = "") -> Below:
    """List the files in `start` and below, also through links, except those systems leave behind.

    They are sorted by code points, in every locale.
    """
    found = Below([], {})
    places: list[tuple[str, frozenset]] = [(start, frozenset())]
    while places:
        place, above = places.pop()
        try:
            folders = _look_into(folder / place, place, above, found)
        except Unreadable as error:
            found.faults[place] = str(error)
        except OSError as error:
            found.faults[place] = f"it cannot be opened: {error.strerror}"
        else:
            places += folders
    found.files.sort(key=os.path.split)
    return Below(found.files, dict(sorted(found.faults.items())))


def _look_into(
    folder: Path, place: str, above: frozenset, found: Below
) -> list[tuple[str, frozenset]]:
    """Add the files and faults of a folder to `found`; return its folders, with those above each.

    Raises:
        Unreadable: a link leads back to this folder from within.
        OSError: it cannot be opened.
    """
    here = os.stat(folder)
    if (identity := (here.st_dev, here.st_ino)) in above:
        raise Unreadable("it is a link back to a folder that it lies in")
    with os.scandir(folder) as entries:
        kept = [entry for entry in entries if not is_left_behind(entry.name)]
    paths = {os.path.join(place, entry.name): entry for entry in kept}
    return [(p, above | {identity}) for p, e in paths.items() if _is_folder(e, p, found)]


def _is_folder(entry: os.DirEntry, path: str, found: Below) -> bool:
    """Whether an entry is a folder; if not, add it to `found` as a file or a fault."""
    try:
        if entry.is_dir():
            return True
        check_file(entry.stat())
        found.files.append(path)
    except OSError as error:
        what = "it is a link that leads nowhere" if entry.is_symlink() else "it cannot be read"
        found.faults[path] = f"{what}: {error.strerror}"
    except Unreadable as error:
        found.faults[path] = str(error)
    return False


def refuse(folder: Path, faults: Mapping[str, str]) -> None:
    """Raise a UserError if there are faults; it names the first ones and counts them."""
    named = [f"{as_text(path)}: {why}" for path, why in list(faults.items())[:SHOWN_FAULTS]]
    if len(faults) == 1:
        raise UserError(f"{as_text(folder)}/{named[0]}")
    if faults:
        more = [f"and {len(faults) - SHOWN_FAULTS:,} more"] if len(faults) > SHOWN_FAULTS else []
        raise UserError(
            f"{len(faults):,} things are wrong in {as_text(folder)}: {'; '.join([*named, *more])}"
        )


def as_text(path: str | os.PathLike[str]) -> str:
    r"""Write a path as printable text that stands for this one file.

    A byte that is not UTF-8 becomes `\xe9`, a control character `\u000a`, and a backslash two.
    """
    return "".join(map(_as_text, os.fspath(path)))


def _as_text(letter: str) -> str:
    if letter == "\\":
        return r"\\"
    if unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp"):
        return letter
    number = ord(letter)
    # Python reads a byte that is not UTF-8 as a lone surrogate
    return rf"\x{number - 0xDC00:02x}" if 0xDC80 <= number <= 0xDCFF else rf"\u{number:04x}"
