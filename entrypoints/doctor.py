"""Compare what MLflow shows with the records of the studies."""

from pathlib import Path

import click

from hypertuning.stages.options import FOLDER, STUDY, SYNC_TIMEOUT, StageCommand, option


@click.command("doctor", cls=StageCommand, opening="{study}, with the records in {storage_path}")
@STUDY
@option("storage_path", "ray_results", FOLDER, "Where the records are.")
@option("fix", False, click.BOOL, "Mend what was found; nothing that was measured is deleted.")
@SYNC_TIMEOUT
def main(study: str, storage_path: Path, fix: bool, sync_timeout_s: float) -> None:
    """List what is open, double, missing or in excess in MLflow, and mend it if asked to."""
    from hypertuning.stages.console.waiting import waiting

    with waiting("PyTorch and MLflow"):
        from hypertuning.stages.repair import doctor

    doctor(study, storage_path, fix, sync_timeout_s)


if __name__ == "__main__":
    main()
