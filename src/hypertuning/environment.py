"""The environment variables that the project reads. An empty one counts as not set."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RUN_ID = "MLFLOW_RUN_ID"
"""The run that `mlflow run` made for this command."""
TRACKING_URI = "MLFLOW_TRACKING_URI"
EXPERIMENT_ID = "MLFLOW_EXPERIMENT_ID"
EXPERIMENT_NAME = "MLFLOW_EXPERIMENT_NAME"
"""The id is used before the name; without both, MLflow's default experiment is used."""
PARENT_RUN = "HYPERTUNING_PARENT_RUN"
"""The run of `main` that is the parent of the runs made here."""


def read(name: str) -> str | None:
    """The value of a variable; None if it is empty, blank or not set."""
    value = os.environ.get(name, "")
    return value if value.strip() else None


def not_there(path: Path) -> str:
    """Say that a file is not there, and where it was looked for."""
    said = f"there is no {path.absolute()}"
    if read(RUN_ID) and not path.is_absolute():
        said += "; `mlflow run` starts in the folder of the project: write the whole path"
    return said


def without(*names: str) -> dict[str, str]:
    """All variables except some, for a command that is started."""
    return {name: value for name, value in os.environ.items() if name not in names}


def set_default(name: str, value: str) -> None:
    """Set a variable unless it has a value."""
    if read(name) is None:
        os.environ[name] = value


@contextmanager
def restored() -> Iterator[None]:
    """Give all variables the values back that they had before."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
