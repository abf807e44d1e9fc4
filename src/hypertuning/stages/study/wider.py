"""A wider space where the best configurations lie at an end: written, and the command to go on."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import yaml

from hypertuning import environment
from hypertuning.config import Config, UserError
from hypertuning.domains import Domain, Float, Integer, Value, check_extent
from hypertuning.facts import bounds
from hypertuning.record.read import Recorded
from hypertuning.report.bounds import END, AtEnd
from hypertuning.space_files import plain
from hypertuning.stages.console.commands import command_of
from hypertuning.stages.study.prepare import Prepared
from hypertuning.stages.table import STAGES
from hypertuning.whole_file import write_whole

SHARE = 1 / 3
"""How much wider a range becomes, as a share of it; on a log scale, of the logarithm."""


def look_beyond(prepared: Prepared, record: Recorded, ends: Sequence[AtEnd]) -> Iterator[str]:
    """Write a wider space to the record, and say how the study goes on in it; else nothing.

    Nothing if no range can be wider, or below `main`, which decides what comes next.
    """
    stage, space = record.study["stage"], prepared.search.declared
    changed = widened(space, ends) if STAGES[stage].amends else {}
    if not changed or environment.read(environment.PARENT_RUN):
        return
    file = record.folder.wider_space
    write_whole(file, yaml.safe_dump(plain({**space, **changed}), sort_keys=False))
    options = prepared.options.changed(["storage_path"])
    if record.outcome == "completed":
        options["num_samples"] = math.ceil(prepared.options.num_samples * (1 + SHARE))
    ranges = ", ".join(f"{name} {domain.extent()}" for name, domain in changed.items())
    command = command_of(stage, resume=record.id, space=file, **options)
    yield f"to go on with {ranges}: {command}"


def widened(
    space: Mapping[str, Domain | Value], ends: Sequence[AtEnd]
) -> dict[str, Float | Integer]:
    """The ranges of a space at whose ends the best configurations lie, wider at that end.

    A range that goes on beyond what was tried is wide enough.
    """
    found = {}
    for name, highest, tried, _ in ends:
        domain = space.get(name)
        if isinstance(domain, Float | Integer) and _reaches(tried, domain, highest):
            with suppress(UserError):  # it would be too long, or too narrow
                found[name] = _wider(domain, highest, bounds(Config, name)[highest])
    return {name: domain for name, domain in found.items() if domain != space[name]}


def _reaches(tried: float, domain: Float | Integer, highest: bool) -> bool:
    """Whether a value lies within the last tenth of a range."""
    scale = math.log if domain.log else float
    low, high = scale(domain.low), scale(domain.high)
    return abs(scale(tried) - (high if highest else low)) <= END * (high - low)


def _wider(domain: Float | Integer, highest: bool, limit: float) -> Float | Integer:
    """Args: limit: What no value of the parameter may pass or, perhaps, reach."""
    scale, back = (math.log, math.exp) if domain.log else (float, float)
    low, high = scale(domain.low), scale(domain.high)
    step = SHARE * (high - low)
    old, new = (domain.high, back(high + step)) if highest else (domain.low, back(low - step))
    if isinstance(domain, Integer):
        new = (
            min(max(old + 1, round(new)), limit)
            if highest
            else max(min(old - 1, round(new)), limit)
        )
    elif (new >= limit) if highest else (new <= limit):
        new = (old + limit) / 2
    elif (short := float(f"{new:.2g}")) != old:
        new = short
    wider = replace(domain, **{"high" if highest else "low": new})
    check_extent(wider)
    return wider
