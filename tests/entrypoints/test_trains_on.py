"""Claims about how a study describes its images and its machine."""

import json
from pathlib import Path

import pytest

from hypertuning.learn import data
from hypertuning.search.problem import Problem
from hypertuning.stages.compare import Compare
from hypertuning.stages.study.listed import listed
from hypertuning.stages.study.planning import description, plan_of
from hypertuning.stages.study.trains_on import in_lines, trains_on

OPTIONS = Compare(epochs=2)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return data.prepare("digits", tmp_path_factory.mktemp("data"))


@pytest.fixture
def said(cache):
    """A function that returns the description for a study with some options."""

    def say(folder=cache, threads=1, bases=({},), precision="float32", address="local") -> dict:
        search = listed("compare", bases, OPTIONS, None)
        problem = Problem(folder, 100, 50, 3, 2, "cpu", precision, threads, Path())
        return trains_on(folder, search, plan_of(search), problem, address)

    return say


def test_images_sizes_classes_augmentation_and_device_are_said(said):
    rows = said(bases=[{"augment": "none"}, {"augment": "crop_flip"}], threads=2)
    assert rows["images"] == (
        "digits: 100 for training, 50 for validation (split_seed 3), 360 for test"
    )
    assert rows["sizes"] == "8×8 → 32×32"
    assert rows["classes"].startswith("10: 0 (10), 1 (10), ")
    counts = [int(words.split("(")[1].rstrip(")")) for words in rows["classes"].split(", ")]
    assert sum(counts) == 100
    assert rows["augmentation"] == "crop_flip and none"
    assert rows["device"] == "CPU, float32, 2 threads a trial"
    assert (
        len({line.index(words) for line, words in zip(in_lines(rows), rows.values(), strict=True)})
        == 1
    )


def test_a_cache_of_an_earlier_version_leaves_the_sizes_out(said, cache, tmp_path):
    older = tmp_path / "older"
    older.mkdir()
    for file in cache.iterdir():
        (older / file.name).symlink_to(file)
    (older / "meta.json").unlink()
    meta = json.loads((cache / "meta.json").read_text())
    meta.pop("sizes")
    (older / "meta.json").write_text(json.dumps(meta))
    assert said(older).keys() == said().keys() - {"sizes"}


def test_a_gpu_that_is_left_idle_is_named(said, monkeypatch):
    assert "GPU" not in said()["device"]
    monkeypatch.setattr("hypertuning.stages.study.trains_on.has_gpu", lambda: True)
    assert said()["device"].endswith("; a GPU is here, but gpus_per_trial=0")


def test_precision_is_said_as_it_was_resolved(said):
    assert said(precision="auto")["device"].split(", ")[1] in ("float32", "bfloat16")
    assert "the cluster's may differ" in said(address="auto")["device"]


def test_the_note_on_a_study_says_it_too(said):
    search = listed("compare", [{}], OPTIONS, None)
    note = description(search, plan_of(search), {"images": "a|b"}, ["and a note"])
    assert "| images | a\\|b |" in note and "and a note" in note
