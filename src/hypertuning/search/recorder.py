"""The record of a study: every configuration, result and error in Ray's folder, at once."""

import json
from pathlib import Path

from ray.tune.logger import LoggerCallback
from ray.tune.utils.util import SafeFallbackEncoder

from hypertuning.record.layout import JobFiles
from hypertuning.record.write import append_result, write_error, write_params


class Recorder(LoggerCallback):
    """Writes params.json, result.json and error.txt of each Ray trial where its storage is.

    Ray's own JsonLoggerCallback writes the same files, but under the session's temporary folder,
    from where they are copied at intervals: what it wrote last is lost with the machine.

    Every line of result.json has its `order` among all lines of the part: the order in which the
    search learnt of them, which a study that goes on repeats.
    """

    order = 0

    def log_trial_start(self, trial) -> None:
        # flushed to the disk at once: a run of MLflow's will be made for just these parameters
        write_params(_files(trial), json.dumps(trial.config, indent=2, cls=SafeFallbackEncoder))

    def log_trial_result(self, iteration: int, trial, result: dict) -> None:
        self.order += 1
        line = json.dumps({**result, "order": self.order}, cls=SafeFallbackEncoder)
        append_result(_files(trial), line)

    def log_trial_end(self, trial, failed: bool = False) -> None:
        if not _files(trial).params.exists():
            self.log_trial_start(trial)  # a trial that dies in its constructor has never started
        if failed and trial.error_file:
            write_error(_files(trial), Path(trial.error_file).read_text())
            self.log_trial_result(0, trial, {"failed": True})  # from here on it counts as failed


def _files(trial) -> JobFiles:
    return JobFiles(Path(trial.storage.trial_fs_path))
