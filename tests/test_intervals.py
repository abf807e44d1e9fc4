"""Claims about means, shares, correlations and chances with their intervals."""

import math

import numpy as np
import pytest
from scipy import stats

from hypertuning.intervals import (
    Interval,
    of_blocked_means,
    of_chance_below,
    of_mean,
    of_rank_correlation,
    of_share,
)

RNG = np.random.default_rng(0)


def share_covered(draw, truth: float, times: int = 400) -> float:
    return np.mean([found.low <= truth <= found.high for found in (draw() for _ in range(times))])


def test_the_interval_of_a_mean_is_that_of_scipy():
    values = RNG.normal(3, 2, 9)
    found = of_mean(values)
    known = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found == pytest.approx((values.mean(), known.low, known.high))


def test_one_value_has_no_interval_and_none_has_no_mean():
    assert of_mean(np.array([2.0]))[0] == 2.0
    assert math.isnan(of_mean(np.array([2.0])).low)
    assert math.isnan(of_mean(np.array([])).value)


def test_the_interval_of_a_share_is_wilsons():
    """Newcombe (1998), table I: 81 of 263, and 1 of 29."""
    assert of_share(81, 263) == pytest.approx((81 / 263, 0.2553, 0.3662), abs=5e-5)
    assert of_share(1, 29) == pytest.approx((1 / 29, 0.0061, 0.1718), abs=5e-5)


def test_a_share_of_none_or_all_stays_between_0_and_1():
    none, every = of_share(0, 20), of_share(20, 20)
    assert none == pytest.approx((0, 0, 0.1611), abs=5e-5)
    assert every == pytest.approx((1, 0.8389, 1), abs=5e-5)
    assert math.isnan(of_share(0, 0).value)


@pytest.mark.parametrize("truth", [0.1, 0.5, 0.73])
def test_the_interval_of_a_share_covers_the_truth(truth):
    chances = stats.binom.pmf(np.arange(101), 100, truth)
    found = [of_share(successes, 100) for successes in range(101)]
    covering = [interval.low <= truth <= interval.high for interval in found]
    assert 0.93 < chances @ covering < 0.97


def test_what_blocks_have_in_common_does_not_widen_the_interval_of_a_level():
    noise = RNG.normal(0, 0.01, (12, 3))
    plain = of_blocked_means(noise)
    shifted = of_blocked_means(noise + RNG.normal(0, 10, (12, 1)))
    for alone, moved in zip(plain, shifted, strict=True):
        assert moved.high - moved.low == pytest.approx(alone.high - alone.low)


def test_blocked_intervals_of_two_levels_are_as_wide_as_their_difference_asks_for():
    """With two levels, each mean's half width is √½ times that of the paired difference."""
    blocks = RNG.normal(0, 1, (10, 2)) + RNG.normal(0, 5, (10, 1))
    found, _ = of_blocked_means(blocks)
    paired = of_mean(blocks[:, 1] - blocks[:, 0])
    assert found.high - found.low == pytest.approx((paired.high - paired.low) / math.sqrt(2))


def test_a_rank_correlation_is_spearmans_and_its_interval_covers_the_truth():
    def draw():
        first = RNG.normal(size=15)
        return of_rank_correlation(first, 0.8 * first + 0.6 * RNG.normal(size=15))

    first = np.arange(6.0)
    second = np.array([0, 2, 1, 3, 5, 4])
    assert of_rank_correlation(first, second).value == pytest.approx(
        stats.spearmanr(first, second)[0]
    )
    assert 0.92 < share_covered(draw, 6 / math.pi * math.asin(0.8 / 2)) < 0.98


@pytest.mark.parametrize("count", [0, 1, 2])
def test_two_points_have_no_correlation(count):
    assert math.isnan(of_rank_correlation(np.arange(count), np.arange(count)).value)


def test_equal_values_have_no_correlation():
    assert math.isnan(of_rank_correlation(np.ones(9), np.arange(9)).value)


def test_the_chance_below_counts_pairs_and_half_the_ties():
    assert of_chance_below(np.array([1, 2]), np.array([2, 3])).value == 3.5 / 4


def test_the_chance_below_covers_the_truth_and_stays_between_0_and_1():
    def draw():
        return of_chance_below(RNG.normal(0, 1, 12), RNG.normal(0.8, 1, 39))

    assert 0.92 < share_covered(draw, stats.norm.cdf(0.8 / math.sqrt(2))) < 0.98
    better = of_chance_below(np.arange(3), np.arange(10, 14))
    assert (better.value, better.high) == (1, 1)
    assert 0.4 < better.low < 0.7, "seven values do not prove it"
    assert of_chance_below(np.arange(10, 14), np.arange(3))[:2] == (0, 0)


def test_an_interval_as_text_has_its_sign_and_no_negative_zero():
    assert Interval(0.0241, 0.01, 0.038).text() == "0.024 (0.010 to 0.038)"
    assert Interval(-0.0001, -0.01, 0.01).text(2, sign=True) == "+0.00 (-0.01 to +0.01)"
    assert Interval(0.5, math.nan, math.nan).text(1) == "0.5"


@pytest.mark.parametrize(("low", "high", "excluded"), [(0.1, 1, True), (-1, 1, False)])
def test_an_interval_excludes_what_lies_outside(low, high, excluded):
    assert Interval(0.5, low, high).excludes(0) is excluded
    assert Interval(0.5, math.nan, math.nan).excludes(0) is False
