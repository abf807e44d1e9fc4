"""Describe a registered model: the tags of its version, and the facts of its card."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT

from hypertuning.geometry import IMAGE_SIZE
from hypertuning.intervals import Interval
from hypertuning.record.layout import StudyDir
from hypertuning.registry import card, versions
from hypertuning.registry.gate import Verdict
from hypertuning.registry.package import requirements
from hypertuning.report.exhibits import candidates
from hypertuning.stages.register.refit import Fitted
from hypertuning.stages.study.prepare import Prepared


class Tested(NamedTuple):
    """The results of a model on the test images."""

    opened: int
    """How often they were opened for models of this name, this time included."""
    predictions: pd.DataFrame
    mistakes: pd.DataFrame
    scores: pd.DataFrame
    verdict: Verdict
    champion: str
    """The version with which the gate compared it, or none."""


def tags(
    prepared: Prepared, study_dir: StudyDir, ranked: pd.DataFrame, fitted: Fitted, tested: Tested
) -> dict[str, str]:
    """The tags of a version in the registry."""
    study = prepared.client.get_run(study_dir.id).data.tags
    winner = ranked[ranked["winner"]].iloc[0]
    normalisation = {"mean": fitted.data.mean.tolist(), "std": fitted.data.std.tolist()}
    return {
        "source_study": prepared.options.source,
        "source_trial": winner["source_trial"],
        "register_study": study_dir.id,
        "git_commit": study.get(MLFLOW_GIT_COMMIT, "unknown"),
        "dataset": prepared.images["name"],
        "digest": prepared.images["digest"],
        "image_size": str(IMAGE_SIZE),
        "classes": json.dumps(list(fitted.data.classes)),
        "normalisation": json.dumps(normalisation),
        "test_accuracy": f"{_score(tested, 'accuracy').value:.4f}",
        "test_loss": f"{_score(tested, 'loss').value:.4f}",
        versions.OPENED: str(tested.opened),
        "gate": tested.verdict.reason,
        "forced": str(prepared.options.force).lower(),
        versions.PROMOTED: str(tested.verdict.promoted).lower(),
        versions.COMPARED: tested.champion,
    }


def _score(tested: Tested, measure: str) -> Interval:
    row = tested.scores.set_index("measure").loc[measure]
    return Interval(row["value"], row["low"], row["high"])


def facts(
    prepared: Prepared,
    study_dir: StudyDir,
    ranked: pd.DataFrame,
    fitted: Fitted,
    tested: Tested,
    found: Sequence[str],
) -> card.Facts:
    study = prepared.client.get_run(study_dir.id).data.tags
    winner = ranked[ranked["winner"]].iloc[0]
    state, data = fitted.state, fitted.data
    return card.Facts(
        model_name=prepared.options.model_name,
        run_name=winner["run_name"],
        hyperparameters=state.config.hyperparameters(),
        parameters=sum(weights.numel() for weights in state.model.parameters()),
        classes=data.classes,
        dataset=prepared.images["name"],
        digest=prepared.images["digest"],
        train_images=len(data.train),
        test_images=len(tested.predictions),
        epochs=state.epoch,
        source=f"Found as trial {winner['source_trial']} of study {prepared.options.source}.",
        chosen=" ".join(candidates.says(ranked)),
        scores=found,
        opened=tested.opened,
        verdict=tested.verdict.reason,
        commit=study.get(MLFLOW_GIT_COMMIT, ""),
        versions=requirements(),
    )
