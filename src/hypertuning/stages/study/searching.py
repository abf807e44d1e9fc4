"""Put together what decides in a study: its ladder, its sampler, and what is known already."""

from collections.abc import Mapping, Sequence

from hypertuning.search.outlook import Outlook
from hypertuning.search.past import Past
from hypertuning.search.sampler import Paired, Proposal
from hypertuning.search.searcher import LadderSearcher
from hypertuning.search.strategies import FORESEEING
from hypertuning.search.work import work
from hypertuning.stages.study.prepare import Prepared


def searcher_of(prepared: Prepared, past: Sequence[Past]) -> LadderSearcher:
    """The searcher of a study, told what earlier parts of it did; one trial at once."""
    search, given = prepared.search, _given(prepared, past)
    costs, outlook = _costs(prepared, past, given), _outlook(prepared)
    return LadderSearcher(search.ladder(), search.sampler, 1, past, costs, given, outlook)


def _given(prepared: Prepared, past: Sequence[Past]) -> dict[int, Proposal]:
    """What is known before the search, by trial: the user's points, and the arms of what began."""
    sampler = prepared.search.sampler
    if isinstance(sampler, Paired):
        return sampler.partners({job.job.trial: job.proposal for job in past})
    points = {n: Proposal(config, "point") for n, config in enumerate(prepared.search.points)}
    return points | prepared.amended.proposals()


def _outlook(prepared: Prepared) -> Outlook | None:
    search = prepared.search
    if search.strategy not in FORESEEING:
        return None
    proposed = 1 - search.model.options.random_fraction
    epochs = prepared.planned.epochs
    return Outlook(search.model, epochs, search.max_epochs, proposed, search.stop_when)


def _costs(prepared: Prepared, past: Sequence[Past], given: Mapping[int, Proposal]) -> list[float]:
    """What an epoch of each trial costs; empty if a model is to propose them from results."""
    search, classes = prepared.search, len(prepared.images["classes"])
    known = {**given, **{job.job.trial: job.proposal for job in past}}
    trials = prepared.planned.trials
    return [] if search.model else work(search.sampler, trials, classes, known)
