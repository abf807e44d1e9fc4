"""The input of a report: frames of studies, registered models, addresses of MLflow's pages."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from hypertuning.words import counted

IMAGES = ["digest", "train_images", "val_images", "split_seed"]
"""Losses of two studies can be compared if these columns are equal."""


class Registered(NamedTuple):
    """What a study of the stage register has left so far."""

    tables: Mapping[str, pd.DataFrame]
    card: str
    """The model's card, in Markdown."""


class RunPages(NamedTuple):
    """Where a browser finds the page of a run."""

    server: str
    """Its address, without the `#` and what follows."""
    start: str = ""
    """The command that starts this server; empty if it is always running."""

    def of(self, experiment_id: str, run_id: str) -> str:
        return f"{self.server.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"


class Data(NamedTuple):
    """Studies, trials and curves as `tracking.runs` reads them."""

    studies: pd.DataFrame
    trials: pd.DataFrame
    curves: pd.DataFrame
    registered: Mapping[str, Registered] = MappingProxyType({})
    """By study id."""
    makes: Mapping[str, str] = MappingProxyType({})
    """The command that makes a study of a stage, by stage."""
    pages: RunPages | None = None

    def of(self, study_ids: Sequence[str]) -> "Data":
        """Some of the studies."""
        frames = (self.studies, self.trials, self.curves)
        some = (frame[frame["study_id"].isin(study_ids)] for frame in frames)
        return self._replace(**dict(zip(("studies", "trials", "curves"), some, strict=True)))

    def on_images_of(self, study_id: str) -> "Data":
        """The studies whose losses can be compared with those of this one."""
        return self.of(next(ids for ids in alike(self.studies) if study_id in ids))

    def ids(self, stage: str) -> list[str]:
        return self.studies.loc[self.studies["stage"] == stage, "study_id"].tolist()

    def page(self, study_id: str, run_id: str) -> str:
        """The address of a run of a study; empty if there are no pages."""
        if not self.pages:
            return ""
        experiments = self.studies.set_index("study_id")["experiment_id"]
        return self.pages.of(experiments[study_id], run_id)


def alike(studies: pd.DataFrame, *columns: str) -> list[list[str]]:
    """Group the ids of studies that have the same images, and the same values in these columns."""
    keys = [studies[name].astype(object).fillna("") for name in (*columns, *IMAGES)]
    return [group.tolist() for _, group in studies["study_id"].groupby(keys, sort=False)]


def named(study) -> str:
    """The name of a study in a sentence."""
    return f"{study.stage} (study {study.study_id[:6]})"


def images_of(study) -> str:
    """The images of a study in a sentence."""
    if not study.dataset or pd.isna(study.train_images) or pd.isna(study.val_images):
        return f"images of {study.dataset}" if study.dataset else "unknown images"
    val_images = counted(study.val_images, "validation image")
    return f"{study.train_images:,} training and {val_images} of {study.dataset}"
