"""Claims about the process: its slope, its distances, what it says between points and beyond."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from hypertuning.search.gaussian_process import (
    Points,
    Process,
    _alike_epochs,
    _kernel,
    _surprise,
    apart,
    most_probable,
)

CHOICES = np.array([False, True, False])


def seen(count=40, seed=0):
    """Losses that fall along the first parameter and with the epoch, of 1, 3 or 9."""
    rng = np.random.default_rng(seed)
    vectors = np.c_[rng.random(count), rng.integers(0, 3, count), rng.random(count)]
    vectors[vectors[:, 1] == 0, 2] = np.nan
    epochs = np.log(rng.choice([1, 3, 9], count))
    losses = np.sin(4 * vectors[:, 0]) - 0.4 * epochs + 0.05 * rng.standard_normal(count)
    return Points(vectors, epochs), (losses - losses.mean()) / losses.std()


def test_distances_know_choices_and_what_does_not_act():
    one = np.array([[0.2, 0.0, np.nan], [0.5, 2.0, 0.3]])
    same, other = apart(one, one, CHOICES), apart(one[:1], one[1:], CHOICES)
    assert (same[:, [0, 1], [0, 1]] == 0).all()
    assert other[:, 0, 0] == pytest.approx([0.09, 1, 0.75 + 0.04])
    ends = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert apart(one[:1], ends, CHOICES)[2, 0] == pytest.approx([1, 1])


@given(st.integers(0, 2**32 - 1), st.floats(-3, 4), st.floats(-6, 3))
@settings(max_examples=50, deadline=None)
def test_a_kernel_is_that_of_a_process_whatever_does_not_act(seed, weight, variance):
    rng = np.random.default_rng(seed)
    vectors = np.where(rng.random((60, 3)) < 0.3, np.nan, rng.random((60, 3)).round(1))
    distances = apart(vectors, vectors, CHOICES)
    epochs = np.log(rng.choice([1, 3, 9], 60))
    kernel = _kernel(distances, epochs, epochs, np.array([*[weight] * 3, *[variance] * 3, 0.0]))
    assert np.linalg.eigvalsh(kernel).min() > -1e-10 * np.linalg.eigvalsh(kernel).max()


def test_the_probability_is_that_of_a_normal_distribution_and_the_slope_its_derivative():
    points, losses = seen(25)
    logs = np.array([0.3, -0.4, 0.9, -0.7, -1.0, -0.2, -2.0])
    distances = apart(points.vectors, points.vectors, CHOICES)
    given = distances, _alike_epochs(points.epochs, points.epochs), losses
    kernel = _kernel(distances, points.epochs, points.epochs, logs)
    kernel += (np.exp(logs[-1]) + 1e-8) * np.eye(25)
    value, slope = _surprise(*given, logs)
    density = multivariate_normal(np.zeros(25), kernel).logpdf(losses)
    assert -value == pytest.approx(density + 12.5 * np.log(2 * np.pi))
    step = 1e-5 * np.eye(len(logs))
    for index, by in enumerate(slope):
        up, down = (_surprise(*given, logs + sign * step[index])[0] for sign in (1, -1))
        assert by == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-6)


def test_fitting_finds_which_parameter_decides_and_predicts_what_it_has_not_seen():
    points, losses = seen(80)
    logs = most_probable(points, losses, CHOICES)
    assert logs[0] > logs[1] + 1 and logs[0] > logs[2] + 1
    process = Process.fit(points, losses, CHOICES, logs)
    fresh, truth = seen(80, seed=1)
    mean, deviation = process.predict(fresh)
    assert np.corrcoef(mean, truth)[0, 1] > 0.97
    assert (deviation > 0).all() and deviation.mean() < 0.3


def test_it_is_sure_where_it_has_seen_and_unsure_elsewhere():
    points, losses = seen(40)
    low = points.vectors[:, 0] < 0.5
    half = Points(points.vectors[low], points.epochs[low])
    logs = np.array([2.0, -1, -1, -0.5, -1.5, -0.5, -3])
    process = Process.fit(half, losses[low], CHOICES, logs)
    _, near = process.predict(half)
    _, far = process.predict(Points(half.vectors + np.array([0.5, 0, 0]), half.epochs))
    assert near.max() < far.mean()


def test_a_result_after_one_epoch_says_something_of_the_last():
    points, losses = seen(60)
    early = Points(points.vectors, np.zeros(60))
    process = Process.fit(early, losses, CHOICES, np.array([1.0, -2, -2, -0.5, -1.5, -0.5, -3]))
    mean, deviation = process.predict(Points(points.vectors, np.full(60, np.log(9))))
    at_once, _ = process.predict(early)
    assert np.corrcoef(mean, at_once)[0, 1] > 0.95
    assert (deviation > process.predict(early)[1]).all()
