"""The stages' options: type, bounds, default and help of each, declared once.

From these classes come the command lines, the functions of `hypertuning`, the file MLproject and
the tables of docs/parameters.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from inspect import get_annotations
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hypertuning import environment
from hypertuning.complaints import describe
from hypertuning.config import DEFAULTS, UserError
from hypertuning.stages.kinds import (
    Amount,
    Count,
    CountOrAll,
    Dataset,
    Folder,
    Name,
    Named,
    PathOrNone,
    Positive,
    Seed,
)

NONE = "none"
"""How None is typed: MLflow cannot store an empty parameter."""
AUTO = "auto"
"""Chosen by the stage; the help of the option says how."""


class UsageError(UserError):
    """The options are wrong or contradict each other; nothing has been started."""


@contextmanager
def usage() -> Iterator[None]:
    """Raise a UserError from this block as a UsageError."""
    try:
        yield
    except UserError as error:
        raise UsageError(str(error)) from error


class Options(BaseModel):
    """Base of all stages' options."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    EARLIER: ClassVar[Mapping[str, str]] = {}
    """What earlier versions did that had no such option: for studies that they recorded."""

    @model_validator(mode="before")
    @classmethod
    def _none_is_none(cls, values: Any) -> Any:
        """Read `none` as None wherever None is the default."""
        optional = {name for name, field in cls.model_fields.items() if field.default is None}
        return {n: None if n in optional and v == NONE else v for n, v in dict(values).items()}

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Self:
        """Options from their values, or from their text on a command line.

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
        """The options' names: the stage's own first, then those that stages share."""
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
        """The named options that are not at their default: the next command must repeat them."""
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
    "Number format in convolutions and linear layers; auto is bfloat16 where the hardware has "
    "instructions for it (GPUs from Ampere on, AVX512-BF16, AMX)."
)
Augment = Annotated[
    Literal["none", "crop_flip"], Field(description="Augmentation of the training images.")
]
Trust = Annotated[bool, Field(description="Run the code of models that register did not make.")]
DataDir = Annotated[
    Folder,
    Field(
        description="Folder for downloads and decoded images; cifar-10-python.tar.gz or "
        "cifar-10-batches-py in it is used."
    ),
]
StudyId = Annotated[Name, Field(description="Run id of one study, or all.")]
SyncTimeout = Annotated[
    Amount,
    Field(description="Seconds to wait at the end for a tracking server that does not answer."),
]


class DataOptions(Options):
    """The data set, and the folder where its images are kept."""

    dataset: Dataset = Field(
        "cifar10",
        description="Images: cifar10, digits (scikit-learn's, no download), or a folder with "
        "train/<class>/ and perhaps test/<class>/.",
    )
    data_dir: DataDir = Path("data")


class SplitOptions(Options):
    """How many images are used, and which of them for validation."""

    train_size: CountOrAll = Field(
        0,
        description="Number of training images, the same share of each class; 0 is all that are "
        "not for validation.",
    )
    val_size: CountOrAll = Field(
        0,
        description="Number of validation images, likewise; 0 is 5,000 of CIFAR-10, and a tenth of "
        "other data sets.",
    )
    split_seed: Seed = Field(
        0,
        description="Seed of the split into training and validation images; only losses under the "
        "same split compare.",
    )


class Images(DataOptions, SplitOptions):
    """The images of a study."""


class TrainingOptions(Options):
    """Hyperparameters that every search stage has as options."""

    batch_size: Count = Field(
        DEFAULTS["batch_size"], description="Batch size where it is not searched."
    )
    learning_rate: Positive = Field(
        DEFAULTS["learning_rate"], description="Learning rate where it is not searched."
    )
    seed: Seed = Field(
        DEFAULTS["seed"],
        description="Seed of the search, the first weights and the order of the batches.",
    )


class MachineOptions(Options):
    """The hardware of one trial, and how many trials run at once."""

    concurrency: CountOrAll = Field(0, description="Trials that run at once; 0 is as many as fit.")
    cpus_per_trial: Count = Field(1, description="CPU cores of one trial, and its threads.")
    gpus_per_trial: Amount = Field(
        0.0,
        description="GPUs of one trial, fractions allowed; above 0 it trains on a GPU.",
    )


class RunOptions(Options):
    """How a study runs, where it is kept, and how it goes on."""

    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description=PRECISION)
    ray_address: Name = Field(
        "local", description="local starts Ray here; auto or an address joins a running cluster."
    )
    storage_path: Folder = Field(
        Path("ray_results"),
        description="Folder of records and checkpoints; on a cluster, one that all nodes see.",
    )
    max_failures: CountOrAll = Field(
        1, description="How often a failed trial is tried again, from its last epoch."
    )
    resume: Named = Field(
        None, description="Run id of the study to continue, or last: the latest of this stage."
    )
    sync_timeout_s: SyncTimeout = 60.0
    time_budget_s: Amount = Field(
        0.0, description="Seconds after which no more work is started; 0 is no limit."
    )


class SpaceOptions(Options):
    """Files with the user's own space and configurations."""

    space: PathOrNone = Field(
        None, description="YAML file that says which parameters are fixed, and which are searched."
    )
    points: PathOrNone = Field(
        None,
        description="YAML file with configurations to try first; asha, abohb and gp train them to "
        "their end.",
    )


class ShowOptions(Options):
    """What a stage prints."""

    dry_run: bool = Field(
        False, description="Print what would be tried, estimate time and disk, and exit."
    )
    verbose: bool = Field(False, description="Show Ray's own output too.")


class StudyOptions(MachineOptions, RunOptions, ShowOptions):
    """Options of every stage that trains trials."""


class SearchOptions(Images, TrainingOptions, SpaceOptions, StudyOptions):
    """Options of all search stages."""
