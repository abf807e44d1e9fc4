"""The tables of a register study and of its refit, read back as frames."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from mlflow import MlflowClient

from hypertuning.tracking.refit_run import REFIT

CHOICE = ("candidates", "repeats")
"""Tables of the study."""
TEST = ("refit", "predictions", "mistakes")
"""Tables of the refit."""
CARD = "model_card.md"


def read_refit(client: MlflowClient, study_run_id: str) -> tuple[dict[str, pd.DataFrame], str]:
    """The tables by name, and the model card; what does not exist yet is left out."""
    refit = client.get_run(study_run_id).data.tags.get(REFIT)
    with TemporaryDirectory() as folder:
        found = dict(_tables(client, study_run_id, CHOICE, folder))
        if not refit:
            return found, ""
        found |= _tables(client, refit, TEST, folder)
        written = [file.path for file in client.list_artifacts(refit)]
        card = client.download_artifacts(refit, CARD, folder) if CARD in written else None
        return found, Path(card).read_text() if card else ""


def _tables(client: MlflowClient, run_id: str, names: Iterable[str], folder: str):
    there = {file.path for file in client.list_artifacts(run_id, "tables")}
    for name in names:
        if (path := f"tables/{name}.csv") in there:
            # labels are texts, also if they look like numbers or like missing values
            texts = dict.fromkeys(("label", "predicted", "run_name", "png"), str)
            file = client.download_artifacts(run_id, path, folder)
            yield name, pd.read_csv(file, dtype=texts, keep_default_na=False, na_values=[""])
