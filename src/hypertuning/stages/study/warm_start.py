"""Read the earlier studies that the option `warm_start` names, for the model to learn from."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from hypertuning.config import Config, UserError
from hypertuning.search.warm import EarlierTrial, WarmStart, warm_start
from hypertuning.stages.study.searches import Search
from hypertuning.tracking import runs
from hypertuning.tracking.study_run import DatasetInfo
from hypertuning.words import counted


class Warm(NamedTuple):
    studies: list[str]
    """Their run ids."""
    start: WarmStart

    def note(self) -> str:
        """How many trials and results the model learns from, and why others were left out."""
        epochs = sorted({result.epoch for result in self.start.results})
        left_out = sum(self.start.left_out.values())
        text = (
            f"warm start from {', '.join(study[:8] for study in self.studies)}: "
            f"{self.start.placed} of {counted(self.start.placed + left_out, 'trial')} placed, "
            f"{counted(len(self.start.results), 'result')}"
        )
        if epochs:
            text += f" after {', '.join(map(str, epochs))} {'epoch' if epochs == [1] else 'epochs'}"
        reasons = [f"{n} × {why}" for why, n in self.start.left_out.items()]
        return f"{text}; left out: {'; '.join(reasons)}" if reasons else text


def read_warm_start(
    client: MlflowClient, wanted: str, search: Search, images: DatasetInfo, split_seed: int
) -> Warm:
    """Read the studies that `warm_start` names.

    Raises:
        UserError: there is no such study, or its losses do not compare with those of this one.
    """
    studies = runs.studies(client)
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if not names:
        raise UserError(
            "`warm_start` must be run ids of studies, or stages, with commas between them, got "
            f"{wanted!r}"
        )
    found = (_find(studies, name, images, split_seed) for name in names)
    chosen = list(dict.fromkeys(found))
    trials, curves = runs.trials(client, chosen), runs.curves(client, chosen)
    earlier = [_earlier(trials[trials["study_id"] == study], curves) for study in chosen]
    return Warm(chosen, warm_start(earlier, search.model.random, search.rungs))


def _find(studies: pd.DataFrame, name: str, images: DatasetInfo, split_seed: int) -> str:
    """A study by its run id, or the latest of a stage on the same images and split."""
    comparable = (
        studies["digest"].map(lambda digest: images["digest"].startswith(digest or "?"))
        & (studies["train_images"] == images["train"])
        & (studies["val_images"] == images["val"])
        & (studies["split_seed"] == split_seed)
    )
    named = studies[studies["study_id"] == name]
    if len(named) and not comparable[named.index[0]]:
        had = named.iloc[0]
        raise UserError(
            f"`warm_start`: study {name} trained on {had['train_images']} images of "
            f"{had['dataset']} (split_seed {had['split_seed']}), this one on {images['train']} of "
            f"{images['name']} (split_seed {split_seed}): their losses do not compare"
        )
    ended = studies["outcome"].isin(["completed", "interrupted"])
    found = named if len(named) else studies[(studies["stage"] == name) & comparable & ended]
    if found.empty:
        stages = ", ".join(sorted(studies.loc[comparable & ended, "stage"].unique())) or "none"
        raise UserError(
            f"`warm_start` must name studies, by run id or stage, got {name!r}; stages that have "
            f"ended on these images: {stages}"
        )
    return str(found.iloc[-1]["study_id"])


def _earlier(trials: pd.DataFrame, curves: pd.DataFrame) -> list[EarlierTrial]:
    """The trials of one study, with plain Python values instead of numpy's."""
    names = [name for name in Config.model_fields if name in trials]
    losses = {
        run_id: dict(zip(curve["epoch"].tolist(), curve["val_loss"].tolist(), strict=True))
        for run_id, curve in curves.groupby("run_id")
    }
    return [
        EarlierTrial(
            {n: _plain(row[n]) for n in names if pd.notna(row[n])},
            losses.get(row["run_id"], {}),
            row["outcome"] == "diverged",
        )
        for row in trials.to_dict("records")
    ]


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value
