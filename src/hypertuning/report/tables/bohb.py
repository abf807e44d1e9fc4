"""A search as it went on: its best result so far."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from hypertuning.report.tables.trials import joined


def anytime(
    trials: pd.DataFrame, curves: pd.DataFrame, names: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Put each study's results in the order of their recording, with the best loss so far.

    `epochs_spent` counts the epochs of all trials of the study until then; `name` is the study's in
    `names` (by `study_id`), otherwise its stage.
    """
    rows = joined(trials, curves, "sampler", "stage")
    rows = rows.sort_values(["study_id", "timestamp", "trial_id", "epoch"], ignore_index=True)
    losses = rows["val_loss"].astype(float).groupby(rows["study_id"])
    rows["epochs_spent"] = losses.cumcount() + 1
    rows["best_so_far"] = losses.cummin().groupby(rows["study_id"]).ffill()
    rows["sampler"] = rows["sampler"].astype(object).fillna("other")
    rows["name"] = rows["study_id"].map(_study_names(rows, names or {})).astype(object)
    shown = ["study_id", "name", "trial_id", "sampler", "epoch", "epochs_spent", "val_loss"]
    return rows[[*shown, "best_so_far"]].dropna(subset=["best_so_far"], ignore_index=True)


def at_equal_epochs(rows: pd.DataFrame) -> pd.DataFrame:
    """What each study had found when it had spent as many epochs as all of them have, best first.

    `rows` are those of `anytime`; `epochs_spent` is the same for all.
    """
    spent = int(rows.groupby("study_id")["epochs_spent"].max().min())
    at = rows[rows["epochs_spent"] <= spent].groupby("study_id").tail(1)
    at = at.assign(epochs_spent=spent).sort_values("best_so_far")
    return at[["name", "epochs_spent", "best_so_far", "study_id"]].reset_index(drop=True)


def _study_names(rows: pd.DataFrame, names: Mapping[str, str]) -> dict[str, str]:
    """Name each study; two of one name are told apart by the beginning of their ids."""
    stages = rows.drop_duplicates("study_id").set_index("study_id")["stage"]
    named = {study: str(names.get(study, stage)) for study, stage in stages.items()}
    count = Counter(named.values())
    return {
        study: f"{name} {study[:6]}" if count[name] > 1 else name for study, name in named.items()
    }
