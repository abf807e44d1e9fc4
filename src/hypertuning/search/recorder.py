"""The record of a study: every configuration, result and error in Ray's folder, at once."""

import json
from pathlib import Path

from ray.tune.logger import LoggerCallback
from ray.tune.utils.util import SafeFallbackEncoder


class Recorder(LoggerCallback):
    """Writes params.json, result.json and error.txt of each Ray trial where its storage is.

    Ray's own JsonLoggerCallback writes the same files, but under the session's temporary folder,
    from where they are copied at intervals: what it wrote last is lost with the machine.
    """

    def log_trial_start(self, trial) -> None:
        folder = _folder(trial)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "params.json").write_text(
            json.dumps(trial.config, indent=2, cls=SafeFallbackEncoder)
        )

    def log_trial_result(self, iteration: int, trial, result: dict) -> None:
        # opened for every line: an epoch takes seconds, and no line is left in a buffer
        with (_folder(trial) / "result.json").open("a") as file:
            file.write(json.dumps(result, cls=SafeFallbackEncoder) + "\n")

    def log_trial_end(self, trial, failed: bool = False) -> None:
        if failed and trial.error_file:
            (_folder(trial) / "error.txt").write_text(Path(trial.error_file).read_text())


def _folder(trial) -> Path:
    return Path(trial.storage.trial_fs_path)
