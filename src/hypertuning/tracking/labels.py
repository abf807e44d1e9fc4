"""The words that a reader of MLflow sees: names of studies and trials, notes on trials."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypertuning.config import BEST, DEFAULTS, DISPLAY, OBJECTIVE
from hypertuning.record.trial import Trial
from hypertuning.spaces import AUGMENT, RECIPE, searched
from hypertuning.words import counted

_BETWEEN = " · "
STILL_TRAINING = "Still training."
"""The end of a note on a trial that has not ended."""
_WHOLE = {name: value for name, value in RECIPE.items() if name not in searched(RECIPE)} | {
    "augment": AUGMENT["recipe"]
}
"""What all configurations of the recipe share."""
_SAMPLERS = {
    "grid": "taken from the grid",
    "random": "drawn at random",
    "model": "proposed by the model",
    "warm": "proposed by a model of earlier studies",
    "prior": "drawn near the prior",
    "incumbent": "drawn near the best configuration so far",
    "point": "given by the user",
    "repeat": "trained again with another seed",
}


def study_name(stage: str, dataset: str, what: str) -> str:
    """`bohb · digits · 51 trials`.

    Args:
        dataset: Its name, or the path of its folder.
        what: What distinguishes the study from others of its stage.
    """
    return _BETWEEN.join([stage, Path(dataset).name, what])


def is_study_name(name: str, stage: str) -> bool:
    """Whether `study_name` named a study, and not its user.

    An earlier version named a study by its stage alone.
    """
    return name == stage or name.startswith(f"{stage}{_BETWEEN}")


def run_name(config: Mapping[str, Any]) -> str:
    """`cnn f146 k3 p1 h415 lr0.0031`: the structure, then what differs from the defaults.

    `recipe f64 k3 p1 lr0.015` has all that `spaces.RECIPE` fixes.
    """
    usual = DEFAULTS
    if _WHOLE.items() <= config.items():
        config, usual = {**config, "model": "recipe"}, DEFAULTS | _WHOLE
    told = [n for n in DISPLAY if n in config and (DISPLAY[n].always or config[n] != usual[n])]
    told.sort(key=lambda name: not DISPLAY[name].always)
    return " ".join(f"{DISPLAY[name].short}{_brief(config[name])}" for name in told)


def _brief(value: object) -> str:
    if value is True:
        return ""  # the short name says it
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def note(trial: Trial, stage: str) -> str:
    """Say where a trial came from, how it ended and what its best numbers are."""
    sampler = trial.job.get("sampler", "")
    origin = f"Trial {trial.number} of the {stage} study, {_SAMPLERS.get(sampler, sampler)}."
    return " ".join([origin, _ending(trial), *_findings(trial)])


def _ending(trial: Trial) -> str:
    run = counted(trial.epochs_run, "epoch")
    return {
        None: STILL_TRAINING,
        "completed": f"Completed {run}.",
        "pruned": f"Pruned after {run}.",
        "diverged": f"Diverged: a loss of epoch {trial.epochs_run + 1} is not finite.",
        "failed": f"Failed after {run}: {str(trial.error)[:500]}",
        "interrupted": f"Interrupted after {run}.",
    }[trial.outcome]


def _findings(trial: Trial) -> list[str]:
    if not trial.outcome or not trial.epochs:
        return []
    best = trial.summary()
    loss, accuracy = best[BEST], best["best_val_accuracy"]
    found = f"Best {OBJECTIVE} {loss:.4f}, in epoch {best['best_epoch']}; "
    found += f"best val_accuracy {accuracy:.4f}."
    if "overfit_epoch" not in best:
        return [found]
    return [found, f"Overfits from epoch {best['overfit_epoch']}."]
