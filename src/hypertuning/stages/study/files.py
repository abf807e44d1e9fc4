"""The files of a study: figures, their rows, the plan and the best configuration.

They are written to the record, from where they are sent to MLflow.
"""

import logging
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import yaml

from hypertuning.record.trial import Trial, best_trial
from hypertuning.report.exhibit import Exhibit
from hypertuning.tracking.artifacts import folder_of
from hypertuning.tracking.store import reason

BEST_CONFIG = "best.yaml"
"""The best trial's hyperparameters, for the stage train; with the record, and in MLflow."""

logger = logging.getLogger(__name__)


def write_files(
    study_dir: Path, found: Sequence[Trial], trials: pd.DataFrame, shown: Iterable[Exhibit]
) -> None:
    """Write to the record the files that the run of a study gets, over those that are there."""
    folder = folder_of(study_dir, study_dir.name)
    write_exhibits(folder, shown)
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    trials.to_csv(folder / "tables" / "trials.csv", index=False)
    shutil.copyfile(study_dir / "study.json", folder / "plan.json")
    if best := best_trial(found):
        written = yaml.safe_dump(best.config, sort_keys=False)
        for place in (study_dir, folder):
            (place / BEST_CONFIG).write_text(written)


def write_exhibits(folder: Path, shown: Iterable[Exhibit]) -> None:
    """Write every figure and its rows, and the numbers behind its sentences."""
    figures, tables = folder / "figures", folder / "tables"
    for exhibit in (exhibit for exhibit in shown if len(exhibit.rows)):
        for place in (figures, tables):
            place.mkdir(parents=True, exist_ok=True)
        for name, rows in {exhibit.name: exhibit.rows, **exhibit.details}.items():
            rows.to_csv(tables / f"{name}.csv", index=False)
        try:
            exhibit.draw().savefig(figures / f"{exhibit.name}.png")
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - one figure holds up no other
            logger.warning("%s.png could not be drawn: %s", exhibit.name, reason(error))
