"""The write-up of studies: figures, tables and findings in one page."""

from pathlib import Path

import click

from hypertuning.stages.options import FOLDER, NONE, StageCommand, option


@click.command("report", cls=StageCommand, opening="source={source}, to {out}")
@option("source", NONE, help="Run ids of studies or names of experiments, with commas.")
@option("out", "reports", FOLDER, "Where the report's folder is made.")
def main(source: str, out: Path) -> None:
    """Write up the studies of this experiment, or of others, from the tracking store alone."""
    # takes a second: not before the first line
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.start import check_folder

    check_folder("out", out)
    with waiting("MLflow and matplotlib"):
        from hypertuning.stages.report import report

    report(source, out)


if __name__ == "__main__":
    main()
