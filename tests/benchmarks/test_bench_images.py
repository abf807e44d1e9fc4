"""Claims about the searches that are compared on real images; here on a few digits."""

import pandas as pd
import pytest

from benchmarks import real_images
from benchmarks.table_workers import Images
from hypertuning.learn.data import prepare

EPOCHS = 12


@pytest.fixture
def out(tmp_path, monkeypatch):
    """Two studies that share their draws, a method that learns from results, and what they left."""
    monkeypatch.setattr(real_images, "EPOCHS", EPOCHS)
    images = Images(prepare("digits", tmp_path / "data"), 200, 100)
    run = lambda methods: real_images.run_seed(
        methods, real_images.FAMILIES["plain"], 0, images, ("cpu", "float32"), tmp_path
    )
    run(["random", "asha", "gp"])
    return tmp_path, run


def test_every_method_spends_the_same_epochs_and_trains_what_others_have_only_once(out):
    folder, run = out
    rows = pd.concat(pd.read_csv(folder / f"{name}-0.csv") for name in ("random", "asha", "gp"))
    assert rows.groupby("method")["spent"].apply(list).map(len).tolist() == [EPOCHS] * 3
    best = rows.groupby("method")["val_loss"].cummin()
    assert (best <= rows["val_loss"]).all()
    shared = rows.pivot_table(index=["trial", "epoch"], columns="method", values="val_loss")
    both = shared[["random", "asha"]].dropna()
    assert len(both) > 3 and (both["random"] == both["asha"]).all()
    trained = {path.name: path.stat().st_mtime_ns for path in (folder / "trained").rglob("*.pt")}
    (folder / "asha-0.csv").unlink()
    run(["random", "asha"])
    assert trained == {p.name: p.stat().st_mtime_ns for p in (folder / "trained").rglob("*.pt")}
    again = pd.read_csv(folder / "asha-0.csv")
    assert again["val_loss"].tolist() == rows[rows["method"] == "asha"]["val_loss"].tolist()


def test_methods_are_compared_seed_by_seed():
    rows = pd.DataFrame(
        {
            "method": ["gp", "gp", "asha", "asha"] * 2,
            "seed": [0] * 4 + [1] * 4,
            "spent": [1, 2] * 4,
            "val_loss": [0.5, 0.4, 0.6, 0.7, 0.5, 0.3, 0.4, 0.5],
        }
    )
    ((spent, method, mean, error, count),) = real_images.differences(rows, 2).to_numpy()
    assert (spent, method, count) == (2, "asha", 2)
    assert mean == pytest.approx(0.15) and error == pytest.approx(0.05)
