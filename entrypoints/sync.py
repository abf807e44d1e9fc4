"""Deliver to MLflow what the record of a study has and the tracking store has not."""

from pathlib import Path

import click

from entrypoints.options import FOLDER, STUDY, SYNC_TIMEOUT, StageCommand, option


@click.command(cls=StageCommand)
@STUDY
@option("storage_path", "ray_results", FOLDER, "Where the records are.")
@SYNC_TIMEOUT
def main(study: str, storage_path: Path, sync_timeout_s: float) -> None:
    """Deliver to MLflow what was measured while it was away."""
    from entrypoints.repair import sync  # torch and MLflow take seconds to import

    sync(study, storage_path, sync_timeout_s)


if __name__ == "__main__":
    main()
