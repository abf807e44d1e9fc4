"""Choose the configuration to register: train the best of a search again, with fresh seeds.

The lowest of many noisy losses is partly luck (the winner's curse). So the best few configurations
are trained again, and the one with the best mean loss is chosen.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from hypertuning.config import BEST, Config, UserError, parse_config
from hypertuning.intervals import of_mean


class Candidate(NamedTuple):
    """A configuration of a search, and its best trial."""

    config: Config
    trial_id: str
    run_id: str
    run_name: str
    loss: float
    """The lowest validation loss of that trial."""
    epochs: int
    """Epochs of that trial."""


def choose(trials: pd.DataFrame, top_k: int) -> list[Candidate]:
    """Take the best trials of those with the most epochs, one for each configuration.

    Args:
        trials: Of one study, as `tracking.runs` reads them.

    Raises:
        UserError: no trial was completed.
    """
    completed = trials[(trials["outcome"] == "completed") & np.isfinite(trials[BEST])]
    if completed.empty:
        raise UserError(
            f"the study has no completed trial to take a configuration from; its {len(trials)} "
            f"trials: {_fates(trials, 'running') or 'none begun'}"
        )
    longest = completed[completed["epochs_run"] == completed["epochs_run"].max()]
    found: dict[Config, Candidate] = {}
    best_first = longest.sort_values(BEST, kind="stable")
    for row in best_first.to_dict("records"):
        config = config_of(row)
        names = row["trial_id"], row["run_id"], row["run_name"], row[BEST], int(row["epochs_run"])
        found.setdefault(config.model_copy(update={"seed": 0}), Candidate(config, *names))
    return list(found.values())[:top_k]


def repeats(configs: Sequence[Config], seeds: Sequence[int]) -> list[Config]:
    """Combine every configuration with every seed, seed by seed.

    All configurations get the same seeds, so that none gets a luckier order of images.
    """
    return [config.model_copy(update={"seed": seed}) for seed in seeds for config in configs]


def ranking(
    candidates: Sequence[Mapping], trials: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Summarise the repeats in two tables: a row for each candidate, and a row for each repeat.

    A candidate wins only if all its repeats were completed: the mean of the others would leave out
    the seeds on which it fails.

    Args:
        candidates: Their fields, in the order of the search.
        trials: The repeats.

    Raises:
        UserError: no candidate completed all its repeats.
    """
    measured = trials[trials["outcome"].notna()]
    numbers = {_unseeded(c["config"]): number for number, c in enumerate(candidates, start=1)}
    owner = [numbers.get(_unseeded(row)) for row in measured.to_dict("records")]
    columns = ["trial_id", "seed", "outcome", BEST, "best_val_accuracy", "best_epoch", "epochs_run"]
    each = measured[columns].assign(candidate=owner)[["candidate", *columns]]
    table = pd.DataFrame(
        _summary(number, candidate, each[each["candidate"] == number])
        for number, candidate in enumerate(candidates, start=1)
    )
    whole = table[(table["broken"] == 0) & (table["repeats"] > 0)]
    if whole.empty:
        raise UserError(
            f"no configuration came through all its repeats ({_fates(trials, 'interrupted')}), "
            "so none can be registered"
        )
    return table.assign(winner=table.index == whole["val_loss"].idxmin()), each.reset_index(
        drop=True
    )


def _summary(number: int, candidate: Mapping, repeats: pd.DataFrame) -> dict[str, object]:
    """A candidate's row: what the search measured, and the mean of its completed repeats."""
    completed = repeats["outcome"] == "completed"
    own = repeats[completed & np.isfinite(repeats[BEST].astype(float))]
    mean, low, high = of_mean(own[BEST].to_numpy(float))
    return {
        "candidate": number,
        "run_name": candidate["run_name"],
        "source_trial": candidate["trial_id"],
        "searched_val_loss": candidate["loss"],
        "searched_epochs": candidate["epochs"],
        "epochs": own["epochs_run"].max(),
        "repeats": len(own),
        "broken": len(repeats) - len(own),
        "val_loss": mean,
        "low": max(low, 0),  # a loss is never negative, but the t interval of few repeats may be
        "high": high,
        "val_accuracy": own["best_val_accuracy"].astype(float).mean(),
        "best_epoch": own["best_epoch"].astype(float).mean(),
    }


def _fates(trials: pd.DataFrame, unfinished: str) -> str:
    """How many trials ended how: `2 pruned, 1 failed`."""
    counts = trials["outcome"].fillna(unfinished).value_counts()
    return ", ".join(f"{count} {fate}" for fate, count in counts.items())


def config_of(row: Mapping) -> Config:
    """The configuration in a row of a table of trials."""
    given = {n: row[n] for n in Config.model_fields if n in row and pd.notna(row[n])}
    plain = {n: v.item() if isinstance(v, np.generic) else v for n, v in given.items()}
    return parse_config(plain)


def _unseeded(row: Mapping) -> Config:
    return config_of(row).model_copy(update={"seed": 0})
