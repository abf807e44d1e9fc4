"""A trainable that costs nothing: its loss is a function of its configuration and the epoch."""

import json
import os
import time
from pathlib import Path

from ray import tune


class Toy(tune.Trainable):
    """Loss = learning rate + 1 / epoch; `dropout` above 0.5 raises; keeps its epoch in a file.

    Where the folder holds a file `breaks-at-N`, the first trial to reach epoch N raises, once;
    where it holds a folder `workers`, an epoch takes two seconds as long as there is one worker.
    """

    def setup(self, config: dict, state: Path) -> None:
        self.folder = state
        self.reset_config(config)

    def reset_config(self, new_config: dict) -> bool:
        self.values, self.job = new_config["config"], new_config["job"]
        self.file = self.folder / f"{self.job['trial']}.json"
        self.epoch = json.loads(self.file.read_text()) if self.file.exists() else 0
        return True

    def step(self) -> dict:
        if self.values["dropout"] > 0.5:
            raise RuntimeError("this one breaks")
        self.epoch += 1
        self._wait_for_another_worker()
        trap = self.folder / f"breaks-at-{self.epoch}"
        if trap.exists():
            trap.unlink()
            raise RuntimeError("this one breaks once")
        self.file.write_text(json.dumps(self.epoch))
        loss = self.values["learning_rate"] + 1 / self.epoch
        done = self.epoch >= self.job["until"]
        return {"epoch": self.epoch, "val_loss": loss, "pid": os.getpid(), "done": done}

    def _wait_for_another_worker(self) -> None:
        workers = self.folder / "workers"
        if workers.exists():
            (workers / str(os.getpid())).touch()
            time.sleep(2 if len(os.listdir(workers)) == 1 else 0.05)
