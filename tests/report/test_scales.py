"""Scales, ticks and labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from pandas import Series

from hypertuning.report.heat_map import ColourScale, ink
from hypertuning.report.lines import spread
from hypertuning.report.scales import epoch_axis, loss_axis

heights = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(heights)
def test_labels_are_spread_apart_in_the_order_of_their_lines(given_heights):
    placed = np.array(spread(given_heights, gap=0.1))
    order = np.argsort(given_heights, kind="stable")
    assert (np.diff(placed[order]) >= 0.1 - 1e-9).all()
    assert placed.min() >= -1e-9
    assert placed.max() <= 1 + 1e-9


def test_labels_that_are_apart_stay_where_they_are():
    assert spread([0.9, 0.1, 0.5], gap=0.1) == pytest.approx([0.9, 0.1, 0.5])


def test_labels_that_collide_move_by_the_same_amount():
    assert spread([0.5, 0.5], gap=0.1) == pytest.approx([0.45, 0.55])


def test_more_labels_than_fit_still_keep_their_order():
    assert spread([0.5] * 30, gap=0.1) == sorted(spread([0.5] * 30, gap=0.1))


@pytest.mark.parametrize("last", [1, 2, 10, 12, 13, 30, 81, 100, 1000])
def test_ticks_are_whole_epochs_from_the_first_on(last):
    axes = Figure().subplots()
    epoch_axis(axes, last)
    ticks = axes.get_xticks()
    assert ticks[0] == 1
    assert ticks[-1] <= last
    assert len(ticks) <= 13
    assert all(float(tick).is_integer() for tick in ticks)


@pytest.mark.parametrize("loss", [50.0, 1e30])
def test_a_hopeless_loss_does_not_flatten_the_others_and_is_told(loss):
    axes = Figure().subplots()
    loss_axis(axes, np.array([2.2, 1.4, 1.1, 1.0, loss]))
    assert axes.get_ylim()[1] < 2.5
    assert f"{loss:.3g}" in axes.texts[0].get_text()


@pytest.mark.parametrize("may_be_log", [False, True])
def test_no_mark_lies_under_the_note_on_losses_left_out(may_be_log):
    axes = Figure((3, 2)).subplots()
    loss_axis(axes, np.array([0.05, 0.1, 2.2, 0.4, 50.0]), may_be_log=may_be_log)
    assert axes.get_yscale() == ("log" if may_be_log else "linear")
    axes.figure.draw_without_rendering()
    highest = axes.transData.transform((0, 2.2))[1]
    assert highest < axes.texts[0].get_window_extent().y0


@pytest.mark.parametrize("losses", [[2.3, 0.3, 0.1, 0.05], [60.0, 50.0, 40.0], [1.0, 3.0, 5.5]])
def test_a_loss_that_is_like_the_others_is_never_left_out(losses):
    axes = Figure().subplots()
    loss_axis(axes, np.array(losses))
    assert axes.get_ylim()[1] > max(losses)
    assert not axes.texts


@pytest.mark.parametrize("value", np.linspace(0, 1, 21))
def test_a_cells_text_stands_out_from_its_colour(value):
    scale = ColourScale.of(Series([0.0, 1.0] * 10))
    colour = scale.colours.to_rgba(value)[:3]
    shades = [luminance(colour), luminance(to_rgb(ink(colour)))]
    assert (max(shades) + 0.05) / (min(shades) + 0.05) >= 4.5  # WCAG 2.2, level AA


def luminance(colour: tuple[float, float, float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_one_very_low_accuracy_does_not_take_the_colours_from_the_rest():
    scale = ColourScale.of(Series([0.1, 0.60, 0.61, 0.62, 0.63, 0.64]))
    assert scale.cut
    assert scale.colours.norm.vmin == 0.60
