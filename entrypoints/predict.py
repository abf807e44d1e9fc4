"""What a registered model sees in pictures."""

from pathlib import Path

import click

from entrypoints.options import AUTO, FILE, NONE, PATH_OR_NAME, TRUST, StageCommand, option


@click.command(cls=StageCommand)
@option(
    "model_uri", AUTO, PATH_OR_NAME, "A model that `register` has made; auto is the one champion."
)
@option("images", NONE, FILE, "A picture, or a folder of pictures.")
@option("out", "predictions.csv", FILE, "CSV file to write, with the probabilities of all classes.")
@TRUST
def main(model_uri: str, images: Path, out: Path, trust: bool) -> None:
    """Print what a model sees in each picture, and write it to a CSV file."""
    # torch and MLflow take seconds to import: not before the options are right
    if not images.exists():
        raise click.UsageError(f"`images` must be a picture or a folder of some, got {images}")
    from entrypoints.predicting import run_predict

    run_predict(model_uri, images, out, trust)


if __name__ == "__main__":
    main()
