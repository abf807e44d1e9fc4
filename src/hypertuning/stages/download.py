"""Get the images and decode them, before any study needs them."""

from pydantic import Field

from hypertuning.stages.done import Done
from hypertuning.stages.options import DataOptions, usage


class Download(DataOptions):
    """Download CIFAR-10, or look at another data set, and decode it for the stages."""

    mirrors: str | None = Field(
        None,
        description="Addresses of cifar-10-python.tar.gz to try first, separated by commas.",
    )


def download(options: Download) -> Done:
    """Return the folder of the decoded images."""
    # imported here, because it takes a second and the first line must come at once
    from rich.console import Console

    from hypertuning.learn.sources import find_source
    from hypertuning.stages.console.log import show_log
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.start import check_folder
    from hypertuning.words import counted

    dataset, data_dir = options.dataset, options.data_dir
    with usage():
        find_source(dataset, data_dir)
    check_folder("data_dir", data_dir)
    with waiting("PyTorch"):
        from hypertuning.learn.cache import read_meta
        from hypertuning.learn.data import MIRRORS, prepare

    show_log()
    first = tuple(url.strip() for url in (options.mirrors or "").split(",") if url.strip())
    with waiting("images"):
        cache = prepare(dataset, data_dir, (*first, *MIRRORS))
    meta = read_meta(cache)
    images = f"{meta['train']:,} training and {counted(meta['test'], 'test image')}"
    Console().print(f"{images} in {cache}", soft_wrap=True, highlight=False, markup=False)
    return Done(cache)
