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
        back = places.values(places.without_idle(places.of(there)[None])[0])
        assert back == pytest.approx({**places.constants, **there})


def test_what_does_not_act_is_marked_also_along_a_chain():
    places = Places(CHAIN)
    vectors = places.without_idle(places.everywhere(500, np.random.default_rng(0)))
    model, filters, optimizer, kernel = vectors.T
    assert (np.isnan(filters) == (model == 0)).all()
    assert (np.isnan(optimizer) == (model == 0)).all()
    assert (np.isnan(kernel) == ~(optimizer == 1)).all()
    assert {0, 1} == set(model)


def test_vectors_from_everywhere_are_as_the_draws_of_the_space():
    places, rng = Places(BOHB), np.random.default_rng(0)
    drawn = [Random(BOHB, {}, 0).propose(t).config.hyperparameters() for t in range(500)]
    mine = [places.values(vector) for vector in places.everywhere(500, rng)]
    for name in BOHB:
        ours, theirs = ([places.of(v)[places.names.index(name)] for v in w] for w in (mine, drawn))
        assert np.nanmean(ours) == pytest.approx(np.nanmean(theirs), abs=0.12)
        assert np.isnan(ours).mean() == pytest.approx(np.isnan(theirs).mean(), abs=0.12)
