"""What `register` trains again: the best configurations of its source, with new seeds."""

from collections.abc import Mapping
from typing import Any

from mlflow import MlflowClient

from hypertuning.config import differing, parse_config
from hypertuning.learn.sources import find_source as find_images
from hypertuning.registry import candidates as chosen
from hypertuning.registry.versions import check_name
from hypertuning.search.halving import sweep
from hypertuning.search.sampler import Listed, Proposal
from hypertuning.stages.options import AUTO, Images, usage
from hypertuning.stages.register import Register
from hypertuning.stages.study.earlier_studies import find_study
from hypertuning.stages.study.searches import Refit, Search
from hypertuning.tracking.store import connect
from hypertuning.words import counted


def search(options: Register, given: Mapping | None = None) -> Search:
    """The repeats of a source's best configurations.

    Args:
        given: If the study is resumed, what its record keeps of the source.

    Raises:
        UsageError: there is no such source, or it has no completed trial.
    """
    client = connect(must_exist=True)
    with usage():
        if options.model_name != AUTO:
            check_name(client, options.model_name)
        given = given or _chosen(client, options)
    first, epochs = given["first_seed"], options.epochs or given["epochs"]
    configs = chosen.repeats(
        [parse_config(candidate["config"]) for candidate in given["candidates"]],
        range(first, first + options.repeats),
    )
    dataset = {"dataset": options.dataset} if options.dataset else {}
    size = {} if options.repeat_size is None else {"train_size": options.repeat_size}
    had = Images.of({**given["images"], **dataset, "data_dir": options.data_dir})
    images = had.but(**size)
    return Search(
        "register",
        "repeats",
        epochs,
        Listed([Proposal(config, "repeat") for config in configs]),
        lambda: sweep(len(configs), epochs),
        notes=(
            f"from {given['stage']} {given['source']}: "
            f"{counted(len(given['candidates']), 'configuration')}, each trained again "
            f"{counted(options.repeats, 'time')}",
            *(_unchecked(images) if options.dry_run else ()),
        ),
        settled={"dataset": images.dataset, "source": given["source"], "epochs": epochs},
        images=images,
        sized_by="train_size" if options.repeat_size is None else "repeat_size",
        found_on=dict(had),
        refit=Refit(configs[0], refit_size(options, images), options.refit_epochs or epochs),
        given=given,
        searched=differing(configs),
        title=f"from {given['stage']} {given['source'][:8]}",
    )


def refit_size(options: Register, images: Images) -> int:
    """Training images of the refit, without those of validation; 0 is all."""
    return images.train_size if options.refit_size is None else options.refit_size


def _unchecked(images: Images) -> tuple[str, ...]:
    """Notes on what a dry run cannot check."""
    with usage():
        if find_images(images.dataset, images.data_dir):
            return ()
    return ("the images are not here yet: neither the test images nor the champion are checked",)


def _chosen(client: MlflowClient, options: Register) -> dict[str, Any]:
    """What the stage needs of its source; the record keeps it, in case the source is deleted."""
    source = find_study(client, options.source)
    found = source.candidates(options.top_k)
    return {
        "source": source.study_id,
        "stage": source.stage,
        "images": source.images,
        "digest": source.digest,
        "first_seed": int(source.trials["seed"].max()) + 1,  # unused in the search
        "epochs": max(candidate.epochs for candidate in found),
        "candidates": [c._replace(config=c.config.hyperparameters())._asdict() for c in found],
    }
