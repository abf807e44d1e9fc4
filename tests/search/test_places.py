"""Claims about configurations as vectors."""

import numpy as np
import pytest

from hypertuning.domains import Choice, Integer
from hypertuning.search.places import Places
from hypertuning.search.sampler import Random
from hypertuning.spaces import BOHB, acting, searched

CHAIN = {
    "model": Choice(("nn", "cnn")),
    "filters": Integer(8, 64),
    "optimizer": Choice(("adam", "sgd"), when=("model", "cnn")),
    "kernel_size": Integer(2, 3, when=("optimizer", "sgd")),
    "hidden_size": 32,
}
"""Each of the last two acts only beside a parameter that may not act itself."""


@pytest.mark.parametrize("space", [BOHB, CHAIN], ids=["BOHB", "chain"])
def test_a_configuration_comes_back_from_its_vector(space):
    places = Places(space)
    for trial in range(50):
        given = Random(space, {}, 0).propose(trial).config.hyperparameters()
        opened = searched(space)
        there = acting(opened, {n: given[n] for n in opened if n in given})
        back = places.values(places.exact(places.of(there)[None])[0])
        assert back == pytest.approx({**places.constants, **there})


def test_what_does_not_act_is_marked_also_along_a_chain():
    places = Places(CHAIN)
    vectors = places.exact(places.everywhere(500, np.random.default_rng(0)))
    model, filters, optimizer, kernel = vectors.T
    assert (np.isnan(filters) == (model == 0)).all()
    assert (np.isnan(optimizer) == (model == 0)).all()
    assert (np.isnan(kernel) == ~(optimizer == 1)).all()
    assert {0, 1} == set(model)


RANGES = {
    "num_fully_connected_layers": Integer(1, 3),
    "hidden_size": Integer(300, 512, log=True),
    "dropout": Choice((0.0, 0.5)),
}
"""The last two act only with some numbers of the first."""


def test_what_acts_beside_some_numbers_of_a_range_acts_there_and_only_there():
    places = Places(RANGES)
    vectors = places.exact(places.everywhere(300, np.random.default_rng(0)))
    assert {0, 1, 2} == {round(3 * layers - 0.5) for layers in vectors[:, 0]}
    for vector in vectors:
        layers, size, dropout = vector
        assert np.isnan(size) == np.isnan(dropout) == (layers < 1 / 3)
        values = places.values(vector)
        assert places.exact(places.of(values)[None])[0] == pytest.approx(vector, nan_ok=True)


def test_vectors_from_everywhere_are_as_the_draws_of_the_space():
    places, rng = Places(BOHB), np.random.default_rng(0)
    drawn = [Random(BOHB, {}, 0).propose(t).config.hyperparameters() for t in range(500)]
    mine = [places.values(vector) for vector in places.everywhere(500, rng)]
    for name in BOHB:
        ours, theirs = ([places.of(v)[places.names.index(name)] for v in w] for w in (mine, drawn))
        assert np.nanmean(ours) == pytest.approx(np.nanmean(theirs), abs=0.12)
        assert np.isnan(ours).mean() == pytest.approx(np.isnan(theirs).mean(), abs=0.12)
