"""Deliver to MLflow what the record of a study has and the tracking store has not."""

from pathlib import Path

import click

from hypertuning.stages.options import FOLDER, STUDY, SYNC_TIMEOUT, StageCommand, option


@click.command("sync", cls=StageCommand, opening="{study}, from the records in {storage_path}")
@STUDY
@option("storage_path", "ray_results", FOLDER, "Where the records are.")
@SYNC_TIMEOUT
def main(study: str, storage_path: Path, sync_timeout_s: float) -> None:
    """Deliver to MLflow what was measured while it was away."""
    # takes a second: not before the first line
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.records import find_records

    find_records(study, storage_path)
    with waiting("PyTorch and MLflow"):
        from hypertuning.stages.repair import sync

    sync(study, storage_path, sync_timeout_s)


if __name__ == "__main__":
    main()
