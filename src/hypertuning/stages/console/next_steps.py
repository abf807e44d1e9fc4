"""What a user may want to do after a stage, as commands to paste."""

from collections.abc import Mapping
from pathlib import Path

from hypertuning import environment
from hypertuning.stages.console.commands import changed, command_of

PLACES = ("data_dir", "storage_path", "ray_address", "cpus_per_trial", "gpus_per_trial")
"""Where and on what a study works: the stage that follows it needs the same."""


def next_steps(stage: str, study_id: str, options: Mapping[str, object]) -> list[str]:
    """What a completed study leads to; nothing below `main`, which takes the next step itself."""
    if environment.read(environment.PARENT_RUN):
        return []
    same = changed(options, PLACES)
    longer = f"train the best longer: {command_of('train', config=study_id, **same)}"
    register = f"register the best: {command_of('register', source=study_id, **same)}"
    return [*([] if stage == "train" else [longer]), register, *write_up()]


def write_up() -> list[str]:
    """How to get a report on the experiment; nothing below `main`, which ends with one."""
    if environment.read(environment.PARENT_RUN):
        return []
    return [f"write it up: {command_of('report')}"]


def how_to_go_on(stage: str, study_dir: Path, options: Mapping[str, object]) -> str:
    """What a study that was interrupted needs; below `main`, that says so."""
    kept = "interrupted before its end; what was measured is kept"
    if environment.read(environment.PARENT_RUN):
        return kept
    again = command_of(stage, resume=study_dir.name, **changed(options, ["storage_path"]))
    return f"{kept}. To go on: {again}"
