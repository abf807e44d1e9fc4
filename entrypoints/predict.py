"""What a registered model sees in pictures."""

from pathlib import Path

import click

from hypertuning.stages.options import AUTO, FILE, NONE, PATH_OR_NAME, TRUST, StageCommand, option


@click.command("predict", cls=StageCommand, opening="{images}, model_uri={model_uri}")
@option(
    "model_uri", AUTO, PATH_OR_NAME, "A model that `register` has made; auto is the one champion."
)
@option("images", NONE, FILE, "A picture, or a folder of pictures.")
@option("out", "predictions.csv", FILE, "CSV file to write, with the probabilities of all classes.")
@TRUST
def main(model_uri: str, images: Path, out: Path, trust: bool) -> None:
    """Print what a model sees in each picture, and write it to a CSV file."""
    if not images.exists():
        raise click.UsageError(f"`images` must be a picture or a folder of some, got {images}")
    if out.is_dir():
        raise click.UsageError(f"`out` (={out}) is a folder; name a file in it")
    if not out.absolute().parent.is_dir():
        raise click.UsageError(f"`out` (={out}): there is no folder {out.absolute().parent}")
    from hypertuning.stages.console.waiting import waiting

    with waiting("PyTorch and MLflow"):
        from hypertuning.stages.predict import run_predict

    run_predict(model_uri, images, out, trust)


if __name__ == "__main__":
    main()
