"""The run that `mlflow run` made for a command that did not use it."""

from contextlib import suppress

from mlflow.exceptions import MlflowException

from hypertuning.config import UserError
from hypertuning.tracking.launch import find_launch, name_launch
from hypertuning.tracking.store import connect


def name_this_launch() -> None:
    """Name that run after this command."""
    with suppress(UserError, MlflowException, OSError):
        client = connect(timeout_s=5, must_exist=True)
        if launch := find_launch(client, free=False):
            name_launch(client, launch)
