"""Trials and curves such as a study leaves, made up: `study(configs, …)` → (trials, curves)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hypertuning.config import Config


def study(
    configs: Sequence[dict],
    epochs: int | Sequence[int] = 10,
    *,
    stage: str = "hyperband",
    samplers: Sequence[str] = ("random",),
    study_id: str = "5f0c2d",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Trials one after another, each as many epochs long as its turn in `epochs` says."""
    lengths = [epochs] if isinstance(epochs, int) else epochs
    curves = [
        _curve(number, config, lengths[number % len(lengths)], study_id)
        for number, config in enumerate(configs)
    ]
    trials = [
        _trial(number, config, curve, stage, samplers[number % len(samplers)])
        for number, (config, curve) in enumerate(zip(configs, curves, strict=True))
    ]
    rungs = sorted(set(lengths))
    for number, trial in enumerate(trials):
        trial["rung"] = rungs.index(lengths[number % len(lengths)])
    all_curves = pd.concat(curves, ignore_index=True)
    seconds = 1_764_000_000 + 11 * np.arange(len(all_curves))
    all_curves["timestamp"] = pd.to_datetime(seconds, unit="s", utc=True)
    return _as_stored(pd.DataFrame(trials)), _as_stored(all_curves)


def _as_stored(frame: pd.DataFrame) -> pd.DataFrame:
    """Give columns the types in which the store gives them back, where values may be missing."""
    whole = {"num_conv_layers", "filters", "kernel_size", "padding", "best_epoch", "epochs_run"}
    kinds = {name: "Int64" for name in frame if name in whole}
    kinds |= {name: "boolean" for name in frame if name == "batch_norm"}
    kinds |= {name: object for name in frame if frame[name].dtype == "str"}
    return frame.astype(kinds)


def _curve(number: int, config: dict, epochs: int, study_id: str) -> pd.DataFrame:
    """Losses that fall, the validation loss rising again: late with augmentation."""
    rng = np.random.default_rng(number)
    skill = {"nn": 1.35, "resnn": 1.25, "cnn": 0.75}[config.get("model", "cnn")] + rng.normal(
        0, 0.05
    )
    skill -= 0.08 * np.log2(config.get("filters", 64) / 64)
    late = 2.5 if config.get("augment") == "crop_flip" else 1.0
    epoch = np.arange(1, epochs + 1)
    train = skill * 0.4 + 1.6 * np.exp(-epoch / (4 * late)) + rng.normal(0, 0.01, epochs)
    val = skill + 1.2 * np.exp(-epoch / 2.5) + 0.05 * np.maximum(0, epoch - 5 * late)
    val = val + rng.normal(0, 0.015, epochs)
    return pd.DataFrame({
        "study_id": study_id, "run_id": f"{study_id}-{number}", "trial_id": f"t{number:04d}",
        "epoch": epoch, "train_loss": train, "train_accuracy": np.exp(-0.45 * train),
        "val_loss": val, "val_accuracy": np.exp(-0.45 * val), "generalization_gap": val - train,
        "learning_rate": 1e-3, "epoch_seconds": 4.0, "images_per_second": 1250.0,
    })  # fmt: skip


def _trial(number: int, config: dict, curve: pd.DataFrame, stage: str, sampler: str) -> dict:
    full = Config(**config)
    best = curve.loc[curve["val_loss"].idxmin()]
    return {
        "study_id": best["study_id"], "stage": stage, "run_id": best["run_id"],
        "trial_id": best["trial_id"],
        "run_name": f"{full.model} f{full.filters} k{full.kernel_size} h{full.hidden_size}",
        "outcome": "completed", "status": "FINISHED", "sampler": sampler, "bracket": 0, "rung": 0,
        **full.hyperparameters(), "best_val_loss": best["val_loss"],
        "best_val_accuracy": curve["val_accuracy"].max(), "best_epoch": best["epoch"],
        "epochs_run": len(curve), "overfit_epoch": best["epoch"], "started": 1_764_000_000 + number,
    }  # fmt: skip


def compare_configs(repeats: int) -> list[dict]:
    models = ("nn", "resnn", "cnn")
    return [{"model": model, "seed": seed} for seed in range(repeats) for model in models]


def grid_configs() -> list[dict]:
    return [
        {"num_fully_connected_layers": f, "num_conv_layers": c, "filters": n, "kernel_size": k}
        for f in (2, 4) for c in (2, 3, 4) for n in (64, 128, 152) for k in (2, 3)
    ]  # fmt: skip


def sampled_configs(trials: int, seed: int = 0) -> list[dict]:
    rng = np.random.default_rng(seed)
    return [
        {"hidden_size": int(rng.integers(254, 513)), "filters": int(rng.integers(100, 201)),
         "kernel_size": int(rng.integers(2, 4)), "padding": int(rng.integers(0, 2))}
        for _ in range(trials)
    ]  # fmt: skip


def paired_configs(pairs: int) -> list[dict]:
    """Each configuration without and with augmentation."""
    return [{**c, "augment": a} for c in sampled_configs(pairs) for a in ("none", "crop_flip")]
