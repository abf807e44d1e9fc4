"""A wider space where the best configurations lie at an end: written, and the command to go on."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import yaml

from hypertuning import environment
from hypertuning.config import Config, UserError
from hypertuning.domains import Float, Integer, Value, check_extent
from hypertuning.facts import bounds
from hypertuning.record.read import Recorded
from hypertuning.report.bounds import END, AtEnd
from hypertuning.search.outlook import enough_to_go_on
from hypertuning.search.sampler import Random
from hypertuning.space_files import plain
from hypertuning.spaces import Space, searched, settle
from hypertuning.stages.console.commands import command_of
from hypertuning.stages.study.amended import decided
from hypertuning.stages.study.prepare import Prepared
from hypertuning.stages.table import STAGES
from hypertuning.whole_file import write_whole

SHARE = 1 / 3
"""How much wider a range becomes, as a share of it; on a log scale, of the logarithm."""


def look_beyond(prepared: Prepared, record: Recorded, ends: Sequence[AtEnd]) -> str:
    """Write a wider space to the record, and say how the study goes on in it.

    Nothing if no range can be wider, or below `main`, which decides what comes next.
    """
    stage, options = record.study["stage"], prepared.options
    if not STAGES[stage].amends or environment.read(environment.PARENT_RUN):
        return ""
    space, whole = prepared.search.declared, prepared.search.domains
    fixed = {name: value for name, value in whole.items() if name not in searched(whole)}
    if fixed.get("augment") == "both":
        fixed["augment"] = "crop_flip"
    if not (changed := widened(space, fixed, ends)):
        return ""
    file = record.folder.wider_space(len(prepared.amended.spaces))
    content = plain({**prepared.search.changed, **changed})
    try:
        write_whole(file, yaml.safe_dump(content, sort_keys=False))
    except OSError as error:
        return f"a wider space could not be written to {file}: {error.strerror}"
    more = {**options.changed(["storage_path"]), **_what_ended_it(prepared, record)}
    ranges = ", ".join(f"{name} {domain.extent()}" for name, domain in changed.items())
    return f"to go on with {ranges}: {command_of(stage, resume=record.id, space=file, **more)}"


def _what_ended_it(prepared: Prepared, record: Recorded) -> dict[str, float]:
    """The options that leave a study something to draw."""
    options, search, found = prepared.options, prepared.search, {}
    known = {trial.number for trial in record.trials} | prepared.amended.points.keys()
    if len(decided(search, known)) >= prepared.planned.trials:
        more = math.ceil(options.num_samples * (1 + SHARE))
        # under `mlflow run`, a value equal to the default counts as not given
        default = type(options).model_fields["num_samples"].default
        found["num_samples"] = more + (more == default)
    gain = record.expected_gain
    if record.outcome == "completed" and gain is not None and gain < search.stop_when:
        found["stop_when"] = enough_to_go_on(gain)
    return found


def widened(
    space: Space, fixed: Mapping[str, Value], ends: Sequence[AtEnd]
) -> dict[str, Float | Integer]:
    """The ranges of a space at whose ends the best configurations lie, wider at that end.

    A range that goes on beyond what was tried is wide enough, and what cannot be trained is no
    part of one.

    Args:
        fixed: The values of parameters that the space leaves out.
    """
    found: dict[str, Float | Integer] = {}
    for name, highest, tried, _ in ends:
        domain = space.get(name)
        if isinstance(domain, Float | Integer) and _reaches(tried, domain, highest):
            with suppress(UserError):  # too long, too narrow, or not to be trained
                wider = _wider(domain, highest, bounds(Config, name)[highest])
                there = {**space, **found, name: wider.high if highest else wider.low}
                Random(settle(there, fixed), fixed, seed=0).propose(0)
                found[name] = wider
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
        new = max(old + 1, round(new)) if highest else min(old - 1, round(new))
        new = min(new, limit) if highest else max(new, limit)
    else:
        middle = (old + limit) / 2  # no nearer to the limit, which may be forbidden
        if not domain.log or (new >= limit if highest else new <= limit):
            new = min(new, middle) if highest else max(new, middle)
        new = _short(new, *sorted((old, limit)))
    wider = replace(domain, **{"high" if highest else "low": new})
    check_extent(wider)
    return wider


def _short(value: float, low: float, high: float) -> float:
    """A value between two others, with as few digits as leave it there."""
    shorter = (float(f"{value:.{digits}g}") for digits in range(2, 17))
    return next((short for short in shorter if low < short < high), value)
