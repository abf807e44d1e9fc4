"""The write-up of studies: figures, tables and findings in one page."""

from pathlib import Path

import click

from entrypoints.options import FOLDER, NONE, StageCommand, option


@click.command(cls=StageCommand)
@option("source", NONE, help="Run ids of studies or names of experiments, with commas.")
@option("out", "reports", FOLDER, "Where the report's folder is made.")
def main(source: str, out: Path) -> None:
    """Write up the studies of this experiment, or of others, from the tracking store alone."""
    from entrypoints.reporting import report  # MLflow and matplotlib take seconds to import

    report(source, out)


if __name__ == "__main__":
    main()
