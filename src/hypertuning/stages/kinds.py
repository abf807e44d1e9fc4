"""Types of options: numbers with bounds, and paths as users type them.

`cli` makes the command line's types from these; the text in an annotation tells it the kind of
path.
"""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

DATASETS = ("cifar10", "digits")
"""Those that have names; the images of others are in a folder."""


def expanded(path: Any) -> Any:
    """A path with `~` expanded as a shell does it: `mlflow run` and Python do not.

    Raises:
        ValueError: it is empty, or names a user who does not exist.
    """
    if not isinstance(path, str | Path):
        return path
    found = os.path.expanduser(path)
    if not os.fspath(found):
        raise ValueError("a path must not be empty")
    if os.fspath(found).startswith("~"):
        raise ValueError(f"{found!r}: there is no such user; ./{found} is a path here")
    return found


def _not_empty(text: str | None) -> str | None:
    if text is not None and not text.strip():
        raise ValueError("it is empty; leave it out if nothing is meant")
    return text


def _absolute(path: Path) -> Path:
    return Path(os.path.realpath(path))


def from_anywhere(dataset: str | None) -> str | None:
    """A data set's folder as a path that holds in every working directory; a name as it is."""
    if dataset is None or dataset in DATASETS or not os.path.isdir(dataset):
        return dataset
    return os.path.abspath(dataset)


Count = Annotated[int, Field(ge=1)]
CountOrAll = Annotated[int, Field(ge=0)]
SizeOrNone = Annotated[int | None, Field(ge=0)]
"""A number of images, 0 for all, or none for as many as the source had."""
Seed = Annotated[int, Field(ge=0, le=2**62)]
Factor = Annotated[int, Field(ge=2)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Folder = Annotated[Path, "folder", BeforeValidator(expanded), AfterValidator(_absolute)]
File = Annotated[Path, "file", BeforeValidator(expanded)]
PathOrName = Annotated[str, "path or name", BeforeValidator(expanded)]
PathOrNone = Annotated[str | None, "path or name", BeforeValidator(expanded)]
"""A text that may be a path; names of stages and models are not changed."""
Dataset = Annotated[str, "path or name", BeforeValidator(expanded), AfterValidator(from_anywhere)]
DatasetOrNone = Annotated[
    str | None, "path or name", BeforeValidator(expanded), AfterValidator(from_anywhere)
]
Name = Annotated[str, AfterValidator(_not_empty)]
Named = Annotated[str | None, AfterValidator(_not_empty)]
"""Something by its name or run id, or nothing. An empty one is what an unset variable leaves."""
