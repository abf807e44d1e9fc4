"""What `predict` does: read pictures, ask the model, print and keep the answers."""

import sys
from pathlib import Path

import click
from rich.console import Console

from entrypoints.show import say, table_of
from hypertuning.config import UserError
from hypertuning.registry.pictures import read
from hypertuning.registry.predict import TOP, load, predict
from hypertuning.tracking.store import connect

SHOWN = 50
"""Rows that are printed; all are in the file."""
COLUMNS = {
    "file": "file",
    "class": "class",
    "probability": "probability",
    f"top_{TOP}": f"top {TOP}",
}


def run_predict(model_uri: str, images: Path, out: Path) -> None:
    """Predict; exit with status 1 at the end if a file was no picture.

    Raises:
        UserError: no such model, no picture at all, or a file that cannot be written.
    """
    console = Console()
    if not out.absolute().parent.is_dir():
        raise UserError(f"`out` (={out}): there is no folder {out.absolute().parent}")
    if model_uri.startswith(("models:", "runs:")):
        connect(must_exist=True)
    found = list(read(images))
    readable = [picture for picture in found if picture.pixels is not None]
    skipped = [picture for picture in found if picture.pixels is None]
    if not readable:
        why = f"; the first of {len(skipped)}: {skipped[0].reason}" if skipped else ""
        raise UserError(f"`images` (={images}) holds no picture that can be read{why}")
    table = predict(load(model_uri), readable)
    table.to_csv(out, index=False)
    shown = table.head(SHOWN).assign(file=[_below(images, file) for file in table["file"][:SHOWN]])
    console.print(table_of(f"{len(table)} × {model_uri}", shown, COLUMNS))
    if len(table) > SHOWN:
        say(console, [f"the first {SHOWN} of {len(table)}"])
    say(console, [f"all probabilities: {out}"])
    for picture in skipped:
        click.echo(f"skipped: {picture.file} is no picture ({picture.reason})", err=True)
    if skipped:
        sys.exit(1)


def _below(images: Path, file: str) -> str:
    """A file as it is found in the folder that was asked for: what tells it from others."""
    return str(Path(file).relative_to(images)) if Path(file) != images else images.name
