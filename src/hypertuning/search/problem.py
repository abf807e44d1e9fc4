"""What all trials of a study share besides the space."""

from pathlib import Path
from typing import NamedTuple


class Problem(NamedTuple):
    """What all trials of a study share besides the space."""

    cache: Path
    """Decoded images, from `learn.data.prepare`."""
    train_size: int
    val_size: int
    split_seed: int
    horizon: int
    """Epochs over which a learning-rate schedule runs: the study's largest number."""
    device: str
    """cpu or cuda."""
    precision: str
    """auto, float32 or bfloat16."""
    threads: int
    checkpoints: Path
    """Folder of the weights of each trial of the study, and of what it measured."""
