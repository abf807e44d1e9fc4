"""How much each trial of a study computes, where all configurations are known beforehand."""

from hypertuning.geometry import training_flops
from hypertuning.search.sampler import Sampler


def work(sampler: Sampler, trials: int, num_classes: int) -> list[float]:
    """The FLOPs of training on one image, by trial.

    All trials of a study train on the same images, so their epochs compare as these do.
    """
    configs = (sampler.propose(trial).config for trial in range(trials))
    return [float(training_flops(config, num_classes)) for config in configs]
