"""The commands that a user may want to give next, as they can be pasted."""

import os
import sys
from pathlib import Path

from hypertuning.tracking.study_run import PARENT_VARIABLE


def next_steps(stage: str, study_id: str) -> list[str]:
    """What a completed study leads to; nothing below `main`, which takes the next step itself."""
    if PARENT_VARIABLE in os.environ:
        return []
    longer = f"train the best longer: {command_of('train', config=study_id)}"
    register = f"register the best: {command_of('register', source=study_id)}"
    return [register] if stage == "train" else [longer, register]


def how_to_go_on(stage: str, study_dir: Path) -> str:
    """What a study that was interrupted needs; below `main`, that says so."""
    kept = "interrupted before its end; what was measured is kept"
    if PARENT_VARIABLE in os.environ:
        return kept
    return f"{kept}. To go on: {command_of(stage, resume=study_dir.name)}"


def command_of(stage: str, **options: str) -> str:
    """A stage's command as the user would type it who has started this one."""
    if "MLFLOW_RUN_ID" not in os.environ:
        given = [f"--{name.replace('_', '-')} {value}" for name, value in options.items()]
        return " ".join([f"python -m entrypoints.{stage}", *given])
    # in an environment that MLflow has built, it would find that again; in another one, it is told
    manager = [] if Path(sys.prefix).name.startswith("mlflow-") else ["--env-manager local"]
    experiment = os.environ.get("MLFLOW_EXPERIMENT_ID", "0")
    place = [] if experiment == "0" else [f"--experiment-id {experiment}"]
    given = [f"-P {name}={value}" for name, value in options.items()]
    return " ".join([f"mlflow run . -e {stage}", *manager, *place, *given])
