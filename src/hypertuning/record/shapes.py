"""The keys that we use of each file of a record, and their types."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from hypertuning.epoch import METRIC_TYPES
from hypertuning.quantities import Count, Timestamp

_Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Scalar = str | bool | _Whole | float | None
"""The types of a hyperparameter or an option."""


class Shape(BaseModel):
    model_config = ConfigDict(strict=True)


class Images(Shape):
    name: str
    digest: str
    classes: list[str]
    train: Count
    val: Annotated[int, Field(ge=0)]


class WarmStart(Shape):
    studies: list[str]
    results: list[tuple[dict[str, Scalar], Count, float]]
    """Configuration, epochs and loss."""
    placed: int
    left_out: dict[str, int]


class Asked(Shape):
    """What stage train was given."""

    asked: (
        tuple[dict[str, Scalar], str, dict[str, Scalar] | None, list[str]]
        | tuple[dict[str, Scalar], str, dict[str, Scalar] | None]
    )
    """Configuration, origin, images, and parameters without effect, which older records lack."""
    epochs: Count


class Candidate(Shape):
    config: dict[str, Scalar]
    trial_id: str
    run_id: str
    run_name: str
    loss: float
    epochs: Count


class Candidates(Shape):
    """What stage register was given."""

    source: str
    stage: str
    images: dict[str, Scalar]
    digest: str
    first_seed: Annotated[int, Field(ge=0)]
    epochs: Count
    candidates: list[Candidate]


class Alike(Shape):
    """What the stages that try a list were given: how often to train equal configurations."""

    alike: Literal["once"]


class Space(Shape):
    """A space that a study drew from until it went on with another one."""

    trials: Annotated[int, Field(ge=0)]
    """That had begun when it was left."""
    space: dict[str, str]
    """In words."""
    note: str
    """What changed then."""


class Study(Shape):
    stage: str
    max_epochs: Count
    parameters: dict[str, str]
    dataset: Images | None = None
    model_needs: int | None = None
    warm_start: WarmStart | None = None
    given: Asked | Candidates | Alike | None = None
    added_points: list[tuple[Annotated[int, Field(ge=0)], dict[str, Scalar]]] = []
    """Configurations that it was given when it went on, and the trials that have them."""
    earlier_spaces: list[Space] = []
    space_file: str | None = "space.yaml"
    """The name of the file with the space of now; None if the stage's own is searched again."""
    tracking_uri: str | None = None


class Hyperparameters(Shape):
    model_config = ConfigDict(strict=True, extra="allow")
    __pydantic_extra__: dict[str, Scalar]
    model: str


class Job(Shape):
    trial: Annotated[int, Field(ge=0)]
    until: Count
    sampler: str | None = None
    bracket: int | None = None
    rung: int | None = None
    model_epochs: int | None = None
    expected_gain: float | None = None


class Params(Shape):
    config: Hyperparameters
    job: Job


class Ended(Shape):
    outcome: Literal["completed", "interrupted", "failed"]
    expected_gain: float | None = None


class Result(Shape):
    """A line of result.json or recovered.json.

    Its metrics are None if the line does not end an epoch, and not finite if training diverged.
    """

    epoch: Count | None = None
    timestamp: Timestamp | None = None
    diverged: bool = False
    failed: bool = False
    order: int | None = None
    """The number of the line among all lines of its part."""


Line = create_model(
    "Line",
    __base__=Result,
    **{name: (kind | None, None) for name, kind in METRIC_TYPES.items()},
)
