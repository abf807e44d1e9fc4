"""The words that all parts share: one trial's hyperparameters, the objective, the user's errors."""

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

IMAGE_SIZE = 32
"""Height and width in pixels of every image; others are resized when they are decoded."""


class UserError(Exception):
    """A mistake of the user's or a lack of the environment's, told in one line."""


class Objective(NamedTuple):
    metric: str
    mode: Literal["min", "max"]


OBJECTIVE = Objective("val_loss", "min")
"""What every study optimises: mean cross-entropy on the validation images, in nats per image."""


class Budget(NamedTuple):
    """How much a study may train."""

    num_samples: int
    """Configurations."""
    max_epochs: int
    """R of Hyperband: the epochs of a trial that is never stopped."""
    min_epochs: int = 1
    """r of Hyperband: the epochs that every trial gets before it can be stopped."""
    reduction_factor: int = 3
    """η of Hyperband: one trial in so many goes on."""


class Config(BaseModel):
    """The hyperparameters of one trial; a value that cannot be trained is refused here.

    Every parameter that a stage does not search keeps the default that stands here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Literal["nn", "resnn", "cnn"] = "cnn"
    num_conv_layers: int = Field(3, ge=1, le=8)
    """Each is followed by a max-pool that halves the image; `cnn` only."""
    filters: int = Field(64, ge=1)
    """Output channels of every convolution; `cnn` only."""
    kernel_size: int = Field(3, ge=1, le=IMAGE_SIZE)
    padding: int = Field(default_factory=lambda given: given["kernel_size"] // 2, ge=0)
    """Pixels added on each side; by default as many as keep the size under an odd kernel."""
    batch_norm: bool = False
    """Batch normalisation after every convolution; `cnn` only."""
    num_fully_connected_layers: int = Field(2, ge=1, le=32)
    """Linear layers, the output layer included."""
    hidden_size: int = Field(256, ge=1)
    """Width of every linear layer but the last."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Probability of dropping a hidden unit, after every hidden linear layer."""

    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = Field(1e-3, gt=0)
    lr_schedule: Literal["constant", "cosine", "onecycle"] = "constant"
    """Over the study's largest number of epochs, never over a rung's."""
    momentum: float | None = Field(None, ge=0, lt=1)
    """Only under `sgd`, where it is 0.9 unless given."""
    weight_decay: float = Field(0.0, ge=0)
    batch_size: int = Field(128, ge=1)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """In the training loss alone; `val_loss` is plain cross-entropy."""
    augment: Literal["none", "crop_flip"] = "none"
    seed: int = Field(0, ge=0)
    """Of the first weights, of the order of the batches, of dropout and augmentation."""

    @model_validator(mode="before")
    @classmethod
    def _momentum_belongs_to_sgd(cls, given: dict) -> dict:
        if given.get("optimizer") == "sgd" and given.get("momentum") is None:
            return {**given, "momentum": 0.9}
        if given.get("optimizer") != "sgd" and given.get("momentum") is not None:
            raise ValueError(f"`momentum` (={given['momentum']}) needs `optimizer` 'sgd'")
        return given

    @model_validator(mode="after")
    def _can_be_built(self) -> "Config":
        if self.model == "cnn":
            self.feature_sizes()
        if self.model == "resnn" and self.num_fully_connected_layers < 2:
            raise ValueError(
                "`model` 'resnn' needs `num_fully_connected_layers` of at least 2, got 1"
            )
        return self

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
        """Down to the layer that leaves nothing, if there is one."""
        sizes = [IMAGE_SIZE]
        while sizes[-1] and len(sizes) <= self.num_conv_layers:
            sizes.append(max(0, (sizes[-1] + 2 * padding - self.kernel_size + 1) // 2))
        return sizes

    def hyperparameters(self) -> dict[str, object]:
        """The parameters that this model has, by name: what is logged and compared."""
        structure = {"num_conv_layers", "filters", "kernel_size", "padding", "batch_norm"}
        absent = structure if self.model != "cnn" else set()
        return self.model_dump(exclude=absent, exclude_none=True)


def differing(configs: Sequence[Config]) -> dict[str, bool]:
    """The hyperparameters in which configurations differ, and whether all of them have each."""
    given = [config.hyperparameters() for config in configs]
    values = {name: {values.get(name) for values in given} for name in Config.model_fields}
    return {
        name: all(name in values for values in given)
        for name, different in values.items()
        if len(different) > 1
    }


def parse_config(given: dict) -> Config:
    """Validate one configuration.

    Raises:
        UserError: one line that names the first wrong value and what it must be.
    """
    try:
        return Config(**given)
    except ValidationError as error:
        raise UserError(describe(error)) from error


def describe(error: ValidationError) -> str:
    """A validation error's first complaint as one line: name, requirement, value given."""
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        allowed = ", ".join(Config.model_fields)
        return f"`{name}` is no hyperparameter; there are {allowed}"
    if not name:
        return first["msg"].removeprefix("Value error, ")
    must = first["msg"].removeprefix("Input should ").removeprefix("be ")
    return f"`{name}` must be {must}, got {first['input']!r}"
