"""What all parts share: the hyperparameters of a trial, the objective, and errors for the user."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from hypertuning.complaints import describe, shown, unknown
from hypertuning.facts import Display, Only, facts
from hypertuning.geometry import IMAGE_SIZE, check_network


class UserError(Exception):
    """An error that the user can fix, told in one line."""


OBJECTIVE = "val_loss"
"""What every study minimises: mean cross-entropy on the validation images, in nats per image."""
BEST = f"best_{OBJECTIVE}"
"""The metric of a trial that has its lowest one."""


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
BATCH_NORM = Only("batch_norm", (True,))
WITH_MOMENTUM = Only("optimizer", ("sgd", "muon"))
DECOUPLED = Only("optimizer", ("adamw", "sgd", "muon"))
"""Adam takes weight decay as a part of the gradient, and scales it as it scales that."""
TRIANGLE = Only("lr_schedule", ("triangle",))
CROP_FLIP = Only("augment", ("crop_flip",))


class Config(BaseModel):
    """The hyperparameters of one trial; a value that cannot be trained is refused here.

    A parameter that a stage does not search keeps the default given here. Each has a `Display`, and
    those that do not act everywhere have an `Only`. Names of runs and columns of tables follow the
    order of the fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Annotated[Literal["nn", "resnn", "cnn"], Display("", always=True)] = "cnn"
    """Fully connected, the same with residual layers, or with convolutions."""
    num_conv_layers: Annotated[int, CNN, Display("conv", words="conv layers")] = Field(
        3, ge=1, le=8
    )
    """Blocks: each has one max-pool, which halves the image, behind its first convolution."""
    convs_per_block: Annotated[int, CNN, Display("x", words="convolutions per block")] = Field(
        1, ge=1, le=3
    )
    """All but the first stand behind the pool, where a convolution costs a quarter."""
    filters: Annotated[int, CNN, Display("f", always=True)] = Field(64, ge=1)
    """Output channels of every convolution of the first block."""
    filter_growth: Annotated[float, CNN, Display("g")] = Field(1.0, ge=1, le=16)
    """How many times as many filters the blocks behind the first one have."""
    kernel_size: Annotated[int, CNN, Display("k", always=True)] = Field(3, ge=1, le=IMAGE_SIZE)
    """Width and height of every convolution, in pixels."""
    padding: Annotated[int, CNN, Display("p", always=True)] = Field(
        default_factory=lambda given: given["kernel_size"] // 2, ge=0, le=IMAGE_SIZE
    )
    """Pixels added on each side; the default keeps the size if the kernel is odd."""
    whitening: Annotated[bool, CNN, Display("white")] = False
    """A first layer that decorrelates patches of 2×2 pixels, see `learn.whitening`."""
    activation: Annotated[Literal["relu", "gelu"], CNN, Display("")] = "relu"
    """Of all layers but the last; the other models have ReLU."""
    batch_norm: Annotated[bool, CNN, Display("bn")] = False
    """Batch normalisation of every convolution, behind the pool if there is one."""
    norm_momentum: Annotated[float, BATCH_NORM, Display("bnm")] = Field(0.1, gt=0, le=1)
    """Weight of a batch in the running mean and variance."""
    norm_bias_only: Annotated[bool, BATCH_NORM, Display("bnb")] = False
    """Batch normalisation learns a bias for each channel, but no factor."""
    norm_bias_rate: Annotated[float, BATCH_NORM, Display("bnr", log=True)] = Field(1.0, gt=0)
    """Learning rate of these biases, as a multiple of `learning_rate`."""
    identity_init: Annotated[bool, CNN, Display("id")] = False
    """Convolutions begin by passing their input on, as far as their channels go."""
    global_pool: Annotated[bool, CNN, Display("gp")] = False
    """The largest value of each filter goes to the linear layers, instead of all its pixels."""
    logit_scale: Annotated[float, CNN, Display("z", log=True)] = Field(1.0, gt=0)
    """Factor on the outputs of the last layer; a small one keeps early losses from exploding."""
    num_fully_connected_layers: Annotated[int, Display("fc", words="fully connected layers")] = (
        Field(2, ge=1, le=MOST_LAYERS)
    )
    """Linear layers, the output layer included."""
    hidden_size: Annotated[int, HIDDEN_LAYERS, Display("h", always=True)] = Field(256, ge=1)
    """Width of every linear layer but the last."""

    learning_rate: Annotated[float, Display("lr", log=True)] = Field(1e-3, gt=0)
    """The largest of the training, where a schedule changes it."""
    lr_schedule: Annotated[Literal["constant", "cosine", "onecycle", "triangle"], Display("")] = (
        "constant"
    )
    """Over the study's largest number of epochs, never over a rung's."""
    lr_peak: Annotated[float, TRIANGLE, Display("peak")] = Field(0.23, gt=0, lt=1)
    """Share of the training after which the triangle is at its peak, the learning rate."""
    lr_end: Annotated[float, TRIANGLE, Display("end")] = Field(0.07, ge=0, le=1)
    """Share of the learning rate at which the triangle ends."""
    optimizer: Annotated[Literal["adam", "adamw", "sgd", "muon"], Display("")] = "adam"
    """`muon` is for all layers but the last, which it leaves to `adamw`, see `learn.muon`."""
    momentum: Annotated[float | None, WITH_MOMENTUM, Display("m")] = Field(None, ge=0, lt=1)
    """0.9 under `sgd` and `muon` unless given; of the last layer only under `sgd`."""
    nesterov: Annotated[bool, WITH_MOMENTUM, Display("nag")] = False
    """Nesterov's form of the momentum."""
    weight_decay: Annotated[float, Display("wd", log=True)] = Field(0.0, ge=0)
    """As PyTorch's optimizers take it, unless `decay_per_epoch`."""
    decay_per_epoch: Annotated[bool, DECOUPLED, Display("dpe")] = False
    """Count `weight_decay` per epoch: at the full learning rate, whatever it is, weights without a
    gradient shrink to exp(-`weight_decay`) in an epoch, of any batches (after arXiv 2405.13698)."""
    lookahead: Annotated[bool, Display("la")] = False
    """Pull the weights towards their moving average, see `learn.lookahead`."""
    dropout: Annotated[float, HIDDEN_LAYERS, Display("do")] = Field(0.0, ge=0, lt=1)
    """Probability of dropping a hidden unit, after every hidden linear layer."""
    batch_size: Annotated[int, Display("b")] = Field(128, ge=1, le=2**31 - 1)
    """If it is larger than the number of images, all of them are one batch."""
    label_smoothing: Annotated[float, Display("ls")] = Field(0.0, ge=0, lt=1)
    """Only in the training loss; `val_loss` is plain cross-entropy."""
    augment: Annotated[Literal["none", "crop_flip"], Display("")] = "none"
    """Of training images; `crop_flip` shifts and mirrors them at random."""
    crop_pixels: Annotated[int, CROP_FLIP, Display("crop")] = Field(4, ge=0, lt=IMAGE_SIZE)
    """An image is shifted by at most as many pixels, each way."""
    crop_border: Annotated[Literal["zeros", "reflect"], CROP_FLIP, Display("")] = "zeros"
    """What comes in from beyond the border: black, or the image itself, mirrored."""
    flip: Annotated[Literal["random", "alternating"], CROP_FLIP, Display("")] = "random"
    """`alternating`: mirrored in every second epoch; which images begin so is random."""
    test_augment: Annotated[Literal["none", "mirror", "mirror_shift"], Display("tta=")] = "none"
    """Views of an image whose logits are averaged where the network is evaluated or used."""
    seed: Annotated[int, Display("s")] = Field(0, ge=0, le=2**63 - 1)
    """For the first weights, the order of the batches, dropout and augmentation."""

    @model_validator(mode="before")
    @classmethod
    def _momentum_belongs_to_some(cls, given: dict) -> dict:
        has, value = given.get("optimizer") in WITH_MOMENTUM.values, given.get("momentum")
        if has and value is None:
            return {**given, "momentum": 0.9}
        if not has and value is not None:
            raise ValueError(f"`momentum` (={shown(value)}) needs `optimizer` 'sgd' or 'muon'")
        return given

    @model_validator(mode="after")
    def _can_be_trained(self) -> "Config":
        check_network(self)
        return self

    @property
    def has_convolutions(self) -> bool:
        return self.model in CNN.values

    def hyperparameters(self) -> dict[str, object]:
        """The parameters that act in this configuration, by name: what is logged and compared."""
        given = self.model_dump(exclude_none=True)
        return {name: value for name, value in given.items() if acts(name, given)}

    def key(self) -> frozenset:
        """The same for configurations that train the same."""
        return frozenset(self.hyperparameters().items())


def differing(configs: Sequence[Config]) -> dict[str, bool]:
    """The hyperparameters in which configurations differ, and whether every one has them."""
    given = [config.hyperparameters() for config in configs]
    values = {name: {values.get(name) for values in given} for name in Config.model_fields}
    return {
        name: all(name in values for values in given)
        for name, different in values.items()
        if len(different) > 1 and not is_default(name, different - {None})
    }


def is_default(name: str, values: Iterable[object]) -> bool:
    """Whether a parameter has its default in all trials in which it acts."""
    return set(values) == {DEFAULTS[name]}


ONLY = facts(Config, Only)
"""The parameters that act only beside some values of another one."""
DISPLAY = facts(Config, Display)
assert DISPLAY.keys() == Config.model_fields.keys(), "each field of Config needs its Display"

DEFAULTS: dict[str, object] = Config().model_dump()


def acts(name: str, values: Mapping[str, object]) -> bool:
    """Whether a parameter acts, given the others; those that are absent have their defaults."""
    rule = ONLY.get(name)
    return rule is None or (
        {**DEFAULTS, **values}[rule.parameter] in rule.values and acts(rule.parameter, values)
    )


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
