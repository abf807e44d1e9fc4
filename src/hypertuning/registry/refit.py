"""Train the chosen configuration once more, on the validation images as well."""

from collections.abc import Iterator
from pathlib import Path

from hypertuning.config import Config
from hypertuning.epoch import Epoch
from hypertuning.learn.checkpoint import load, save
from hypertuning.learn.splits import Splits
from hypertuning.learn.training import Hardware, TrainState, fit


def begin(
    config: Config, data: Splits, epochs: int, checkpoint: Path, hardware: Hardware
) -> TrainState:
    """Take the state from the checkpoint if it is of this refit; otherwise begin a new one.

    A learning-rate schedule runs over the epochs of the refit.
    """
    kept = load(checkpoint, config, data, hardware)
    if kept and kept.horizon == epochs:
        return kept
    return TrainState.new(config, data, epochs, hardware)


def refit(state: TrainState, data: Splits, checkpoint: Path) -> Iterator[Epoch]:
    """Yield every epoch: those in the state, then each new one when its checkpoint is written.

    Args:
        data: Without held-out images, because nothing is left to choose.

    Raises:
        Diverged: the training loss is not finite.
        OSError: the checkpoint cannot be written.
    """
    yield from list(state.rows)
    for row in fit(state, data, state.horizon):
        save(state, checkpoint)
        yield row
