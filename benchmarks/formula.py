"""A trainable that computes its losses by a formula, for studies of thousands of trials."""

import math
import time

from ray import tune

from hypertuning.epoch import Epoch


class Formula(tune.Trainable):
    """Tells rows like those of training: a loss falls to the level of its configuration."""

    def setup(self, config: dict) -> None:
        self.reset_config(config)

    def reset_config(self, new_config: dict) -> bool:
        self.config, self.job = new_config["config"], new_config["job"]
        self.epochs = self.job["recorded"]
        return True

    def step(self) -> dict:
        self.epochs += 1
        return {**row(self.config, self.epochs), "done": self.epochs >= self.job["until"]}


def level(config: dict) -> float:
    """The least loss of a configuration: 0.5 at the best learning rate and filters, 1.5 far off."""
    off = math.log10(config["learning_rate"] / 3e-3) ** 2 + (config["filters"] / 128 - 1) ** 2
    return 1.5 - math.exp(-off)


def row(config: dict, epoch: int) -> dict:
    loss = level(config) + 1 / epoch
    measured = {
        "epoch": epoch,
        "train_loss": loss - 0.01 * epoch,
        "train_accuracy": math.exp(-loss),
        "val_loss": loss,
        "val_accuracy": math.exp(-loss),
        "learning_rate": config["learning_rate"],
        "epoch_seconds": 0.001,
        "images_per_second": 1e5,
        "timestamp": time.time(),
    }
    return Epoch.of(**measured).as_dict()
