"""Print lines, tables, and the leaderboard after a study."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hypertuning.words import counted

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "rank": "",
    "trial_id": "trial",
    "best_val_loss": "lowest\nval loss",
    "best_epoch": "in\nepoch",
    "epochs_run": "of",
    "best_val_accuracy": "best\naccuracy",
    "run_name": "configuration",
}
TEXTS = {"run_name", "file", "class", "top_3"}
"""Columns that are aligned to the left and may wrap."""


def say(console: Console, lines: Iterable[str]) -> None:
    """Print lines without wrapping, colours or markup."""
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def show_leaderboard(console: Console, trials: "pd.DataFrame", n: int = 5) -> None:
    """Print the best trials; lowest loss and best accuracy may be of different epochs."""
    from hypertuning.report.trials import leaderboard

    rows = leaderboard(trials, n)
    title = f"best {len(rows)} of {counted(len(trials), 'trial')}, by validation loss"
    console.print(table_of(title, rows, COLUMNS))


def table_of(title: str, rows: "pd.DataFrame", columns: Mapping[str, str]) -> Table:
    """Some columns of a frame, each under a heading."""
    table = new_table(title)
    for name, heading in columns.items():
        text = name in TEXTS
        table.add_column(heading, justify="left" if text else "right", no_wrap=not text)
    for row in rows[list(columns)].itertuples(index=False):
        table.add_row(*map(_text, row))
    return table


def new_table(title: str) -> Table:
    return Table(title=escape(title), title_justify="left", box=box.SIMPLE_HEAD)


def _text(value: object) -> str:
    if isinstance(value, float) and np.isnan(value):
        return "–"
    return f"{value:.4f}" if isinstance(value, float | np.floating) else escape(str(value))
