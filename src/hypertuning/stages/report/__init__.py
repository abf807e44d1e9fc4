"""Report on studies: figures, tables and findings on one page."""

from pathlib import Path

from pydantic import Field

from hypertuning.stages.done import Done
from hypertuning.stages.kinds import Folder, Named
from hypertuning.stages.options import Options, UsageError


class Report(Options):
    """Write up the studies of this experiment, or of others, from the tracking store alone."""

    source: Named = Field(
        None,
        description="Run ids of studies or names of experiments, separated by commas; none is this "
        "experiment.",
    )
    out: Folder = Field(Path("reports"), description="Folder in which the report gets a folder.")


def report(options: Report) -> Done:
    """Return the file of the report."""
    # imported here, because it takes a second and the first line must come at once
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.start import check_folder

    check_folder("out", options.out)
    if options.source is not None and not options.source.strip(" ,"):
        raise UsageError(f"`source` must name a study or an experiment, got {options.source!r}")
    with waiting("MLflow and matplotlib"):
        from hypertuning.stages.report.write import write_report

    return write_report(options.source, options.out)
