"""A number's place in its range, from 0 to 1, and back; on a log scale if the range has one."""

import math

from hypertuning.domains import Float, Integer

Range = Float | Integer


def to_unit(domain: Range, value: float) -> float:
    """The place of a value; that of a whole number is the middle of its share."""
    low, high = _ends(domain)
    return (_scaled(domain, value) - low) / (high - low)


def from_unit(domain: Range, place: float) -> float | int:
    """The value at a place from 0 to 1; rounding never leaves the range."""
    low, high = _ends(domain)
    scaled = low + place * (high - low)
    value = math.exp(scaled) if domain.log else scaled
    value = round(value) if isinstance(domain, Integer) else value
    return min(max(value, domain.low), domain.high)


def _ends(domain: Range) -> tuple[float, float]:
    """Half a unit more on both sides gives the ends of whole numbers their full share."""
    more = 0.5 if isinstance(domain, Integer) else 0
    return _scaled(domain, domain.low - more), _scaled(domain, domain.high + more)


def _scaled(domain: Range, value: float) -> float:
    return math.log(value) if domain.log else value
