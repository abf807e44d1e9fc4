"""The figures themselves: what they show, and that drawing them leaves no trace."""

import functools
import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import pytest
from studies import compare_configs, grid_configs, paired_configs, sampled_configs, study

from hypertuning.report import figures, tables

LOSS, ACCURACY = "loss (nats per image)", "accuracy (fraction of images)"
BOHB = {"stage": "bohb", "samplers": ("random", "model")}


@functools.cache
def learning_curves(repeats, epochs=5):
    return figures.learning_curves(tables.learning_curves(*study(compare_configs(repeats), epochs)))


def heat_maps(trials):
    return figures.heat_maps(tables.heat_maps(trials))


def overfitting(configs, epochs=10):
    return figures.overfitting(tables.overfitting(*study(configs, epochs)))


@functools.cache
def anytime(trials):
    return figures.anytime(tables.anytime(*study(sampled_configs(trials), [1, 3, 9], **BOHB)))


def trial(epochs):
    curve = study([{"filters": 128}], epochs)[1]
    return figures.trial_overfitting(curve.to_dict("records"), "t0000  cnn f128 k3 p1 h256")


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def picture(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


@pytest.mark.parametrize(
    ("draw", "size"),
    [
        *((learning_curves, repeats) for repeats in (1, 7, 167)),
        *((anytime, trials) for trials in (1, 20, 500)),
        *((trial, epochs) for epochs in (1, 10, 100)),
    ],
)
def test_a_figure_of_any_size_is_a_small_picture(draw, size):
    content = picture(draw(size))
    assert content.startswith(b"\x89PNG")
    assert 5_000 < len(content) < 150_000


@pytest.mark.parametrize("draw", [lambda: trial(2), lambda: figures.anytime([])])
def test_a_figure_shows_itself_in_a_notebook(draw):
    assert draw()._repr_png_().startswith(b"\x89PNG")


def test_axes_carry_their_units():
    assert [axes.get_ylabel() for axes in learning_curves(1).axes] == [LOSS, ACCURACY]
    assert anytime(5).axes[0].get_ylabel() == "validation " + LOSS
    assert anytime(5).axes[0].get_xlabel() == "epochs spent"
    assert overfitting(paired_configs(2)).axes[0].get_ylabel() == LOSS
    assert trial(3).axes[0].get_ylabel() == LOSS
    assert {axes.get_xlabel() for axes in learning_curves(1).axes} == {"epoch"}


def test_each_models_line_ends_with_its_name():
    names = [text.rsplit("  ", 1)[0] for text in texts(learning_curves(1))]
    assert sorted(names) == ["CNN", "CNN", "NN", "NN", "NN + residual", "NN + residual"]


def test_training_and_validation_are_told_apart_by_their_markers_too():
    training, validation, _ = trial(1).axes[0].lines[1:]  # the first marks the turn
    assert training.get_markerfacecolor() == "white"
    assert validation.get_markerfacecolor() == validation.get_color()


def test_several_repeats_are_a_band_that_the_note_explains():
    assert "3 repeats" in learning_curves(3).get_supxlabel()
    assert not learning_curves(1).get_supxlabel()


@functools.cache
def grid():
    """The seed's grid without three of its trials."""
    return heat_maps(study(grid_configs(), 3)[0].drop(index=[0, 1, 2]))


def test_there_is_one_heat_map_for_each_kernel_and_number_of_connected_layers():
    *panels, bar = grid().axes
    assert len(panels) == 4
    assert len({panel.get_title(loc="left") for panel in panels}) == 4
    assert bar.get_ylabel() == "accuracy"


def test_the_heat_maps_share_one_colour_scale():
    *panels, _ = grid().axes
    assert len({panel.images[0].get_clim() for panel in panels}) == 1


def test_each_cell_says_its_accuracy_or_that_it_was_not_run():
    written = texts(grid())
    assert written.count("not run") == 3
    accuracy = study(grid_configs(), 3)[0]["best_val_accuracy"].iloc[-1]
    assert f"{accuracy:.3f}" in written


def test_the_note_tells_what_narrow_cells_cannot():
    assert "Hatched: 3 not run." in grid().get_supxlabel()
    trials, _ = study(sampled_configs(200), 3)
    trials.loc[0, "best_val_accuracy"] = 0.912
    figure = heat_maps(trials)
    assert not texts(figure)
    assert "the highest, 0.912" in figure.get_supxlabel()


@pytest.mark.parametrize("configs", [[{}], sampled_configs(200)])
def test_heat_maps_are_drawn_for_other_structures_too(configs):
    assert heat_maps(study(configs, 3)[0]).axes


@pytest.mark.parametrize(
    ("configs", "titles"),
    [
        (paired_configs(2), ["without augmentation", "with crop and flip"]),
        ([{"augment": "none"}], ["without augmentation"]),
        ([{"augment": "crop_flip"}], ["with crop and flip"]),
    ],
)
def test_overfitting_has_a_panel_for_each_arm_on_one_scale(configs, titles):
    axes = overfitting(configs).axes
    assert [panel.get_title(loc="left") for panel in axes] == titles
    assert len({panel.get_ylim() for panel in axes}) == 1


@pytest.mark.parametrize("pairs", [1, 3])
def test_overfitting_says_that_both_arms_show_the_same_configurations(pairs):
    figure = overfitting(paired_configs(pairs))
    left, right = ([line.get_color() for line in axes.lines] for axes in figure.axes)
    assert left == right
    assert "trained longest in both panels" in figure.get_supxlabel()


def test_arms_with_nothing_in_common_do_not_claim_it():
    configs = [{"filters": 100, "augment": "none"}, {"filters": 120, "augment": "crop_flip"}]
    assert "in both panels" not in overfitting(configs).get_supxlabel()


def test_a_trial_that_went_to_pieces_does_not_flatten_the_others():
    trials, curves = study(sampled_configs(20), 9, **BOHB)
    curves.loc[40, ["val_loss", "train_loss"]] = 50.0
    figure = figures.anytime(tables.anytime(trials, curves))
    assert figure.axes[0].get_ylim()[1] < 3
    assert any("up to 50" in text for text in texts(figure))


def test_losses_that_span_decades_stand_on_a_logarithmic_axis():
    trials, curves = study(sampled_configs(20), 9)
    curves["val_loss"] = 0.02 + 2 * np.exp(-curves["epoch"])
    assert figures.anytime(tables.anytime(trials, curves)).axes[0].get_yscale() == "log"


def test_a_long_name_is_cut_and_a_dollar_is_a_dollar():
    trials, curves = study(sampled_configs(3))
    trials["run_name"] = "cnn $x_{1$ " + "and so on " * 20
    figure = figures.overfitting(tables.overfitting(trials, curves))
    figure.savefig(io.BytesIO())
    label = figure.axes[0].get_legend().get_texts()[0].get_text()
    assert "$x_{1$" in label
    assert label.endswith("…")
    assert len(label) < 50


def test_without_a_single_finite_loss_every_figure_says_so():
    trials, curves = study(paired_configs(2))
    curves["val_loss"] = np.nan
    for name in ("learning_curves", "overfitting", "anytime"):
        rows = getattr(tables, name)(trials, curves)
        assert "Nothing to show yet" in getattr(figures, name)(rows).get_suptitle()


def test_without_results_every_figure_says_so():
    for draw in (figures.learning_curves, figures.heat_maps, figures.overfitting):
        assert "Nothing to show yet" in draw([]).get_suptitle()
    assert "Nothing to show yet" in figures.trial_overfitting([], "t0000").get_suptitle()


def test_drawing_in_threads_leaves_the_settings_as_they_were():
    before = dict(matplotlib.rcParams)
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(trial, [1, 2, 5, 10, 20, 3, 4, 6]))
    assert dict(matplotlib.rcParams) == before
    assert {figure.dpi for figure in drawn} == {150}


def test_a_saved_figure_has_the_ticks_that_it_was_laid_out_for():
    figure = overfitting(paired_configs(10), [10, 10, 3, 3])
    axes = figure.axes[0]
    laid_out = [text.get_text() for text in axes.get_yticklabels()]
    picture(figure)
    assert [text.get_text() for text in axes.get_yticklabels()] == laid_out
    assert axes.yaxis.label.get_window_extent().x0 > 0


def test_what_a_thread_draws_is_what_the_main_thread_draws():
    with ThreadPoolExecutor(1) as thread:
        aside = thread.submit(trial, 10).result()
    assert picture(aside) == picture(trial(10))


def test_no_figure_needs_pyplot_ray_or_mlflow():
    script = (
        "import sys\n"
        "from hypertuning.report import figures, tables\n"
        "figures.trial_overfitting([{'epoch': 1, 'train_loss': 2.0, 'val_loss': 2.1}], 't')\n"
        "print({'matplotlib.pyplot', 'ray', 'mlflow', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
