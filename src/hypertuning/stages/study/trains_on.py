"""Describe what a study trains on, for its first lines and for its note in MLflow."""

from collections.abc import Mapping
from pathlib import Path

from hypertuning.learn import data
from hypertuning.learn.cache import read_meta
from hypertuning.learn.hardware import has_gpu, precision_of
from hypertuning.search.plan import Plan
from hypertuning.search.problem import Problem
from hypertuning.stages.study.searches import Search

NAMED = 10
"""Most classes that are named, with the numbers of their images."""
LOOKED_AT = 100
"""Trials whose augmentation is read: enough to meet every kind that a study has."""


def trains_on(
    cache: Path, search: Search, planned: Plan, problem: Problem, ray_address: str
) -> dict[str, str]:
    """Images, classes, augmentation and device, each in a few words."""
    meta = read_meta(cache)
    counts = data.class_counts(cache, problem.train_size, problem.val_size, problem.split_seed)
    train, val = data.sizes(cache, problem.train_size, problem.val_size)
    test = f", {meta['test']:,} for test" if meta["test"] else ", none for test"
    sizes = {"sizes": meta["sizes"]} if meta.get("sizes") else {}  # older caches lack it
    return {
        "images": f"{meta['dataset']}: {train:,} for training, {val:,} for validation "
        f"(split_seed {problem.split_seed}){test}",
        **sizes,
        "classes": _classes(counts),
        "augmentation": _augmentation(search, planned),
        "device": _device(problem, ray_address == "local"),
    }


def in_lines(rows: Mapping[str, str]) -> list[str]:
    """One line per row, in two columns."""
    width = max(map(len, rows))
    return [f"{name:{width}}  {words}" for name, words in rows.items()]


def _classes(counts: Mapping[str, int]) -> str:
    named = [f"{name} ({count:,})" for name, count in list(counts.items())[:NAMED]]
    rest = len(counts) - len(named)
    more = f" and {rest:,} more, with {min(counts.values()):,} to {max(counts.values()):,} images"
    return f"{len(counts):,}: {', '.join(named)}{more if rest else ''}"


def _augmentation(search: Search, planned: Plan) -> str:
    trials = range(min(planned.trials, LOOKED_AT))
    kinds = sorted({search.sampler.propose(number).config.augment for number in trials})
    return " and ".join(kinds)


def _device(problem: Problem, local: bool) -> str:
    """What a trial trains with; a GPU that is left idle is named."""
    gpu, precision = has_gpu(), problem.precision
    if problem.device == "cpu" or gpu:
        precision = precision_of(problem.device, problem.precision)
    elsewhere = "" if local else ", as far as this machine tells: the cluster's may differ"
    idle = "; a GPU is here, but gpus_per_trial=0" if gpu and problem.device == "cpu" else ""
    name = "GPU" if problem.device == "cuda" else "CPU"
    threads = f"{problem.threads} thread{'s' if problem.threads > 1 else ''} a trial"
    return f"{name}, {precision}, {threads}{elsewhere}{idle}"
