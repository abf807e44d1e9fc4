"""Train the chosen configuration once more, on the validation images as well."""

from collections.abc import Iterator
from pathlib import Path

from hypertuning.config import Config
from hypertuning.epoch import Epoch
from hypertuning.learn.checkpoint import load, save
from hypertuning.learn.data import Splits
from hypertuning.learn.training import Hardware, TrainState, fit


def begin(
    config: Config, data: Splits, epochs: int, checkpoint: Path, hardware: Hardware
) -> TrainState:
    """The state from which training goes on: that of the checkpoint, if it is of this refit.

    A learning-rate schedule runs over the epochs of the refit.
    """
    kept = load(checkpoint, config, data, hardware)
    if kept and kept.horizon == epochs:
        return kept
    return TrainState.new(config, data, epochs, hardware)


def refit(state: TrainState, data: Splits, checkpoint: Path) -> Iterator[Epoch]:
    """Every epoch, those behind the state too, each when its checkpoint is written.

    Args:
        data: Without images held out: there is nothing left to choose by them.

    Raises:
        Diverged: the training loss is not finite.
        OSError: the disk takes no checkpoint.
    """
    yield from list(state.rows)
    for row in fit(state, data, state.horizon):
        save(state, checkpoint)
        yield row
