"""What a stage tries."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from hypertuning.domains import Domain, Value
from hypertuning.search.ladder import Ladder
from hypertuning.search.sampler import Sampler
from hypertuning.stages.options import Images

if TYPE_CHECKING:
    from hypertuning.search.bohb import Bohb


class Search(NamedTuple):
    """What a stage tries, in which order, and who may go on."""

    stage: str
    strategy: str
    max_epochs: int
    sampler: Sampler
    ladder: Callable[[], Ladder]
    space: Mapping[str, str] = {}
    """What it draws from, in words; empty where it tries a list."""
    domains: Mapping[str, Domain | Value] = {}
    """The same as ranges and values, what is fixed included."""
    model: "Bohb | None" = None
    """The sampler that learns, if there is one."""
    rungs: tuple[int, ...] = ()
    """The epochs after which it learns."""
    points: int = 0
    """How many of the first trials the user has given."""
    enough_samples: int = 0
    """From how many on the model has something to propose."""
    notes: tuple[str, ...] = ()
    """What the user should know before it starts."""
    settled: Mapping[str, object] = {}
    """Options that depend on an earlier study, with their values."""
    images: Images | None = None
    """Those that it trains on, where the options do not say it."""
    found_on: Mapping[str, Any] | None = None
    """The images of the search that found a configuration, as options."""
    given: Any = None
    """What was read from elsewhere when the study began: kept with its record, as JSON."""
    searched: Mapping[str, bool] = {}
    """The parameters in which its trials differ, and whether every trial has them."""
    title: str = ""
    """What tells it from other studies of its stage, where the number of trials does not."""
