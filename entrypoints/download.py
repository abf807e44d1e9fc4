"""Get the images and decode them, before any study wants them."""

from pathlib import Path

import click
from rich.console import Console

from hypertuning.stages.options import (
    DATA_DIR,
    DATASET,
    NONE,
    StageCommand,
    option,
    show_log,
    usage,
)


@click.command("download", cls=StageCommand, opening="{dataset}, to {data_dir}")
@DATASET
@DATA_DIR
@option("mirrors", NONE, help="Addresses of cifar-10-python.tar.gz to try first, with commas.")
def main(dataset: str, data_dir: Path, mirrors: str) -> None:
    """Download CIFAR-10, or look at another data set, and decode it for the stages."""
    # takes a second: not before the first line
    from hypertuning.learn.sources import find_source
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.start import check_folder
    from hypertuning.words import counted

    with usage():
        find_source(dataset, data_dir)
    check_folder("data_dir", data_dir)
    with waiting("PyTorch"):
        from hypertuning.learn.cache import read_meta
        from hypertuning.learn.data import MIRRORS, prepare

    show_log()
    first = () if mirrors == NONE else tuple(url.strip() for url in mirrors.split(","))
    with waiting("images"):
        cache = prepare(dataset, data_dir, (*first, *MIRRORS))
    meta = read_meta(cache)
    images = f"{meta['train']:,} training and {counted(meta['test'], 'test image')}"
    Console().print(f"{images} in {cache}", soft_wrap=True, highlight=False, markup=False)


if __name__ == "__main__":
    main()
