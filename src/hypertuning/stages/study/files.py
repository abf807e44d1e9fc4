"""Write a study's figures, their rows, the plan and the best configuration to its record.

From there they are sent to MLflow.
"""

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from hypertuning.record.read import Recorded
from hypertuning.tracking.artifacts import PLAN, TRIALS
from hypertuning.tracking.store import reason
from hypertuning.whole_file import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from hypertuning.report.exhibit import Exhibit

logger = logging.getLogger(__name__)


def write_files(record: Recorded, trials: "pd.DataFrame", shown: "Iterable[Exhibit]") -> None:
    """Write the files of a study's run to the record, over those that are there.

    Args:
        trials: The trials as MLflow has them.
    """
    study, folder = record.folder, record.folder.artifacts_of(record.id)
    write_exhibits(folder, shown)
    (folder / TRIALS).parent.mkdir(parents=True, exist_ok=True)
    trials.to_csv(folder / TRIALS, index=False)
    shutil.copyfile(study.study_file, folder / PLAN)
    if best := record.best:  # so that `train` can read it
        write_whole(study.best_file, yaml.safe_dump(best.config, sort_keys=False))
        shutil.copyfile(study.best_file, folder / study.best_file.name)


def write_exhibits(folder: Path, shown: "Iterable[Exhibit]") -> None:
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
        except Exception as error:  # noqa: BLE001 - the other figures are drawn
            logger.warning("%s.png could not be drawn: %s", exhibit.name, reason(error))
