"""A report's sections → one self-contained HTML page, Markdown, figures and tables."""

import base64
import json
import re
import struct
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from hypertuning.report.document import Document

SHOWN = 50
"""Number of trials that the page shows without JavaScript."""
OURS = ("report.html", "report.md", "figures", "tables")
"""What a report puts into its folder; all other files belong to somebody else."""
READING = (
    "Losses are mean cross-entropy in nats per image, accuracies are fractions of the images. "
    "`best_val_loss` and `best_val_accuracy` are each the best of all epochs of a trial, and may "
    "come from different epochs. The generalization gap is validation loss − training loss. Only "
    "the stage register reads test images, once a model has been chosen and refitted.",
    "Intervals are 95 % intervals and are not corrected for multiple comparisons. They cover the "
    "variation between the trials that are compared, but not that between splits or data sets.",
    "An epoch is one pass over the training images; epochs spent are those of all trials together.",
)


def render(title: str, document: Document, made: datetime) -> dict[str, bytes]:
    """The files of a report, by their paths in its folder."""
    context = {
        "title": title,
        "made": f"{document.summary.counts}. Made on {made:%Y-%m-%d %H:%M} UTC.",
        **document._asdict(),
        "reading": READING,
        "shown": SHOWN,
    }
    every = [section for top in document.sections for section in top.all()]
    return {
        "report.html": _template("report.html").render(context).encode(),
        "report.md": _template("report.md").render(context).encode(),
        **{f"figures/{p.name}.png": p.png for section in every for p in section.pictures},
        **{
            f"tables/{table.name}.csv": table.rows.to_csv(index=False).encode()
            for section in every
            for table in section.tables
        },
    }


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Replace an earlier report, completely or not at all; files of others stay.

    Raises:
        OSError: the folder cannot be written to. The earlier report is unchanged.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        new, old = Path(temporary, "new"), Path(temporary, "old")
        for name, content in files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(content)
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except BaseException:
            if old.exists():
                old.rename(folder)
            raise
        for theirs in old.iterdir() if old.exists() else ():
            if theirs.name not in OURS:
                theirs.rename(folder / theirs.name)


def _template(name: str):
    environment = Environment(
        loader=PackageLoader("hypertuning.report"),
        autoescape=name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=name.endswith(".html"),
    )
    environment.filters |= {
        "anchor": anchor,
        "base64": lambda png: base64.b64encode(png).decode(),
        "cell": cell,
        "code": code,
        "demoted": demoted,
        "embedded": embedded,
        "fixed": fixed,
        "heading": lambda name: str(name).replace("_", " "),
        "numbers": numbers,
        "pixels": pixels,
        "plain": plain,
        "texts": texts,
    }
    environment.globals["zip"] = zip
    return environment.get_template(name)


def anchor(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def cell(value: object) -> str:
    """A short text for one value of a table: a dash where it is missing."""
    if value is None or pd.isna(value):
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def texts(rows: pd.DataFrame) -> list[list[str]]:
    """The cells of a table; a column has one number of digits if none needs an exponent."""
    columns = [_texts(rows[name]) for name in rows]
    return [list(row) for row in zip(*columns, strict=True)]


def _texts(values: pd.Series) -> list[str]:
    digits = None
    if pd.api.types.is_float_dtype(values):
        known = values[(values != 0) & np.isfinite(values)].abs()
        digits = 4 if len(known) and 1e-3 <= known.min() <= known.max() < 1e4 else None
    return [fixed(None if pd.isna(value) else value, digits) for value in values.tolist()]


def fixed(value: object, digits: int | None) -> str:
    """A value with so many digits after the point, or as short as may be."""
    known = value is not None and digits is not None
    return f"{value:.{digits}f}" if known else cell(value)


def embedded(data: object) -> Markup:
    """Data as JSON for a script element; no text in it can close the element."""
    written = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Markup(written.replace("<", "\\u003c"))


def plain(text: str) -> str:
    """Text on one line, with the characters escaped that mean something in Markdown."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")


def code(line: str) -> Markup:
    """Text as HTML, with `…` as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(line))))


def demoted(text: str, levels: int) -> str:
    """Markdown with each heading `levels` lower."""
    return re.sub("^#", "#" * (levels + 1), text, flags=re.MULTILINE)


def numbers(rows: pd.DataFrame) -> set[str]:
    """The columns that are aligned to the right."""
    return {name for name in rows if pd.api.types.is_numeric_dtype(rows[name])}


def pixels(png: bytes) -> int:
    """The width of a picture (PNG, 3rd edition, 11.2.1)."""
    return struct.unpack(">I", png[16:20])[0]
