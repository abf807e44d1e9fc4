"""Suggestions after a stage, as commands to paste."""

from hypertuning import environment
from hypertuning.stages.console.commands import command_of
from hypertuning.stages.options import Options
from hypertuning.stages.table import STAGES

PLACES = ("data_dir", "storage_path", "ray_address", "cpus_per_trial", "gpus_per_trial")
"""Folders and hardware of a study: the next stage needs the same."""


def next_steps(stage: str, study_id: str, options: Options) -> list[str]:
    """Commands that may follow a completed study; none below `main`, which runs the next stage."""
    if environment.read(environment.PARENT_RUN):
        return []
    same = options.changed(PLACES)
    lines = []
    for name in STAGES[stage].next:
        step = STAGES[name]
        given = {step.source: study_id, **same} if step.source else {}
        lines.append(f"{step.invitation}: {command_of(name, **given)}")
    return lines


def how_to_go_on(stage: str, study_id: str, options: Options) -> str:
    """Say that a study was interrupted, and how to continue it; `main` prints its own command."""
    kept = "interrupted before its end; what was measured is kept"
    if environment.read(environment.PARENT_RUN):
        return kept
    again = command_of(stage, resume=study_id, **options.changed(["storage_path"]))
    return f"{kept}. To go on: {again}"
