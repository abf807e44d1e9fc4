"""The record of a study: every configuration, result and error in Ray's folder, at once."""

import json
import os
from pathlib import Path
from typing import BinaryIO

from ray.tune.logger import LoggerCallback
from ray.tune.utils.util import SafeFallbackEncoder


class Recorder(LoggerCallback):
    """Writes params.json, result.json and error.txt of each Ray trial where its storage is.

    Ray's own JsonLoggerCallback writes the same files, but under the session's temporary folder,
    from where they are copied at intervals: what it wrote last is lost with the machine.

    Every line of result.json has its `order` among all lines of the part: the order in which the
    search learnt of them, which a study that goes on repeats.
    """

    order = 0

    def log_trial_start(self, trial) -> None:
        folder = _folder(trial)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(trial.config, indent=2, cls=SafeFallbackEncoder)
        with (folder / "params.json.unfinished").open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # a run of MLflow's will have been made for just these
        (folder / "params.json.unfinished").replace(folder / "params.json")

    def log_trial_result(self, iteration: int, trial, result: dict) -> None:
        self.order += 1
        line = json.dumps({**result, "order": self.order}, cls=SafeFallbackEncoder).encode()
        # opened for every line: an epoch takes seconds, and no line is left in a buffer
        with (_folder(trial) / "result.json").open("ab+") as file:
            torn = _ends_in_half_a_line(file)  # a full disk did that; what follows stays readable
            file.write(b"\n" * torn + line + b"\n")

    def log_trial_end(self, trial, failed: bool = False) -> None:
        if not (_folder(trial) / "params.json").exists():
            self.log_trial_start(trial)  # a trial that dies in its constructor has never started
        if failed and trial.error_file:
            (_folder(trial) / "error.txt").write_text(Path(trial.error_file).read_text())
            self.log_trial_result(0, trial, {"failed": True})  # from here on it counts as failed


def _folder(trial) -> Path:
    return Path(trial.storage.trial_fs_path)


def _ends_in_half_a_line(file: BinaryIO) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"
