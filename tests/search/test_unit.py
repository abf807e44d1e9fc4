"""Claims about places in ranges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertuning.domains import Float, Integer
from hypertuning.search.unit import from_unit, to_unit

RANGES = [
    Float(0.0, 0.5),
    Float(1e-4, 3e-2, log=True),
    Integer(0, 7),
    Integer(32, 128, log=True),
    Integer(1, 2, log=True),
]


@pytest.mark.parametrize("domain", RANGES, ids=str)
@given(seed=st.integers(0, 10**6))
def test_a_value_comes_back_from_its_place(domain, seed):
    value = domain.sample(np.random.default_rng(seed))
    place = to_unit(domain, value)
    assert -1e-12 <= place <= 1 + 1e-12
    assert from_unit(domain, place) == pytest.approx(value, rel=1e-9)
    assert type(from_unit(domain, place)) is type(value)


@pytest.mark.parametrize("domain", RANGES, ids=str)
def test_even_places_give_the_domains_own_distribution(domain):
    rng = np.random.default_rng(0)
    places = np.sort([to_unit(domain, domain.sample(rng)) for _ in range(2000)])
    even = np.sort([to_unit(domain, from_unit(domain, (i + 0.5) / 2000)) for i in range(2000)])
    assert np.abs(places - even).mean() < 0.03
    assert [from_unit(domain, end) for end in (0.0, 1.0)] == pytest.approx(
        [domain.low, domain.high]
    )
