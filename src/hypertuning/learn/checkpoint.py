"""Keep what a trial has learnt in a file, and take it up again.

A checkpoint that cannot be used costs time and nothing else: its trial is trained again, from its
first epoch. So reading never raises; whatever is wrong with a file, it counts as absent.
"""

import io
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, InstanceOf

from hypertuning.config import Config, UserError, parse_config
from hypertuning.epoch import Epoch, Epochs
from hypertuning.learn.splits import Splits
from hypertuning.learn.training import Hardware, TrainState
from hypertuning.quantities import Count
from hypertuning.whole_file import write_whole


class _Content(BaseModel):
    config: dict[str, Any]
    horizon: Count
    model: InstanceOf[dict]
    optimizer: InstanceOf[dict]
    lookahead: InstanceOf[dict] | None = None
    rows: Epochs


def save(state: TrainState, file: Path) -> None:
    """Write a checkpoint whole, in place of the one before.

    Raises:
        OSError: the disk is full, or cannot be written to; the one before is still there.
    """
    content = {
        "config": state.config.hyperparameters(),
        "horizon": state.horizon,
        "model": state.model.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "lookahead": state.lookahead and state.lookahead.state_dict(),
        "rows": [row.as_dict() for row in state.rows],
    }
    whole = io.BytesIO()  # PyTorch's own writing hides what the system says of a full disk
    torch.save(content, whole)
    # a worker can outlive its killed driver for a moment, and write beside the next one
    write_whole(file, whole.getbuffer(), shared=True)


def load(file: Path, config: Config, data: Splits, hardware: Hardware) -> TrainState | None:
    """The state of a configuration; None if there is none, or none that can be used."""
    content = _read(file, map_location=hardware.device)
    if content is None or not _is_of(content, config):
        return None
    state = TrainState.new(config, data, content.horizon, hardware)
    try:
        state.model.load_state_dict(content.model)
        state.optimizer.load_state_dict(content.optimizer)
        if state.lookahead:
            state.lookahead.load_state_dict(content.lookahead)
    except Exception:  # noqa: BLE001 - weights of another network raise whatever they meet first
        return None
    state.rows = content.rows
    return state


def _is_of(content: _Content, config: Config) -> bool:
    try:
        return parse_config(content.config).hyperparameters() == config.hyperparameters()
    except UserError:
        return False


def read_rows(file: Path, config: dict[str, Any]) -> list[Epoch]:
    """The epochs that the checkpoint of a configuration has behind it; weights are not read."""
    content = _read(file, map_location="meta", mmap=True)
    return content.rows if content and content.config == config else []


def _read(file: Path, **how) -> _Content | None:
    """What a checkpoint holds: numbers and texts, but no code."""
    try:
        return _Content.model_validate(torch.load(file, weights_only=True, **how))
    except Exception:  # noqa: BLE001 - damaged bytes raise whatever their unpickling ends in
        return None
