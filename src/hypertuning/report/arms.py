"""The arms of a study: the same configurations trained without and with augmentation."""

import pandas as pd

from hypertuning.config import BEST, ONLY
from hypertuning.report.frames import best_first, hyperparameters

ARM_NAMES = {"none": "without augmentation", "crop_flip": "with crop and flip"}
ARMS = tuple(ARM_NAMES)
OF_AUGMENTATION = {"augment", *(n for n, only in ONLY.items() if only.parameter == "augment")}
"""The hyperparameters in which the arms of one configuration differ."""


def pairs_first(trials: pd.DataFrame) -> pd.DataFrame:
    """Number the configurations as `pair`, the best first; keep one trial of each arm.

    Only a configuration that every arm trained for long shows what augmentation does. So they are
    sorted by the epochs of their shorter trial, then by those of their longer one (a loss after
    three epochs does not compare with one after ten), then by the mean of their best losses.
    """
    longest_first = {"by": "epochs_run", "ascending": False, "kind": "stable"}
    ranked = best_first(trials).dropna(subset=["augment"]).sort_values(**longest_first)
    same = [name for name in hyperparameters(trials) if name not in OF_AUGMENTATION]
    ranked["pair"] = ranked.groupby(same, dropna=False, sort=False).ngroup()
    ranked = ranked.drop_duplicates(["pair", "augment"])
    epochs = ranked.pivot(index="pair", columns="augment", values="epochs_run").fillna(0)
    merits = {
        "shorter": epochs.min(axis=1),
        "longer": epochs.max(axis=1),
        "loss": ranked.groupby("pair")[BEST].mean(),
    }
    order = pd.DataFrame(merits).sort_values([*merits], ascending=[False, False, True])
    ranked["pair"] = order.index.get_indexer(ranked["pair"])
    return ranked.sort_values("pair", kind="stable")
