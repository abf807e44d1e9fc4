"""Print what a command waited for, and how long, when each wait ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console


@contextmanager
def waiting(what: str, console: Console | None = None) -> Iterator[None]:
    """Show a spinner in a terminal, and print at the end how long it took."""
    console, began = console or Console(), time.monotonic()
    with console.status(f"{what} …") if console.is_terminal else nullcontext():
        yield
    tell_time(console, what, time.monotonic() - began)


def tell_first_epoch(seconds: float) -> None:
    tell_time(Console(), "first epoch", seconds)


def tell_time(console: Console, what: str, seconds: float) -> None:
    amount = f"{seconds:.1f}" if seconds < 9.95 else f"{seconds:.0f}"
    console.print(f"{what}: {amount} s", highlight=False, soft_wrap=True, markup=False)
