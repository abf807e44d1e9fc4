"""A stage's options: what each may be, its default, and its help, said once.

From these classes come the command lines, the functions of `hypertuning`, the file MLproject and
the tables of parameters in the README.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from inspect import get_annotations
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from hypertuning import environment
from hypertuning.complaints import describe
from hypertuning.config import DEFAULTS, UserError
from hypertuning.stages.kinds import (
    Amount,
    Count,
    CountOrAll,
    Folder,
    PathOrName,
    PathOrNone,
    Positive,
    Seed,
)

NONE = "none"
"""How None is typed: MLflow cannot store an empty parameter."""
AUTO = "auto"
"""Stands for "as fits": help texts say what."""


class UsageError(UserError):
    """What the user asked for is not possible; nothing has been started."""


@contextmanager
def usage() -> Iterator[None]:
    """What the user asked for is checked here: a UserError is one of usage."""
    try:
        yield
    except UserError as error:
        raise UsageError(str(error)) from error


class Options(BaseModel):
    """Base of all stages' options."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _none_is_none(cls, values: Any) -> Any:
        """Read `none` as None wherever None is the default."""
        optional = {name for name, field in cls.model_fields.items() if field.default is None}
        return {n: None if n in optional and v == NONE else v for n, v in dict(values).items()}

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Self:
        """Options from their values, or from what was typed for them.

        Raises:
            UsageError: a name or value is not allowed.
        """
        if unknown := [name for name in values if name not in cls.model_fields]:
            names = ", ".join(cls.names())
            raise UsageError(f"`{unknown[0]}` is not a parameter; there are {names}")
        try:
            return cls(**values)
        except ValidationError as error:
            raise UsageError(describe(error)) from error

    @classmethod
    def names(cls) -> list[str]:
        """The options' names: a stage's own first, then what it shares with others."""
        own = (name for base in cls.__mro__ for name in get_annotations(base))
        return [name for name in dict.fromkeys(own) if name in cls.model_fields]

    def is_given(self, name: str) -> bool:
        """Whether the user asked for this value.

        `mlflow run` passes every parameter, typed or not: a value equal to the default cannot be
        told from one that was not given.
        """
        if name not in self.model_fields_set:
            return False
        return not environment.read(environment.RUN_ID) or name in self.changed([name])

    def changed(self, names: Iterable[str]) -> dict[str, object]:
        """Those of some options that are not at their default, which the next command needs too."""
        had = type(self)()
        there = [name for name in names if name in type(self).model_fields]
        return {n: getattr(self, n) for n in there if getattr(self, n) != getattr(had, n)}

    def parameters(self) -> dict[str, str]:
        """All options as text, as MLflow stores them."""
        return {name: as_text(getattr(self, name)) for name in self.names()}

    def but(self, **changes: object) -> Self:
        """These options with some of them changed."""
        return self.model_copy(update=changes)


def as_text(value: object) -> str:
    """A value as it is typed on a command line."""
    if value is None:
        return NONE
    return str(value).lower() if isinstance(value, bool) else str(value)


PRECISION = (
    "Of the products in the model; auto is bfloat16 where the hardware has instructions for it: "
    "GPUs from Ampere on, AVX512-BF16, AMX."
)
Augment = Annotated[Literal["none", "crop_flip"], Field(description="Random crop and flip.")]
Trust = Annotated[bool, Field(description="Run the code of a model that register did not make.")]
DataDir = Annotated[
    Folder,
    Field(
        description="Downloads and decoded images; cifar-10-python.tar.gz or cifar-10-batches-py "
        "is used if it is there."
    ),
]
StudyId = Annotated[str, Field(description="Run id of a study, or all.")]
SyncTimeout = Annotated[
    Amount,
    Field(description="Seconds to wait, at the end, for a tracking server that is away."),
]


class DataOptions(Options):
    """Which images, and where they are kept."""

    dataset: PathOrName = Field(
        "cifar10",
        description="cifar10, digits (scikit-learn's, no download), or a folder with images in "
        "train/<class>/ and perhaps test/<class>/.",
    )
    data_dir: DataDir = Path("data")


class SplitOptions(Options):
    """How many of the images, and which of them are for validation."""

    train_size: CountOrAll = Field(
        0, description="Training images, the same share of each class; 0 is all others."
    )
    val_size: CountOrAll = Field(
        0, description="Validation images, likewise; 0 is 5,000 of CIFAR-10, else a tenth."
    )
    split_seed: Seed = Field(
        0,
        description="Of the split into training and validation alone; losses compare under the "
        "same split.",
    )


class Images(DataOptions, SplitOptions):
    """The images of a study."""


class TrainingOptions(Options):
    """Hyperparameters of every stage that does not search them."""

    batch_size: Count = Field(
        DEFAULTS["batch_size"], description="Where the stage does not search it."
    )
    learning_rate: Positive = Field(
        DEFAULTS["learning_rate"], description="Where it is not searched."
    )
    seed: Seed = Field(
        DEFAULTS["seed"],
        description="The search, the weights and the order of the batches derive from it.",
    )


class MachineOptions(Options):
    """What one trial occupies, and how many there are at once."""

    concurrency: CountOrAll = Field(
        0, description="Trials at once; 0 is as many as there is room for."
    )
    cpus_per_trial: Count = Field(1, description="Processors, and threads, of one trial.")
    gpus_per_trial: Amount = Field(
        0.0,
        description="GPUs of one trial, fractions allowed; with a share of one it trains there.",
    )


class RunOptions(Options):
    """How a study runs, where it is kept, and how it goes on."""

    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description=PRECISION)
    ray_address: str = Field(
        "local", description="local; auto or an address joins a running Ray cluster."
    )
    storage_path: Folder = Field(
        Path("ray_results"),
        description="Folder of records and checkpoints; on a cluster, one that all nodes see.",
    )
    max_failures: CountOrAll = Field(
        1, description="Times that a trial which broke is tried again, from its last epoch."
    )
    resume: str | None = Field(
        None, description="Run id of the study to go on with, or last: the latest of this stage."
    )
    sync_timeout_s: SyncTimeout = 60.0
    time_budget_s: Amount = Field(
        0.0, description="Start no work after so many seconds; 0 is no limit."
    )


class SpaceOptions(Options):
    """The user's own space and configurations."""

    space: PathOrNone = Field(
        None, description="YAML file that fixes parameters or searches others."
    )
    points: PathOrNone = Field(
        None, description="YAML file with a list of configurations to try first."
    )


class ShowOptions(Options):
    """What is printed."""

    dry_run: bool = Field(
        False, description="Print what would be tried, with an estimate of time and disk, and exit."
    )
    verbose: bool = Field(False, description="Show Ray's own output too.")


class StudyOptions(MachineOptions, RunOptions, ShowOptions):
    """What every stage has that trains trials."""


class SearchOptions(Images, TrainingOptions, SpaceOptions, StudyOptions):
    """What all search stages share."""
