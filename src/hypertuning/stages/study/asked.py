"""The configuration that the stage train was asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hypertuning.config import Config, UserError
from hypertuning.space_files import read_config
from hypertuning.stages.options import NONE


class Asked(NamedTuple):
    """A configuration to train."""

    config: Config
    origin: str
    """Where it comes from, in words."""
    images: dict[str, Any] | None
    """Those of its study, as options."""
    idle: Sequence[str] = ()
    """What its file names in vain, a sentence each."""


def find_config(name: str) -> Asked:
    """The configuration in a YAML file, of a trial, or of the best trial of a study or stage.

    Raises:
        UserError: there is no such thing, or it cannot be trained.
    """
    if Path(name).is_file() or name.endswith((".yaml", ".yml")):
        written = read_config(Path(name))
        return Asked(written.config, f"the file {Path(name).name}", None, written.idle())
    if name == NONE:
        raise UserError(
            "`config` must be a YAML file, the run id of a trial or study, or a stage, got none"
        )
    from hypertuning.stages.study.earlier_studies import (
        find_trial,  # MLflow takes seconds to import
    )

    return find_trial(name)
