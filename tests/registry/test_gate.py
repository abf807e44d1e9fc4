"""Claims about who may be champion."""

import numpy as np
import pytest
from scipy.stats import binom

from hypertuning.registry.gate import judge


def answers(both: int, only_new: int, only_old: int, neither: int = 0):
    counts = [both, only_new, only_old, neither]
    new = np.repeat([True, True, False, False], counts)
    old = np.repeat([True, False, True, False], counts)
    return new, old


def test_without_a_champion_the_first_model_is_one():
    assert judge(np.array([False, False]), None).promoted


def test_more_right_answers_are_not_enough_where_chance_gives_as_many():
    verdict = judge(*answers(80, 9, 3))
    assert not verdict.promoted
    # two-sided: at most 3 or at least 9 of 12 fair coins
    assert verdict.p_value == pytest.approx(2 * binom.cdf(3, 12, 0.5))
    assert "that may be chance" in verdict.reason


def test_a_clear_difference_promotes_and_says_on_how_many_images():
    verdict = judge(*answers(800, 90, 30, 80))
    assert verdict.promoted
    assert "1,000 test images" in verdict.reason
    assert "wrong on 90" in verdict.reason and "right on 30" in verdict.reason


def test_only_the_images_on_which_they_differ_count():
    assert judge(*answers(0, 9, 3)).p_value == judge(*answers(5000, 9, 3, 4000)).p_value


def test_a_clear_difference_the_other_way_does_not_promote():
    verdict = judge(*answers(800, 30, 90))
    assert not verdict.promoted and "it is no better" in verdict.reason


def test_force_promotes_and_is_named_only_where_it_was_needed():
    forced = judge(*answers(800, 30, 90), force=True)
    assert forced.promoted and "Promoted by force" in forced.reason
    earned = judge(*answers(800, 90, 30), force=True)
    assert earned.promoted and "force" not in earned.reason


def test_equal_answers_do_not_promote():
    verdict = judge(*answers(100, 0, 0))
    assert (verdict.promoted, verdict.p_value) == (False, 1.0)
