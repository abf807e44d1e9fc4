"""Claims about the ranges that a study is offered where the best lie at an end."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hypertuning.config import Config
from hypertuning.domains import Choice, Float, Integer
from hypertuning.facts import bounds
from hypertuning.report.bounds import AtEnd
from hypertuning.space_files import plain, read_space
from hypertuning.spaces import FAMILIES, HYPERBAND, searched
from hypertuning.stages.study.wider import widened


@pytest.mark.parametrize(
    ("name", "domain", "highest", "wider"),
    [
        ("learning_rate", Float(1e-3, 1.0, log=True), True, Float(1e-3, 10.0, log=True)),
        ("learning_rate", Float(1e-3, 1.0, log=True), False, Float(1e-4, 1.0, log=True)),
        ("dropout", Float(0.0, 0.3), True, Float(0.0, 0.4)),
        ("momentum", Float(0.5, 0.9), True, Float(0.5, 0.95)),  # it stays below 1
        ("filters", Integer(32, 128), True, Integer(32, 160)),
        ("filters", Integer(2, 3), False, Integer(1, 3)),
        ("kernel_size", Integer(2, 3), True, Integer(2, 4)),
        ("padding", Integer(0, 2), True, Integer(0, 3)),
    ],
)
def test_a_range_becomes_a_third_wider_at_the_end_that_is_asked_for(name, domain, highest, wider):
    end = domain.high if highest else domain.low
    assert widened({name: domain}, [AtEnd(name, highest, end, "")]) == {name: wider}
    inside = (domain.low + domain.high) / 2 if not domain.log else (domain.low * domain.high) ** 0.5
    assert widened({name: domain}, [AtEnd(name, highest, inside, "")]) == {}, "there is room left"


@pytest.mark.parametrize(
    ("name", "domain", "highest"),
    [
        ("padding", Integer(0, 2), False),
        ("batch_size", Choice((64, 128)), True),
        ("filters", 8, True),
    ],
)
def test_what_has_no_room_or_no_range_stays(name, domain, highest):
    assert widened({name: domain}, [AtEnd(name, highest, 0, "")]) == {}


RANGES = [
    (name, domain)
    for space in (HYPERBAND, *FAMILIES.values())
    for name, domain in searched(space).items()
    if isinstance(domain, Float | Integer)
]


@given(st.sampled_from(RANGES), st.lists(st.booleans(), min_size=1, max_size=30))
def test_however_often_it_is_widened_a_range_of_a_stage_can_be_searched(tmp_path_factory, at, ends):
    name, domain = at
    for highest in ends:
        end = AtEnd(name, highest, domain.high if highest else domain.low, "")
        wider = widened({name: domain}, [end]).get(name, domain)
        assert wider.low <= domain.low and wider.high >= domain.high
        domain = wider
    least, most = bounds(Config, name)
    assert least <= domain.low and domain.high <= most
    file = tmp_path_factory.mktemp("space") / "space.yaml"
    file.write_text(yaml.safe_dump(plain({name: domain})))
    assert read_space(file) == {name: domain}
