"""What all parts share: the hyperparameters of a trial, the objective, and errors for the user."""

import itertools
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from hypertuning.complaints import describe, shown, unknown
from hypertuning.facts import Display, Only, facts

IMAGE_SIZE = 32
"""Height and width in pixels of every image; others are resized when they are decoded."""
LARGEST_NETWORK = 2**31
"""Most weights of a network; with their gradients and Adam's two moments they take 32 GiB."""


class UserError(Exception):
    """An error that the user can fix, told in one line."""


OBJECTIVE = "val_loss"
"""What every study minimises: mean cross-entropy on the validation images, in nats per image."""


class Budget(NamedTuple):
    """How much a study may train."""

    num_samples: int
    """Configurations."""
    max_epochs: int
    """R of Hyperband: the epochs of a trial that is never stopped."""
    min_epochs: int = 1
    """r of Hyperband: the epochs that every trial gets before it can be stopped."""
    reduction_factor: int = 3
    """η of Hyperband: one trial in η goes on."""


CNN = Only("model", ("cnn",))
"""The models with convolutions."""
MOST_LAYERS = 32
HIDDEN_LAYERS = Only("num_fully_connected_layers", range(2, MOST_LAYERS + 1))
SGD = Only("optimizer", ("sgd",))


class Config(BaseModel):
    """The hyperparameters of one trial; a value that cannot be trained is refused here.

    A parameter that a stage does not search keeps the default given here. Each has a `Display`, and
    those that do not act everywhere have an `Only`. Names of runs and columns of tables follow the
    order of the fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Annotated[Literal["nn", "resnn", "cnn"], Display("", always=True)] = "cnn"
    num_conv_layers: Annotated[int, CNN, Display("conv", words="conv layers")] = Field(
        3, ge=1, le=8
    )
    """Each is followed by a max-pool that halves the image."""
    filters: Annotated[int, CNN, Display("f", always=True)] = Field(64, ge=1)
    """Output channels of every convolution."""
    kernel_size: Annotated[int, CNN, Display("k", always=True)] = Field(3, ge=1, le=IMAGE_SIZE)
    padding: Annotated[int, CNN, Display("p", always=True)] = Field(
        default_factory=lambda given: given["kernel_size"] // 2, ge=0, le=IMAGE_SIZE
    )
    """Pixels added on each side; the default keeps the size if the kernel is odd."""
    num_fully_connected_layers: Annotated[int, Display("fc", words="fully connected layers")] = (
        Field(2, ge=1, le=MOST_LAYERS)
    )
    """Linear layers, the output layer included."""
    batch_norm: Annotated[bool, CNN, Display("bn")] = False
    """Batch normalisation after every convolution."""
    hidden_size: Annotated[int, HIDDEN_LAYERS, Display("h", always=True)] = Field(256, ge=1)
    """Width of every linear layer but the last."""

    learning_rate: Annotated[float, Display("lr", log=True)] = Field(1e-3, gt=0)
    lr_schedule: Annotated[Literal["constant", "cosine", "onecycle"], Display("")] = "constant"
    """Over the study's largest number of epochs, never over a rung's."""
    optimizer: Annotated[Literal["adam", "adamw", "sgd"], Display("")] = "adam"
    momentum: Annotated[float | None, SGD, Display("m")] = Field(None, ge=0, lt=1)
    """0.9 under `sgd` unless given."""
    weight_decay: Annotated[float, Display("wd", log=True)] = Field(0.0, ge=0)
    dropout: Annotated[float, HIDDEN_LAYERS, Display("do")] = Field(0.0, ge=0, lt=1)
    """Probability of dropping a hidden unit, after every hidden linear layer."""
    batch_size: Annotated[int, Display("b")] = Field(128, ge=1, le=2**31 - 1)
    """If it is larger than the number of images, all of them are one batch."""
    label_smoothing: Annotated[float, Display("ls")] = Field(0.0, ge=0, lt=1)
    """Only in the training loss; `val_loss` is plain cross-entropy."""
    augment: Annotated[Literal["none", "crop_flip"], Display("")] = "none"
    seed: Annotated[int, Display("s")] = Field(0, ge=0, le=2**63 - 1)
    """For the first weights, the order of the batches, dropout and augmentation."""

    @model_validator(mode="before")
    @classmethod
    def _momentum_belongs_to_sgd(cls, given: dict) -> dict:
        if given.get("optimizer") == "sgd" and given.get("momentum") is None:
            return {**given, "momentum": 0.9}
        if given.get("optimizer") != "sgd" and given.get("momentum") is not None:
            raise ValueError(f"`momentum` (={shown(given['momentum'])}) needs `optimizer` 'sgd'")
        return given

    @model_validator(mode="after")
    def _can_be_built(self) -> "Config":
        if self.has_convolutions:
            self.feature_sizes()
        if self.model == "resnn" and self.num_fully_connected_layers < 2:
            raise ValueError(
                "`model` 'resnn' needs `num_fully_connected_layers` of at least 2, got 1"
            )
        if (weights := self.weights()) > LARGEST_NETWORK:
            raise ValueError(
                f"the network would have {weights:.2g} weights, and {LARGEST_NETWORK:.2g} are the "
                "most; use fewer `filters`, a smaller `hidden_size` or fewer layers"
            )
        return self

    @property
    def has_convolutions(self) -> bool:
        return self.model in CNN.values

    @property
    def inputs(self) -> int:
        """How many numbers the first linear layer gets of an image."""
        if self.has_convolutions:
            return self.filters * self.feature_sizes()[-1] ** 2
        return 3 * IMAGE_SIZE**2

    def weights(self) -> int:
        """Count the weights of all layers but the last, without biases and normalisation."""
        channels = 3 + (self.num_conv_layers - 1) * self.filters
        convolved = self.has_convolutions * channels * self.filters * self.kernel_size**2
        hidden = self.num_fully_connected_layers - 1
        linear = hidden and (self.inputs + (hidden - 1) * self.hidden_size) * self.hidden_size
        return convolved + linear

    def feature_sizes(self) -> list[int]:
        """Height of the image before the first and after each pooled convolution, in pixels.

        Raises:
            ValueError: a layer would be left without a pixel; the message names it.
        """
        sizes = self._sizes(self.padding)
        if sizes[-1] == 0:
            enough = next(p for p in itertools.count(self.padding) if self._sizes(p)[-1])
            raise ValueError(
                f"kernel_size {self.kernel_size} with padding {self.padding} leaves no pixels "
                f"after conv layer {len(sizes) - 1} of {self.num_conv_layers} "
                f"({' → '.join(map(str, sizes))}); use padding ≥ {enough} or fewer layers"
            )
        return sizes

    def _sizes(self, padding: int) -> list[int]:
        """The sizes up to the first layer that leaves no pixel."""
        sizes = [IMAGE_SIZE]
        while sizes[-1] and len(sizes) <= self.num_conv_layers:
            sizes.append(max(0, (sizes[-1] + 2 * padding - self.kernel_size + 1) // 2))
        return sizes

    def hyperparameters(self) -> dict[str, object]:
        """The parameters that act in this configuration, by name: what is logged and compared."""
        given = self.model_dump(exclude_none=True)
        return {name: value for name, value in given.items() if acts(name, given)}


def differing(configs: Sequence[Config]) -> dict[str, bool]:
    """The hyperparameters in which configurations differ, and whether every one has them."""
    given = [config.hyperparameters() for config in configs]
    values = {name: {values.get(name) for values in given} for name in Config.model_fields}
    return {
        name: all(name in values for values in given)
        for name, different in values.items()
        if len(different) > 1
    }


ONLY = facts(Config, Only)
"""The parameters that act only beside some values of another one."""
DISPLAY = facts(Config, Display)
assert DISPLAY.keys() == Config.model_fields.keys(), "each field of Config needs its Display"

DEFAULTS: dict[str, object] = Config().model_dump()


def acts(name: str, values: Mapping[str, object]) -> bool:
    """Whether a parameter acts, given the others; those that are absent have their defaults."""
    rule = ONLY.get(name)
    return rule is None or {**DEFAULTS, **values}[rule.parameter] in rule.values


def parse_config(given: Mapping[str, object], strict: bool = False) -> Config:
    """Validate one configuration.

    Args:
        strict: Convert nothing, neither text to a number nor 64.0 to 64. Users' files are read
            strictly; a store returns numbers as text.

    Raises:
        UserError: one line that names the first wrong value and what it must be.
    """
    try:
        return Config.model_validate(given, strict=strict)
    except ValidationError as error:
        raise UserError(describe(error, allowed=Config.model_fields)) from error


def parse_value(name: str, value: object, strict: bool = True) -> object:
    """Validate one hyperparameter by itself.

    Raises:
        UserError: one line that names it and says what it must be.
    """
    if name not in Config.model_fields:
        raise UserError(unknown(name, Config.model_fields))
    try:
        return _validator(name).validate_python(value, strict=strict)
    except ValidationError as error:
        raise UserError(describe(error, name)) from error


@cache
def _validator(name: str) -> TypeAdapter:
    """The validator of one hyperparameter alone; `Config` validates all of them together."""
    field = Config.model_fields[name]
    kind = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    return TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False))
