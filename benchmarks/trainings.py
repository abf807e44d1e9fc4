"""The trainings of a study, for others to train the same, and what these measured."""

import json
from pathlib import Path
from typing import Any, NamedTuple


class Training(NamedTuple):
    """One configuration, from its first epoch to its last."""

    config: dict[str, Any]
    epochs: int


class Images(NamedTuple):
    """The arguments of `learn.splits.load`."""

    cache: str
    train_size: int
    val_size: int
    split_seed: int


class Trainings(NamedTuple):
    images: Images
    workers: int
    """Trainings at once."""
    all: list[Training]

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(self))

    @classmethod
    def read(cls, file: Path) -> "Trainings":
        images, workers, trainings = json.loads(file.read_text())
        return cls(Images(*images), workers, [Training(*each) for each in trainings])
