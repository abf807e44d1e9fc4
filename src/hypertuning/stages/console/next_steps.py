"""What a user may want to do after a stage, as commands to paste."""

from hypertuning import environment
from hypertuning.stages.console.commands import command_of
from hypertuning.stages.options import Options
from hypertuning.stages.table import STAGES

PLACES = ("data_dir", "storage_path", "ray_address", "cpus_per_trial", "gpus_per_trial")
"""Where and on what a study works: the stage that follows it needs the same."""


def next_steps(stage: str, study_id: str, options: Options) -> list[str]:
    """What a completed study leads to; nothing below `main`, which takes the next step itself."""
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
    """What a study that was interrupted needs; below `main`, that says so."""
    kept = "interrupted before its end; what was measured is kept"
    if environment.read(environment.PARENT_RUN):
        return kept
    again = command_of(stage, resume=study_id, **options.changed(["storage_path"]))
    return f"{kept}. To go on: {again}"
