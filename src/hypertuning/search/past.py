"""What an earlier part of a study did. Ray is not imported here."""

from typing import NamedTuple

from hypertuning.search.ladder import Job
from hypertuning.search.sampler import Proposal


class Past(NamedTuple):
    """A job that an earlier part of the study began."""

    job: Job
    proposal: Proposal
    recorded: int
    """The epoch up to which the record has all results of its trial."""
    loss: float | None
    """At the end of the job; +inf if it failed or diverged, None if it did not end."""
