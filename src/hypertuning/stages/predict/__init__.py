"""Classify pictures with a registered model."""

from pathlib import Path

from pydantic import Field

from hypertuning import environment
from hypertuning.stages.done import Done
from hypertuning.stages.kinds import File, PathOrName
from hypertuning.stages.options import AUTO, Options, Trust, UsageError


class Predict(Options):
    """Print the class that a model predicts for each picture, and write a CSV file."""

    model_uri: PathOrName = Field(
        AUTO, description="Model that register has made; auto is the only champion."
    )
    images: File = Field(Path("none"), description="Picture, or folder of pictures.")
    out: File = Field(
        Path("predictions.csv"),
        description="CSV file to write, with the probabilities of all classes.",
    )
    trust: Trust = False


def predict(options: Predict) -> Done:
    """Return the table of predictions; status 1 if a file was not a picture."""
    images, out = options.images, options.out
    if not images.exists():
        raise UsageError(
            f"`images` must be a picture or a folder of some: {environment.not_there(images)}"
        )
    if out.is_dir():
        raise UsageError(f"`out` (={out}) is a folder; name a file in it")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"`out` (={out}): there is no folder {out.absolute().parent}")
    from hypertuning.stages.console.waiting import waiting

    with waiting("PyTorch and MLflow"):
        from hypertuning.stages.predict.run import run_predict

    return run_predict(options.model_uri, images, out, options.trust)
