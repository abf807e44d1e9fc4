"""A folder of images, one folder for each class: what is in it, and what is wrong with it."""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hypertuning.config import UserError
from hypertuning.geometry import IMAGE_SIZE
from hypertuning.learn.folders import as_text, files_below, is_left_behind, refuse
from hypertuning.learn.pixels import Pixels, Unreadable, decode, notes_on
from hypertuning.learn.sizes import sizes_in_words

if TYPE_CHECKING:
    from torchvision.datasets import ImageFolder

LONGEST_CLASS = 200
"""Letters of a class's name: MLflow allows 250 for `test_accuracy.<class>`."""


class ClassFolders(NamedTuple):
    """The images in train/<class>/ or test/<class>/."""

    folder: Path
    """The folder that contains the part."""
    part: str
    names: dict[str, str]
    """The folder of each class, in order → the name of the class, its accents composed."""
    files: list[str]
    """Relative to the folder."""

    def strays(self) -> list[str]:
        """Files beside the class folders: they belong to no class."""
        return [file for file in self.files if os.path.dirname(file) == self.part]


def find_class_folders(folder: Path) -> dict[str, ClassFolders]:
    """Find train/ and, if it exists, test/ in a folder.

    Raises:
        UserError: it names everything that is wrong and can be seen without decoding an image.
    """
    if not (folder / "train").is_dir():
        raise UserError(
            f"{as_text(folder)} has no folder train/; images belong in train/<class>/ "
            "and, if there are test images, test/<class>/"
        )
    found, faults = {}, {}
    for part in ("train", "test"):
        if (folder / part).is_dir():
            below = files_below(folder, part)
            names = _class_names(folder / part)
            found[part] = ClassFolders(folder, part, names, below.files)
            faults |= below.faults | dict(_faults(found[part], below.faults))
    if "test" in found:
        faults |= dict(_strangers(found["train"], found["test"]))
    refuse(folder, faults)
    return found


class Read(NamedTuple):
    """The decoded images of a part."""

    images: np.ndarray
    """uint8 (n, 3, 32, 32)."""
    labels: np.ndarray
    """int64 (n,)."""
    sizes: str
    """Of the images before and after decoding, in words."""
    notes: list[str]
    """What was done that a user may not expect."""
    faults: dict[str, str]
    """File → why it cannot be read."""


def read_class_folders(found: ClassFolders, classes: Sequence[str]) -> Read:
    """Decode the images of a part.

    Args:
        classes: Of the training images, in the order of their labels.
    """
    listed = _listed(found)
    images = np.empty((len(listed), 3, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    seen: list[Pixels] = []
    faults = {}
    # No threads: for such small images they take twice as long, because of Python's lock.
    for i, (path, _) in enumerate(listed.samples):
        try:
            picture = decode(path)
        except Unreadable as error:
            faults[os.path.relpath(path, found.folder)] = f"cannot be read: {error}"
        else:
            images[i] = picture.values
            seen.append(picture._replace(values=images[i]))
    numbers = [classes.index(found.names[name]) for name in listed.classes]
    labels = np.array([numbers[label] for label in listed.targets], np.int64)
    notes = [f"{found.part}: {note}" for note in [*_left_out(found), *notes_on(seen)]]
    sizes = sizes_in_words(picture.size for picture in seen)
    return Read(images, labels, sizes, notes, faults)


def composed(name: str) -> str:
    """Write each accented letter of a name as one character; macOS writes two."""
    return unicodedata.normalize("NFC", name)


def _class_names(place: Path) -> dict[str, str]:
    try:
        with os.scandir(place) as entries:
            folders = [e.name for e in entries if e.is_dir() and not is_left_behind(e.name)]
    except OSError:  # files_below has noted this fault
        return {}
    return {name: composed(name) for name in sorted(folders)}


def _faults(found: ClassFolders, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Find faults of the class folders of a part, apart from the known faults of files."""
    if not found.names and found.part not in known:
        yield found.part, "it has no class folder; images belong in <class>/"
    has_image = {file.split(os.sep)[1] for file in [*found.files, *known] if os.sep in file}
    for name in found.names:
        place = os.path.join(found.part, name)
        if not name.isprintable():
            yield place, "a class cannot have this name, not all of it can be printed; rename it"
        elif len(name) > LONGEST_CLASS:
            yield place, f"a class's name may have {LONGEST_CLASS} letters; it has {len(name)}"
        elif name not in has_image:
            yield place, f"class {found.names[name]!r} has no image"
    alike = sorted(found.names, key=_without_case)
    for _, group in groupby(alike, key=_without_case):
        first, *others = sorted(group)
        for other in others:
            what = "the spelling of accents" if composed(first) == composed(other) else "case"
            clash = f"it differs from {found.part}/{as_text(first)} by {what} alone"
            yield os.path.join(found.part, other), f"{clash}; rename or merge it"


def _strangers(train: ClassFolders, test: ClassFolders) -> Iterator[tuple[str, str]]:
    """Classes that only the test images have."""
    known = {_without_case(name): name for name in train.names}
    for name in test.names:
        if test.names[name] in train.names.values():
            continue
        near = known.get(_without_case(name))
        hint = f"; there it is written {near!r}" if near else ""
        yield os.path.join("test", name), f"class {test.names[name]!r} is not in train/{hint}"


def _without_case(name: str) -> str:
    return composed(name).lower()


def _left_out(found: ClassFolders) -> list[str]:
    strays = found.strays()
    if not strays:
        return []
    are = "1 file is" if len(strays) == 1 else f"{len(strays):,} files are"
    return [f"{are} in no class folder and left out, such as {as_text(strays[0])}"]


def _listed(found: ClassFolders) -> "ImageFolder":
    from torchvision.datasets import ImageFolder  # takes five seconds, and only this needs it

    class FoundFolder(ImageFolder):
        def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
            return list(found.names), {name: label for label, name in enumerate(found.names)}

    # Take every file, not only those with a known suffix: none is left out silently.
    files = {os.path.join(found.folder, file) for file in found.files}
    return FoundFolder(
        found.folder / found.part, is_valid_file=files.__contains__, allow_empty=True
    )
