"""A study that goes on in another space than it began in, or with more points to try.

What it has trained keeps its place. Only what it draws from then on changes, and what its model
learns from: the trials that lie in the new space.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hypertuning.config import Config, UserError, parse_config
from hypertuning.domains import Domain, Value
from hypertuning.record.files import DamagedRecord
from hypertuning.record.layout import trial_id
from hypertuning.record.read import read_study
from hypertuning.search.past import Past
from hypertuning.search.plan import plan
from hypertuning.search.sampler import Paired, Proposal
from hypertuning.spaces import searched
from hypertuning.stages.options import usage
from hypertuning.stages.study.past import read_past
from hypertuning.stages.study.resume import Resumed
from hypertuning.stages.study.searches import Build, Search
from hypertuning.words import counted


class Amended(NamedTuple):
    """What a study is given when it goes on, as its record keeps it."""

    points: Mapping[int, Config] = {}
    """By the number of the trial that has it; also those of earlier parts."""
    spaces: Sequence[Mapping[str, Any]] = ()
    """The spaces of before, the oldest first: each in words, how many trials had begun when it was
    left, and a note on what changed then."""
    news: tuple[str, ...] = ()
    """What is to be said at this start only."""
    begun: int | None = None
    """How many trials had begun when these files were checked; None if there are none."""

    @property
    def notes(self) -> list[str]:
        return [*(earlier["note"] for earlier in self.spaces), *self.news]

    def proposals(self) -> dict[int, Proposal]:
        return {trial: Proposal(config, "point") for trial, config in self.points.items()}

    def as_dict(self) -> dict[str, Any]:
        """The same as study.json has it."""
        points = [[trial, config.hyperparameters()] for trial, config in self.points.items()]
        return {"added_points": points, "earlier_spaces": list(self.spaces)}

    def all_spaces(self, now: Mapping[str, str]) -> dict[str, str]:
        """Every space that the study drew from, in words, by parameter; `now` is the last."""
        spaces = [*(earlier["space"] for earlier in self.spaces), now]
        names = dict.fromkeys(name for space in spaces for name in space)
        return {
            name: ", then ".join(dict.fromkeys(space.get(name, "none") for space in spaces))
            for name in names
        }


def go_on(build: Build, resumed: Resumed) -> tuple[Search, Amended]:
    """The search of a study that goes on, with the files that this command gives.

    Raises:
        UsageError: a file is wrong, or does not fit the study.
    """
    options, given = resumed.options, resumed.study.get("given")
    had, search = _recorded(resumed), build(options, given)
    if not (files := resumed.files):
        return search, had
    asked = build(options.but(resume=None, **{"points": None, **files}), given)  # checked as new
    now = build(options.but(**{**files, "points": options.points}), given)
    with usage():
        if asked.points and isinstance(now.sampler, Paired):
            raise UserError("`points` cannot be added to a study with `augment` 'both'")
        past, trials = read_past(resumed.study_dir), plan(now.ladder).trials
        found = amend(had, past, trials, search, now, asked.points)
    of_points = [note for note in asked.notes if note not in now.notes]
    return now, found._replace(news=(*found.news, *of_points))


def _recorded(resumed: Resumed) -> Amended:
    """What earlier parts of a study were given."""
    try:
        added = resumed.study.get("added_points", ())
        points = {trial: parse_config(values) for trial, values in added}
    except UserError as error:
        raise DamagedRecord(resumed.study_dir.study_file, f"`added_points`: {error}") from error
    return Amended(points, resumed.study.get("earlier_spaces", ()))


def check_unchanged(amended: Amended, resumed: Resumed | None, past: Sequence[Past]) -> None:
    """Raises UserError if a study went on between what this command read and its start."""
    if not resumed:
        return
    as_before = read_study(resumed.study_dir) == resumed.study
    begun = len({job.job.trial for job in past})
    if not as_before or amended.begun not in (None, begun):
        raise UserError(
            f"study {resumed.study_dir.id} has gone on since this command began; give it again"
        )


def decided(search: Search, trials: Iterable[int]) -> set[int]:
    """The trials whose configuration does not depend on what comes.

    Args:
        trials: Those that have begun, or have a point that was added.
    """
    known = {*trials, *range(search.arms * len(search.points))}
    return {t - t % search.arms + arm for t in known for arm in range(search.arms)}


def amend(
    had: Amended,
    past: Sequence[Past],
    trials: int,
    before: Search,
    now: Search,
    points: Sequence[Config] = (),
) -> Amended:
    """What a study goes on with.

    Args:
        trials: As many as it plans in all.
        before: Its search, in the space of before.
        now: The same in the space that it goes on with.
        points: Configurations to try next.

    Raises:
        UserError: the spaces differ in more than ranges, no trial is left to draw from the new
            one, or the points do not fit in.
    """
    begun = {job.job.trial: job.proposal.config for job in past}
    known = {**dict(enumerate(before.points)), **had.points, **begun}
    placed, news = _placed(points, known, trials)
    spaces = had.spaces
    if list(before.declared.items()) != list(now.declared.items()):  # draws depend on the order
        check_parameters(before.declared, now.declared)
        if len(decided(before, {*begun, *had.points})) >= trials:
            raise UserError(
                "`space`: none of the study's trials would be drawn from another space, as each "
                "has its configuration already; a larger `num_samples` makes room"
            )
        spaces = [*spaces, _left(before, now, len(begun))]
        news += _outside(begun.values(), now)
    return Amended({**had.points, **placed}, spaces, tuple(news), len(begun))


def _placed(
    points: Sequence[Config], known: Mapping[int, Config], trials: int
) -> tuple[dict[int, Config], list[str]]:
    """The next trials that have not begun, each with a point; and notes on those that are known.

    Raises:
        UserError: there are too few.
    """
    tried = {config.key(): trial for trial, config in sorted(known.items(), reverse=True)}
    new = [config for config in points if config.key() not in tried]
    free = [trial for trial in range(trials) if trial not in known]
    if len(new) > len(free):
        raise UserError(
            f"`points`: {counted(len(new), 'new point')} do not fit in the "
            f"{counted(len(free), 'trial')} that the study has not begun; "
            f"`num_samples` {trials + len(new) - len(free)} makes room"
        )
    placed = dict(zip(free, new, strict=False))
    notes = [
        f"point {number} is in the study already, as {trial_id(tried[config.key()])}"
        for number, config in enumerate(points)
        if config.key() in tried
    ]
    if placed:
        named = ", ".join(map(trial_id, placed))
        notes.append(f"{counted(len(placed), 'point')} added, as {named}")
    return placed, notes


def _outside(begun: Collection[Config], now: Search) -> list[str]:
    """A note on trials that lie outside the new space, where there is a model."""
    if not now.model:
        return []
    count = sum(now.model.random.misfit(config.hyperparameters()) is not None for config in begun)
    return [
        f"{count} of {counted(len(begun), 'trial')} lie outside the new space; they keep their "
        "results, but the model does not learn from them"
    ] * bool(count)


def check_parameters(
    before: Mapping[str, Domain | Value], now: Mapping[str, Domain | Value]
) -> None:
    """Raises UserError if two spaces differ in anything but ranges, lists and priors."""
    for name in sorted(before.keys() | now.keys()):
        had, has = before.get(name), now.get(name)
        if _kind(had) != _kind(has):
            raise UserError(
                f"`space`: `{name}` {_role(had)} so far, and {_role(has)} in the file; a study may "
                "go on with other ranges, lists and priors of the parameters that it searches, "
                "anything else is a new study"
            )


def _kind(domain: Domain | Value | None) -> object:
    """What may not change of a parameter."""
    return (type(domain), domain.when) if searched({"": domain}) else domain


def _role(domain: Domain | Value | None) -> str:
    if domain is None:
        return "is not mentioned"
    if not searched({"": domain}):
        return f"is {domain!r}"
    when = f" where {domain.when[0]} is {domain.when[1]!r}" if domain.when else ""
    return f"is searched in {domain.extent()}{when}"


def _left(before: Search, now: Search, begun: int) -> dict[str, Any]:
    """A space that a study leaves, as its record keeps it."""
    had, has = before.space, now.space
    names = [name for name in {**had, **has} if had.get(name) != has.get(name)]
    words = [f"{name} {had.get(name, 'none')} → {has.get(name, 'none')}" for name in names]
    changed = "; ".join(words) or "with other priors"
    note = f"after the first {counted(begun, 'trial')} it draws from another space: {changed}"
    return {"trials": begun, "space": dict(had), "note": note}
