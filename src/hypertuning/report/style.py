"""How every figure looks: colours, and one style sheet that leaves matplotlib's settings alone."""

import functools
import textwrap
import threading
from collections.abc import Callable, Sized
from typing import Concatenate, ParamSpec, TypeVar

from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from hypertuning.report.pictures import png

BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY, INK, FAINT = "#CC79A7", "#E69F00", "#56B4E9", "#222222", "#767676"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
"""Okabe and Ito's palette, which colour-blind readers can tell apart; markers differ as well."""
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1, 1.2)))

ARM_LOOKS = {"none": (VERMILLION, "o"), "crop_flip": (BLUE, "^")}
MODEL_LOOKS = {"nn": (VERMILLION, "o"), "resnn": (GREEN, "s"), "cnn": (BLUE, "^")}
SAMPLER_LOOKS = {
    "random": (BLUE, "o", "drawn at random"),
    "model": (VERMILLION, "^", "proposed by the model"),
    "warm": (GREEN, "s", "proposed from earlier studies"),
    "prior": (FAINT, "X", "drawn near the prior"),
    "incumbent": (INK, "*", "drawn near the best so far"),
    "point": (PURPLE, "D", "given by the user"),
    "grid": (ORANGE, "v", "taken from the grid"),
    "repeat": (SKY, "P", "trained again"),
}
"""By sampler: colour, marker, and the words for a result whose configuration came from it."""

ACCURACIES = LinearSegmentedColormap.from_list("accuracies", ["#EEF3F8", "#6FA8CF", "#08306B"])
"""Higher is darker, also when printed in grey."""

STYLE = {
    "figure.dpi": 150,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib
    "font.size": 8,
    "text.color": INK,
    "text.usetex": False,
    "text.parse_math": False,  # a `$` in a run's name is not mathematics
    "axes.facecolor": "white",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linestyle": "-",
    "grid.linewidth": 0.6,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.5,
    "lines.markersize": 4,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "hatch.linewidth": 0.5,
}


def nth_look(place: int) -> tuple[str, str]:
    """Colour and marker of one of several lines, counted from 0."""
    return COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]


def sampler_look(sampler: str) -> tuple[str, str, str]:
    return SAMPLER_LOOKS.get(sampler, (FAINT, "x", sampler))


_ONE_AT_A_TIME = threading.RLock()


class ShownFigure(Figure):
    """A figure that Jupyter shows by itself, which it does otherwise for pyplot's figures only."""

    def draw(self, renderer) -> None:
        """Draw under the style sheet, so that ticks are those that the layout has room for."""
        with _ONE_AT_A_TIME, rc_context(STYLE):
            super().draw(renderer)

    def _repr_png_(self) -> bytes:
        return png(self)


Rows = TypeVar("Rows", bound=Sized)
Options = ParamSpec("Options")


def styled(
    draw: Callable[Concatenate[Rows, Options], Figure],
) -> Callable[Concatenate[Rows, Options], Figure]:
    """Draw under the style sheet, and leave matplotlib's settings as they were; no rows, no axes.

    The settings belong to the process, so only one thread draws at a time. Otherwise a thread could
    take the style sheet of another one for the user's settings, and restore that.
    """

    @functools.wraps(draw)
    def drawn(rows: Rows, /, *args: Options.args, **options: Options.kwargs) -> Figure:
        with _ONE_AT_A_TIME, rc_context(STYLE):
            figure = draw(rows, *args, **options) if len(rows) else _nothing_yet()
            if figure.get_layout_engine():
                figure.draw_without_rendering()  # finds the layout
                figure.set_layout_engine("none")  # each later drawing would find it again
        return figure

    return drawn


def new_figure(
    width: float,
    height: float,
    title: str,
    note: str = "",
    margins: tuple[float, float, float, float] | None = None,
) -> Figure:
    """Begin a figure with a title above and a note on how to read it below; sizes in inches.

    Args:
        margins: left, right, bottom, top. Given ones spare the drawings that find a layout.
    """
    figure = ShownFigure((width, height), layout=None if margins else "constrained")
    if margins:
        left, right, bottom, top = margins
        figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
    else:
        figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.03, hspace=0.03)
    figure.suptitle(title, x=0.06 / width, ha="left", fontsize=9.5, fontweight="bold")
    if note:
        note = "\n".join(textwrap.fill(line, round(17.5 * width)) for line in note.splitlines())
        figure.supxlabel(note, x=0.06 / width, ha="left", fontsize=7, color=FAINT)
    return figure


def _nothing_yet() -> Figure:
    figure, text = ShownFigure((5, 0.4)), "Nothing to show yet: no trial has finished an epoch."
    figure.suptitle(text, x=0.02, y=0.5, ha="left", va="center", fontsize=9, fontweight="bold")
    return figure
