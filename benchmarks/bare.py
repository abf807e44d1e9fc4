"""A study's trainings in plain processes: no Ray, no MLflow, no record, no checkpoint.

The training is the project's own; the costliest is trained first.
"""

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.trainings import Images, Training, Trainings
from hypertuning.config import parse_config
from hypertuning.geometry import training_flops


def main(given: Path, results: Path) -> None:
    """Train all; write the validation accuracy of each, in their order."""
    trainings = Trainings.read(given)
    horizon = max(training.epochs for training in trainings.all)
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        trainings.workers, spawned, initializer=begin, initargs=(trainings.images,)
    ) as pool:
        jobs = {
            index: pool.submit(train, training, horizon)
            for index, training in sorted(enumerate(trainings.all), key=cost, reverse=True)
        }
        accuracies = [jobs[index].result() for index in range(len(jobs))]
    results.write_text(json.dumps(accuracies))


def cost(numbered: tuple[int, Training]) -> int:
    """FLOPs on one image, in all epochs."""
    training = numbered[1]
    return training_flops(parse_config(training.config), num_classes=10) * training.epochs


def begin(images: Images) -> None:
    """Load the images, once in each process."""
    global data
    import torch

    from hypertuning.learn.splits import load

    torch.set_num_threads(1)
    data = load(Path(images.cache), *images[1:])


def train(training: Training, horizon: int) -> float:
    from hypertuning.learn.training import Hardware, TrainState, fit

    config = parse_config(training.config)
    state = TrainState.new(config, data, horizon, Hardware.of("cpu"))
    *_, last = fit(state, data, training.epochs)
    return last.val_accuracy


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
