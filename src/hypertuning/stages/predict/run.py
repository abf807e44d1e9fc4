"""Run `predict`: read pictures, predict their classes, print and write the predictions."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from hypertuning.config import UserError
from hypertuning.learn.folders import as_text
from hypertuning.learn.pixels import notes_on
from hypertuning.learn.sizes import sizes_in_words
from hypertuning.registry.pictures import Picture, read
from hypertuning.registry.predict import TOP, load, predict
from hypertuning.registry.versions import CHAMPION, only_one
from hypertuning.stages.console.show import say, table_of
from hypertuning.stages.done import Done
from hypertuning.stages.options import AUTO, usage
from hypertuning.tracking.store import connect

SHOWN = 50
"""Most rows that are printed; the file has all."""
COLUMNS = {
    "file": "file",
    "class": "class",
    "probability": "probability",
    f"top_{TOP}": f"top {TOP}",
}


def run_predict(model_uri: str, images: Path, out: Path, trust: bool) -> Done:
    """Predict and write the table; status 1 if a file was not a picture.

    Raises:
        UserError: no such model, or no picture at all.
        OSError: the table cannot be written.
    """
    console = Console()
    model_uri = _settled(model_uri)
    readable, skipped = _read(images)
    table = predict(load(model_uri, trust), readable)
    table.to_csv(out, index=False)
    names = [as_text(_below(images, picture.file)) for picture in readable[:SHOWN]]
    shown = table.head(SHOWN).assign(file=names)
    console.print(table_of(f"{len(table)} × {model_uri}", shown, COLUMNS))
    if len(table) > SHOWN:
        say(console, [f"the first {SHOWN} of {len(table)}"])
    pixels = [picture.pixels for picture in readable]
    say(console, [f"sizes: {sizes_in_words(p.size for p in pixels)}", *notes_on(pixels)])
    say(console, [f"all probabilities: {out}"])
    for picture in skipped:
        text = as_text(picture.file)
        print(f"skipped: {text} is not a picture ({picture.reason})", file=sys.stderr)
    return Done(table, 1 if skipped else 0)


def _settled(model_uri: str) -> str:
    """The address of a model: `auto` becomes that of the only champion."""
    if not model_uri.startswith(("models:", "runs:")) and model_uri != AUTO:
        return model_uri
    client = connect(must_exist=True)
    if model_uri != AUTO:
        return model_uri
    with usage():
        name = only_one(client, {CHAMPION}, "model_uri", f"models:/{{}}@{CHAMPION}")
    return f"models:/{name}@{CHAMPION}"


def _read(images: Path) -> tuple[Sequence[Picture], Sequence[Picture]]:
    """The pictures that can be read, and those that cannot.

    Raises:
        UserError: none can be read.
    """
    found = list(read(images))
    readable = [picture for picture in found if picture.pixels is not None]
    skipped = [picture for picture in found if picture.pixels is None]
    if not readable:
        why = f"; the first of {len(skipped)}: {skipped[0].reason}" if skipped else ""
        raise UserError(f"`images` (={as_text(images)}) holds no picture that can be read{why}")
    return readable, skipped


def _below(images: Path, file: Path) -> Path:
    """A file's path inside the folder `images`."""
    return file.relative_to(images) if file != images else Path(images.name)
