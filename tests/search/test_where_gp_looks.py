"""Claims about where a model looks for its next configuration; functions alone, no training."""

import numpy as np
import pytest

from hypertuning.domains import Choice, Float, Integer
from hypertuning.search.candidates import CENTRES, scattered, uphill
from hypertuning.search.places import Places
from hypertuning.spaces import BOHB, RECIPE, searched

CONDITIONAL = {"num_fully_connected_layers": Integer(1, 3), "hidden_size": Integer(300, 512)}


def of_a_peak(at):
    return lambda vectors: -((np.nan_to_num(vectors, nan=2.0) - at) ** 2).sum(axis=1)


def numbers(count):
    names = ("learning_rate", "weight_decay", "momentum", "label_smoothing", "dropout")
    return Places({name: Float(0.1, 0.9) for name in names[:count]} | {"optimizer": "sgd"})


@pytest.mark.parametrize("count", [1, 3, 5])
def test_uphill_comes_much_nearer_to_a_peak_than_what_is_scattered(count):
    places, peak = numbers(count), np.full(count, 0.37)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        first = scattered(places, rng.random((5, count)), rng)
        gain = of_a_peak(peak)
        before = gain(first).max()
        assert gain(uphill(places, first, gain, rng)).max() > before / 10


def test_the_largest_gain_comes_first_and_nothing_is_left_out():
    places, rng = numbers(3), np.random.default_rng(0)
    first = scattered(places, rng.random((5, 3)), rng)
    gain = of_a_peak(0.5)
    ranked = uphill(places, first, gain, rng)
    assert (np.diff(gain(ranked)) <= 0).all()
    assert {vector.tobytes() for vector in first} <= {vector.tobytes() for vector in ranked}


@pytest.mark.parametrize("space", [BOHB, RECIPE, CONDITIONAL])
def test_every_vector_is_a_configuration_of_the_space(space):
    places, rng = Places(space), np.random.default_rng(0)
    best = places.exact(places.everywhere(5, rng))
    ranked = uphill(places, scattered(places, best, rng), of_a_peak(0.9), rng)
    assert np.array_equal(places.exact(ranked), ranked, equal_nan=True)
    for vector in ranked[:300]:
        values = places.values(vector)
        assert np.allclose(places.of(values), vector, equal_nan=True)
        assert all(domain.low <= values[name] <= domain.high
                   for name, domain in searched(space).items()
                   if name in values and not isinstance(domain, Choice))  # fmt: skip


def test_a_parameter_that_comes_to_act_gets_a_value():
    places, rng = Places(CONDITIONAL), np.random.default_rng(0)
    alone = places.exact(np.array([[1 / 6, 0.5]]))
    assert np.isnan(alone[0, 1])
    ranked = uphill(places, scattered(places, alone, rng), lambda v: v[:, 0], rng)
    assert ranked[0, 0] > 0.6 and 0 <= ranked[0, 1] <= 1


def test_few_vectors_and_a_gain_that_is_the_same_everywhere_are_no_obstacle():
    places, rng = numbers(2), np.random.default_rng(0)
    one = np.array([[0.2, 0.3]])
    ranked = uphill(places, one, lambda vectors: np.zeros(len(vectors)), rng)
    assert len(one) < CENTRES and np.array_equal(ranked[0], one[0])
