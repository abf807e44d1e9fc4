"""Find the configuration that the stage train is to train."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hypertuning.config import Config, UserError
from hypertuning.space_files import read_config


class Asked(NamedTuple):
    """A configuration to train."""

    config: Config
    origin: str
    """Where it comes from, in words."""
    images: dict[str, Any] | None
    """The images of its study, as options."""
    idle: Sequence[str] = ()
    """The parameters in its file that have no effect, a sentence each."""


def find_config(name: str | None) -> Asked:
    """The configuration in a YAML file, of a trial, or of the best trial of a study or stage.

    Raises:
        UserError: there is no such configuration, or it cannot be trained.
    """
    if name is None:
        raise UserError(
            "`config` must be a YAML file, the run id of a trial or study, or a stage, got none"
        )
    if Path(name).is_file() or name.endswith((".yaml", ".yml")):
        written = read_config(Path(name))
        return Asked(written.config, f"the file {Path(name).name}", None, written.idle())
    # MLflow takes seconds to import
    from hypertuning.stages.study.earlier_studies import find_trial

    return find_trial(name)
