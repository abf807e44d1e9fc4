"""The epochs that a trial has measured, in a small file beside its checkpoint.

A worker writes it after every epoch, before the driver hears of it; the weights only as often as
that is worth the time. So nothing that was measured is lost with a worker or a driver.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from hypertuning.config import UserError, parse_config
from hypertuning.epoch import Epoch, Epochs
from hypertuning.whole_file import write_whole


class _Content(BaseModel):
    config: dict[str, Any]
    rows: Epochs


def write_measured(file: Path, config: dict[str, Any], rows: Sequence[Epoch]) -> None:
    """Write all epochs of a configuration so far, in place of what was there.

    Raises:
        OSError: the disk is full, or cannot be written to; what was there is still there.
    """
    content = {"config": config, "rows": [row.as_dict() for row in rows]}
    # a worker can outlive its killed driver for a moment, and write beside the next one
    write_whole(file, json.dumps(content), shared=True)


def read_measured(file: Path, config: dict[str, Any]) -> list[Epoch]:
    """The epochs of a configuration; none if they are not there, damaged, or of another one.

    What an earlier version wrote may lack hyperparameters that have been added since.
    """
    try:
        content = _Content.model_validate(json.loads(file.read_bytes()))
        its = parse_config(content.config).hyperparameters()
        return content.rows if its == parse_config(config).hyperparameters() else []
    except (OSError, ValueError, RecursionError, UserError):
        return []
