"""What the record of a study holds, as values of `search`."""

from collections.abc import Mapping

from hypertuning.config import UserError, parse_config
from hypertuning.record.files import DamagedRecord
from hypertuning.record.jobs import RecordedJob, read_jobs
from hypertuning.record.layout import StudyDir
from hypertuning.search.ladder import Job
from hypertuning.search.past import Past
from hypertuning.search.sampler import Proposal


def read_past(study_dir: StudyDir) -> list[Past]:
    """The jobs of all parts of a study so far, as values of `search`.

    Raises:
        DamagedRecord: a job in the record is not complete or not valid.
    """
    return [_past(job) for job in read_jobs(study_dir)]


def _past(recorded: RecordedJob) -> Past:
    try:
        job = Job(*(recorded.job[name] for name in Job._fields))
        told = (recorded.job.get(name) for name in ("model_epochs", "expected_gain"))
        proposal = Proposal(parse_config(recorded.config), recorded.job["sampler"], *told)
    except KeyError as missing:
        raise DamagedRecord(recorded.file, f"`job` lacks {missing}") from missing
    except UserError as error:
        raise DamagedRecord(recorded.file, str(error)) from error
    return Past(job, proposal, recorded.recorded, recorded.loss)


def check_given(study_dir: StudyDir, given: Mapping) -> None:
    """Raises DamagedRecord if a configuration that a study was given cannot be trained."""
    asked = [given["asked"][0]] if "asked" in given else []
    try:
        for config in [*asked, *(found["config"] for found in given.get("candidates", ()))]:
            parse_config(config)
    except UserError as error:
        raise DamagedRecord(study_dir.study_file, f"`given`: {error}") from error
