"""Print the package's log among the lines of a command."""

import logging


def show_log() -> None:
    """Print what the package logs, such as downloads and decoding; not the logs of libraries."""
    logger = logging.getLogger("hypertuning")
    logger.handlers = [_Lines()]
    logger.setLevel(logging.INFO)


class _Lines(logging.Handler):
    """Print each message as a line, above the spinner of a wait."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), flush=True)
