"""Claims about the ranges that a study is offered where the best lie at an end."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hypertuning.config import Config
from hypertuning.domains import Choice, Float, Integer
from hypertuning.report.bounds import AtEnd
from hypertuning.space_files import plain, read_space
from hypertuning.spaces import FAMILIES, HYPERBAND, searched
from hypertuning.stages.study.wider import widened


def wider_of(space, name, highest, tried):
    """The ranges that are wider where the best lie at an end of one."""
    return widened(space, {}, [AtEnd(name, highest, tried, "")])


@pytest.mark.parametrize(
    ("name", "domain", "highest", "wider"),
    [
        ("learning_rate", Float(1e-3, 1.0, log=True), True, Float(1e-3, 10.0, log=True)),
        ("learning_rate", Float(1e-3, 1.0, log=True), False, Float(1e-4, 1.0, log=True)),
        ("dropout", Float(0.0, 0.3), True, Float(0.0, 0.4)),
        ("filter_growth", Float(1.3, 4.0, log=True), False, Float(1.1, 4.0, log=True)),
        ("filter_growth", Float(4.0, 12.0, log=True), True, Float(4.0, 14.0, log=True)),
        ("momentum", Float(0.5, 0.9), True, Float(0.5, 0.95)),  # it stays below 1
        ("momentum", Float(0.8, 0.95), True, Float(0.8, 0.97)),
        ("momentum", Float(0.985, 0.992), True, Float(0.985, 0.994)),
        ("filters", Integer(32, 128), True, Integer(32, 160)),
        ("filters", Integer(2, 3), False, Integer(1, 3)),
        ("kernel_size", Integer(2, 3), True, Integer(2, 4)),
        ("padding", Integer(0, 2), True, Integer(0, 3)),
    ],
)
def test_a_range_becomes_a_third_wider_at_the_end_that_is_asked_for(name, domain, highest, wider):
    end = domain.high if highest else domain.low
    space = {name: domain, **({"optimizer": "sgd"} if name == "momentum" else {})}
    assert wider_of(space, name, highest, end) == {name: wider}
    inside = (domain.low + domain.high) / 2 if not domain.log else (domain.low * domain.high) ** 0.5
    assert wider_of(space, name, highest, inside) == {}, "there is room left"


@pytest.mark.parametrize(
    ("name", "domain", "highest"),
    [
        ("padding", Integer(0, 2), False),
        ("batch_size", Choice((64, 128)), True),
        ("filters", 8, True),
    ],
)
def test_what_has_no_room_or_no_range_stays(name, domain, highest):
    assert wider_of({name: domain}, name, highest, 0) == {}


RANGES = [
    (name, domain)
    for space in (HYPERBAND, *FAMILIES.values())
    for name, domain in searched(space).items()
    if isinstance(domain, Float | Integer)
]


@st.composite
def ranges(draw) -> tuple[str, Float | Integer]:
    """A range of a stage, or one that a user might give to it."""
    name, domain = draw(st.sampled_from(RANGES))
    if isinstance(domain, Integer) or draw(st.booleans()):
        return name, domain
    inside = st.integers(1, 999).map(lambda n: n / 1000)
    low, high = sorted(draw(st.lists(inside, min_size=2, max_size=2, unique=True)))
    return name, Float(
        low + (name == "filter_growth"), high + (name == "filter_growth"), domain.log
    )


@settings(deadline=None)
@given(ranges(), st.lists(st.booleans(), min_size=1, max_size=12))
def test_however_often_it_is_widened_a_range_can_be_searched(tmp_path_factory, at, ends):
    name, domain = at
    base = {"batch_norm": True, "optimizer": "muon"}
    for highest in ends:
        end = domain.high if highest else domain.low
        wider = wider_of({**base, name: domain}, name, highest, end).get(name, domain)
        assert wider.low <= domain.low and wider.high >= domain.high
        domain = wider
    Config(**{**base, name: domain.low})
    Config(**{**base, name: domain.high})
    file = tmp_path_factory.mktemp("space") / "space.yaml"
    file.write_text(yaml.safe_dump(plain({name: domain})))
    assert read_space(file) == {name: domain}


def test_a_range_stays_whose_wider_one_holds_what_cannot_be_trained():
    deep = {"num_conv_layers": Integer(1, 5)}
    assert wider_of(deep, "num_conv_layers", True, 5) == {}, "six pools leave no pixel"
    large = {"kernel_size": Integer(2, 6), "padding": 1}
    assert wider_of(large, "kernel_size", True, 6) == {}
