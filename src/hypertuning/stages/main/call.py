"""Run another command as a part of this one."""

import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


def call(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end, however often the user presses Ctrl-C; return its status."""
    with subprocess.Popen(command, env=environment) as process, _passed_on(process):
        return process.wait()


@contextmanager
def _passed_on(process: subprocess.Popen) -> Iterator[None]:
    """Pass Ctrl-C, SIGTERM and SIGHUP on to a process as SIGINT, and let it end by itself."""
    if threading.current_thread() is not threading.main_thread():  # Python allows handlers there
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def pass_on(*_) -> None:
        process.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
