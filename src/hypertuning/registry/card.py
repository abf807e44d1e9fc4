"""Write the model card, in Markdown: what a user of the registry should know of a model.

After Mitchell et al., Model Cards for Model Reporting (FAT* 2019).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hypertuning.geometry import IMAGE_SIZE
from hypertuning.learn.pixels import RULE
from hypertuning.words import counted


class Facts(NamedTuple):
    """All that a card says about one model."""

    model_name: str
    run_name: str
    hyperparameters: Mapping[str, object]
    parameters: int
    """Weights of the network."""
    classes: Sequence[str]
    dataset: str
    digest: str
    train_images: int
    """Images it was fitted on, the validation images included."""
    test_images: int
    epochs: int
    source: str
    """How it was found, in a sentence."""
    chosen: str
    """How it was chosen, in a sentence."""
    scores: Sequence[str]
    """Its results on the test images, one sentence each."""
    opened: int
    """How often the test images were opened for this model name, including this time."""
    verdict: str
    commit: str
    versions: Sequence[str]


VIEWS = {
    "none": "",
    "mirror": " The answer is that to the image and to its mirror image, averaged.",
    "mirror_shift": " The answer is an average: of the image and its mirror image, and, with half "
    "the weight, of both shifted by a pixel to the upper left and to the lower right.",
}


def write(facts: Facts) -> str:
    size, views = IMAGE_SIZE, VIEWS[str(facts.hyperparameters.get("test_augment", "none"))]
    settings = ", ".join(f"{name} {value}" for name, value in facts.hyperparameters.items())
    again = "" if facts.opened == 1 else (
        f" The test images have been opened {facts.opened} times for models of this name: choosing "
        "among its versions by these numbers makes the numbers look better than they are."
    )  # fmt: skip
    return "\n".join([
        f"# {facts.model_name}: {facts.run_name}",
        "",
        f"An image classifier of {facts.parameters:,} parameters that tells "
        f"{len(facts.classes)} classes apart: {', '.join(facts.classes)}.",
        "",
        "## Use",
        "",
        f"Input: uint8 images (n, 3, {size}, {size}), channels red, green, blue, values 0–255; "
        "normalisation is inside. Output: a table with the class, its probability, and the "
        "probability of each class. A picture of anything else is given one of these classes "
        "too, perhaps with a high probability. Training and `predict` make such "
        f"images by one rule: {RULE}.{views}",
        "",
        "## Training",
        "",
        f"Fitted on {facts.train_images:,} images of {facts.dataset} (digest "
        f"{facts.digest[:16]}…), training and validation images together, for "
        f"{counted(facts.epochs, 'epoch')}. {facts.source} {facts.chosen}",
        "",
        f"Hyperparameters: {settings}.",
        "",
        "## Test",
        "",
        f"Measured once, on {facts.test_images:,} images that were not used to choose anything."
        f"{again}",
        "",
        *(f"- {line}" for line in facts.scores),
        "",
        f"{facts.verdict}",
        "",
        "## Origin",
        "",
        f"Code: commit {facts.commit or 'unknown'}; {', '.join(facts.versions)}.",
    ])  # fmt: skip
