"""Train one configuration, epoch by epoch, from a state that can be saved and loaded again."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hypertuning.config import Config
from hypertuning.epoch import Epoch
from hypertuning.learn import augment
from hypertuning.learn.lookahead import Lookahead
from hypertuning.learn.models import build
from hypertuning.learn.networks import logits_of
from hypertuning.learn.optimizers import build_optimizer, rate_at
from hypertuning.learn.splits import Split, Splits, normalise, steps_of
from hypertuning.learn.whitening import whiten

EVALUATION_BATCH = 250
"""Images. 500 were 1 % faster, and held twice the memory: more than training in batches of 64."""


class Diverged(Exception):
    """A loss of this epoch was not finite."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"a loss of epoch {epoch} is not finite")
        self.epoch = epoch


class Score(NamedTuple):
    loss: float
    accuracy: float


class Hardware(NamedTuple):
    """The device that a trial trains on, and its precision."""

    device: torch.device
    precision: torch.dtype

    @classmethod
    def of(cls, device: str, precision: str = "auto") -> "Hardware":
        """Choose the precision; `auto` is bfloat16 where the hardware has instructions for it.

        Such hardware is a GPU from Ampere (2020) on, or a processor with instructions for it
        (AVX512-BF16, AMX). Elsewhere bfloat16 is emulated, and slower.
        """
        if device == "cpu":
            has = torch.cpu.get_capabilities()
            fast = has.get("avx512_bf16") or has.get("amx_bf16")
        else:
            fast = torch.cuda.is_bf16_supported(including_emulation=False)
        chosen = {"auto": "bfloat16" if fast else "float32"}.get(precision, precision)
        return cls(torch.device(device), getattr(torch, chosen))


@dataclass
class TrainState:
    """All that the next epoch depends on.

    No generator state is kept: `_seed` derives it from seed and epoch.
    """

    config: Config
    horizon: int
    """Epochs over which a learning-rate schedule runs, however many are trained."""
    model: nn.Module
    optimizer: torch.optim.Optimizer
    precision: torch.dtype
    """Of the products inside the model; everything else, such as weights, is float32."""
    lookahead: Lookahead | None = None
    rows: list[Epoch] = field(default_factory=list)
    """The epochs so far."""

    @property
    def epoch(self) -> int:
        return self.rows[-1].epoch if self.rows else 0

    @classmethod
    def new(cls, config: Config, data: Splits, horizon: int, hardware: "Hardware") -> "TrainState":
        model = build(config, len(data.classes))
        if config.has_convolutions and config.whitening:
            whiten(model.features[0], data.train, data.mean, data.std)
        model.to(hardware.device)
        optimizer = build_optimizer(config, model, len(data.train))
        lookahead = Lookahead(model) if config.lookahead else None
        return cls(config, horizon, model, optimizer, hardware.precision, lookahead)


def fit(state: TrainState, data: Splits, epochs: int) -> Iterator[Epoch]:
    """Go on training until epoch `epochs`; add each row to the state, then yield it.

    Raises:
        Diverged: a loss is not finite; the state keeps the earlier rows.
    """
    device = next(state.model.parameters()).device
    data = data.to(device)
    while state.epoch < epochs:
        started = time.perf_counter()
        train = _train_epoch(state, data)
        trained = time.perf_counter()
        val = evaluate(
            state.model, data.val, data.mean, data.std, state.precision, state.config.test_augment
        )
        if not math.isfinite(train.loss) or (len(data.val) and not math.isfinite(val.loss)):
            raise Diverged(state.epoch + 1)
        row = Epoch.of(
            epoch=state.epoch + 1,
            train_loss=train.loss,
            train_accuracy=train.accuracy,
            val_loss=val.loss,
            val_accuracy=val.accuracy,
            learning_rate=state.optimizer.param_groups[0]["lr"],
            epoch_seconds=time.perf_counter() - started,
            images_per_second=len(data.train) / (trained - started),
            timestamp=time.time(),
        )
        state.rows.append(row)
        yield row


def _train_epoch(state: TrainState, data: Splits) -> Score:
    config, epoch = state.config, state.epoch + 1
    state.model.train()
    device = data.mean.device
    tally = _Tally(device)
    count = steps_of(len(data.train), config.batch_size)
    # On the CPU, leave the generators of GPUs alone: using one takes memory on that GPU.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        _seed(config.seed, epoch, device)
        order = torch.randperm(len(data.train))
        sides = augment.alternating(len(order), config.seed, epoch)[order].tensor_split(count)
        batches = data.train.batches(order.to(device), config.batch_size)
        for step, (images, labels) in enumerate(batches):
            images = _augmented(config, images, sides[step])
            begun = epoch - 1 + step / count
            for group in state.optimizer.param_groups:
                group["lr"] = rate_at(config, begun / state.horizon) * group.get("factor", 1)
            pixels = normalise(images, data.mean, data.std)
            logits = _forward(state.model, pixels, state.precision)
            loss = F.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
            state.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            state.optimizer.step()
            if state.lookahead:
                state.lookahead.step(state.model, (begun + 1 / count) / state.horizon)
            tally.add(logits.detach(), labels)
    return tally.score()


def _augmented(config: Config, images: Tensor, alternating: Tensor) -> Tensor:
    """Args: alternating: bool (batch,), which images are mirrored if flips alternate."""
    if config.augment == "none":
        return images
    cropped = augment.crop(images, config.crop_pixels, config.crop_border)
    at_random = torch.rand(len(images)) < 0.5 if config.flip == "random" else alternating
    return augment.flip(cropped, at_random)


def evaluate(
    model: nn.Module,
    split: Split,
    mean: Tensor,
    std: Tensor,
    precision: torch.dtype = torch.float32,
    views: str = "none",
) -> Score:
    """Mean cross-entropy in nats per image, without label smoothing, and accuracy.

    Both are NaN on an empty split. Views of an image are averaged, see `networks.logits_of`.
    """
    if not len(split):
        return Score(math.nan, math.nan)
    model.eval()
    tally = _Tally(mean.device)
    with torch.inference_mode():
        order = torch.arange(len(split), device=mean.device)
        for images, labels in split.batches(order, EVALUATION_BATCH):
            tally.add(_forward(model, normalise(images, mean, std), precision, views), labels)
    return tally.score()


class _Tally:
    """Sums over images, so that all count the same; read once, because reading makes a GPU wait."""

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), dtype=torch.float64, device=device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        self.images = 0

    def add(self, logits: Tensor, labels: Tensor) -> None:
        self.loss += F.cross_entropy(logits, labels, reduction="sum")
        self.correct += (logits.argmax(1) == labels).sum()
        self.images += len(labels)

    def score(self) -> Score:
        return Score(self.loss.item() / self.images, self.correct.item() / self.images)


def _forward(
    model: nn.Module, images: Tensor, precision: torch.dtype, views: str = "none"
) -> Tensor:
    """Logits (batch, classes) in float32, whatever the precision inside the model."""
    with torch.autocast(images.device.type, precision, enabled=precision != torch.float32):
        return logits_of(model, images, views).float()


def _seed(seed: int, epoch: int, device: torch.device) -> None:
    """Make order, dropout and augmentation of an epoch depend on seed and epoch alone.

    So a resumed trial draws the same numbers, and no generator state needs to be kept.
    """
    drawn = int(np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)[0])
    torch.default_generator.manual_seed(drawn)  # torch.manual_seed would reach every GPU's
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(drawn)
