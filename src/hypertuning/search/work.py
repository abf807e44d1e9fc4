"""How much each trial of a study computes, where all configurations are known beforehand."""

from collections.abc import Mapping

from hypertuning.geometry import training_flops
from hypertuning.search.sampler import Proposal, Sampler


def work(
    sampler: Sampler, trials: int, num_classes: int, known: Mapping[int, Proposal] | None = None
) -> list[float]:
    """The FLOPs of training on one image, by trial.

    All trials of a study train on the same images, so their epochs compare as these do.

    Args:
        known: What the sampler does not decide, by trial.
    """
    proposals = ((known or {}).get(trial) or sampler.propose(trial) for trial in range(trials))
    return [float(training_flops(proposal.config, num_classes)) for proposal in proposals]
