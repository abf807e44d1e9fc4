"""What a stage tries."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from hypertuning.config import Config
from hypertuning.domains import Domain, Value
from hypertuning.search.ladder import Ladder
from hypertuning.search.sampler import Paired, Sampler
from hypertuning.stages.options import Images, StudyOptions

if TYPE_CHECKING:
    from hypertuning.search.strategies import Model


class Refit(NamedTuple):
    """What is trained once more when the search has ended."""

    config: Config
    """One of those from which the search chooses."""
    train_size: int
    """Images, without those of validation; 0 is all."""
    epochs: int
    """The most that it may take."""


class Search(NamedTuple):
    """What a stage tries, in which order, and which trials may go on."""

    stage: str
    strategy: str
    max_epochs: int
    sampler: Sampler
    ladder: Callable[[], Ladder]
    space: Mapping[str, str] = {}
    """The space that it draws from, in words; empty if it tries a list."""
    domains: Mapping[str, Domain | Value] = {}
    """The same as ranges and values, with the fixed parameters."""
    declared: Mapping[str, Domain | Value] = {}
    """The same with the parameters that never act; empty if the study cannot change its space."""
    changed: Mapping[str, Domain | Value] = {}
    """What the user's file says of it."""
    model: "Model | None" = None
    """The sampler that learns, if there is one."""
    rungs: tuple[int, ...] = ()
    """The numbers of epochs after which the model gets results."""
    points: tuple[Config, ...] = ()
    """The user's configurations, which its first trials have."""
    stop_when: float = 0.0
    """It may end when the next tenth of it is expected to lower the loss by less."""
    enough_samples: int = 0
    """The fewest samples with which the model proposes at all."""
    notes: tuple[str, ...] = ()
    """What the user should know before it starts."""
    settled: Mapping[str, object] = {}
    """Options that depend on others or on an earlier study, with their values."""
    images: Images | None = None
    """The images that it trains on, if the options do not name them."""
    sized_by: str = "train_size"
    """The option that says on how many of them."""
    found_on: Mapping[str, Any] | None = None
    """The images of the search that found a configuration, as options."""
    refit: Refit | None = None
    given: Any = None
    """What the stage read from elsewhere when the study began; the record keeps it, as JSON."""
    searched: Mapping[str, bool] = {}
    """The parameters in which its trials differ, and whether every trial has them."""
    title: str = ""
    """Stands in the study's name instead of the number of trials."""

    @property
    def arms(self) -> int:
        """How many trials have each configuration."""
        return len(self.sampler.arms) if isinstance(self.sampler, Paired) else 1


Build = Callable[[StudyOptions, Mapping | None], Search]
"""Makes a stage's search from its options and, if it is resumed, what its record keeps."""
