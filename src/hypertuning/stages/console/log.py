"""The package's own log, as lines among what a command prints."""

import logging


def show_log() -> None:
    """Show what the package has to say of downloads and decoding, and nobody else's log."""
    logger = logging.getLogger("hypertuning")
    logger.handlers = [_Lines()]
    logger.setLevel(logging.INFO)


class _Lines(logging.Handler):
    """Prints each message as a line, above what a terminal shows of a wait."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), flush=True)
