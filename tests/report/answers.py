"""What a stage register leaves, made up: `left(classes, images)` → its tables by name."""

import base64
import io

import numpy as np
import pandas as pd
from PIL import Image

from hypertuning.intervals import of_mean


def left(classes: int = 10, images: int = 2000, candidates: int = 3, repeats: int = 3) -> dict:
    ranked, each = choice(candidates, repeats)
    epochs = np.arange(1, 8)
    refit = {"epoch": epochs, "train_loss": 2 / epochs, "train_accuracy": 1 - 1 / (1 + epochs)}
    known = predictions(classes, images)
    return {
        "candidates": ranked,
        "repeats": each,
        "refit": pd.DataFrame(refit),
        "predictions": known,
        "mistakes": mistakes(known),
    }


def choice(candidates: int, repeats: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Candidates that all have a higher loss when they are trained again; the first is best."""
    losses = np.random.default_rng(0).normal(0, 0.01, (candidates, repeats))
    losses += 1.3 + 0.1 * np.arange(candidates)[:, None]
    rows = [
        {
            "candidate": number, "run_name": f"cnn filters {16 * number}",
            "source_trial": f"t{number:04d}", "searched_val_loss": 1.1 + 0.1 * number,
            "searched_epochs": 9, "epochs": 9, "repeats": repeats, "broken": 0,
            **of_mean(own)._asdict(), "val_accuracy": 0.6, "best_epoch": 6.3,
            "winner": number == 1,
        }
        for number, own in enumerate(losses, start=1)
    ]  # fmt: skip
    each = [
        {"candidate": number, "trial_id": f"t{seed}", "seed": seed, "best_val_loss": loss,
         "best_val_accuracy": 0.6, "best_epoch": 6}
        for number, own in enumerate(losses, start=1)
        for seed, loss in enumerate(own)
    ]  # fmt: skip
    return pd.DataFrame(rows).rename(columns={"value": "val_loss"}), pd.DataFrame(each)


def predictions(classes: int, images: int) -> pd.DataFrame:
    """Answers of a model that is right more often than not."""
    rng = np.random.default_rng(classes)
    names = np.array([f"class {number}" for number in range(classes)])
    labels = rng.integers(0, classes, images)
    scores = rng.normal(0, 1, (images, classes))
    scores[np.arange(images), labels] += 2
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    answers = {
        "index": np.arange(images),
        "label": names[labels],
        "predicted": names[shares.argmax(axis=1)],
        "probability": shares.max(axis=1),
        "loss": -np.log(shares[np.arange(images), labels]),
    }
    columns = {f"p_{name}": shares[:, place] for place, name in enumerate(names)}
    return pd.DataFrame({**answers, **columns})


def mistakes(known: pd.DataFrame) -> pd.DataFrame:
    wrong = known[known["label"] != known["predicted"]].nlargest(24, "probability")
    file = io.BytesIO()
    Image.fromarray(np.full((32, 32, 3), 90, np.uint8)).save(file, format="PNG")
    picture = base64.b64encode(file.getvalue()).decode()
    return wrong[["index", "label", "predicted", "probability"]].assign(png=picture)
