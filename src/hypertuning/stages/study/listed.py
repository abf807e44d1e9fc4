"""A search that tries a list of configurations."""

import itertools
from collections.abc import Iterable, Mapping

from hypertuning.config import UserError, differing, parse_config
from hypertuning.domains import Float, Integer
from hypertuning.search.halving import sweep
from hypertuning.search.sampler import Listed, Proposal
from hypertuning.spaces import Space, grid
from hypertuning.stages.options import SearchOptions, usage
from hypertuning.stages.study.searches import Search
from hypertuning.stages.study.space_asked import (
    fixed_values,
    point_notes,
    points_of,
    space_of,
    unsearched_notes,
)


def listed(
    stage: str, bases: Iterable[Space], options: SearchOptions, given: Mapping | None
) -> Search:
    """Every combination of the choices in each of several spaces, trained once for all epochs.

    Args:
        given: If the study is resumed, what its record keeps.

    Raises:
        UsageError: a configuration cannot be trained, or a file is wrong.
    """
    with usage():
        changed = space_of(options)
        if ranges := [
            name for name, given in changed.items() if isinstance(given, Float | Integer)
        ]:
            raise UserError(
                f"stage {stage} tries a list: `space` must give values of {', '.join(ranges)}, "
                "not bounds"
            )
        spaces = [{**fixed_values(options), **base, **changed} for base in bases]
        configs = [parse_config(values) for space in spaces for values in grid(space)]
        points = points_of(options, changed)
    asked = [
        *(Proposal(p.config, "point") for p in points),
        *(Proposal(c, "grid") for c in configs),
    ]
    # studies of earlier versions trained equal ones too, and their trials are numbered accordingly
    tried = _distinct(asked) if given or not options.resume else asked
    notes = [_all(unsearched_notes(space, changed, {}) for space in spaces), point_notes(points)]
    if len(tried) < len(asked):
        notes.append([f"of {len(asked)} configurations {len(tried)} differ; each is trained once"])
    epochs = options.epochs
    return Search(
        stage,
        stage,
        epochs,
        Listed(tried),
        lambda: sweep(len(tried), epochs),
        searched=differing([proposal.config for proposal in tried]),
        notes=tuple(itertools.chain(*notes)),
        given={"alike": "once"},
    )


def _distinct(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Without those that differ from an earlier one only in parameters without effect."""
    first: dict[frozenset, Proposal] = {}
    for proposal in proposals:
        first.setdefault(proposal.config.key(), proposal)
    return list(first.values())


def _all(notes: Iterable[list[str]]) -> list[str]:
    """The notes that every space has."""
    first, *others = notes
    return [note for note in first if all(note in other for other in others)]
