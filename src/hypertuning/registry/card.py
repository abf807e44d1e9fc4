"""What a reader of the registry should know of a model: its card, in Markdown.

After Mitchell et al., Model Cards for Model Reporting (FAT* 2019).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hypertuning.config import IMAGE_SIZE
from hypertuning.learn.pixels import RULE
from hypertuning.words import counted


class Facts(NamedTuple):
    """What a card is written from."""

    model_name: str
    run_name: str
    hyperparameters: Mapping[str, object]
    parameters: int
    """Trainable numbers of the network."""
    classes: Sequence[str]
    dataset: str
    digest: str
    train_images: int
    """On which it was fitted, those of validation included."""
    test_images: int
    epochs: int
    source: str
    """How it was found, in a sentence."""
    chosen: str
    """How it was chosen, in a sentence."""
    scores: Sequence[str]
    """What it does on the test images, a sentence each."""
    opened: int
    """How often the test images were opened for this model name, this time included."""
    verdict: str
    commit: str
    versions: Sequence[str]


def write(facts: Facts) -> str:
    size = IMAGE_SIZE
    settings = ", ".join(f"{name} {value}" for name, value in facts.hyperparameters.items())
    again = "" if facts.opened == 1 else (
        f" The test images have been opened {facts.opened} times for models of this name: choosing "
        "among its versions by these numbers makes them look better than they are."
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
        "probability of each class. It knows no other classes: a picture of anything else gets "
        "one of these, perhaps with a high probability. Training and `predict` make such "
        f"images by one rule: {RULE}.",
        "",
        "## Training",
        "",
        f"Fitted on {facts.train_images:,} images of {facts.dataset} (digest "
        f"{facts.digest[:16]}…), those of training and of validation, for "
        f"{counted(facts.epochs, 'epoch')}. {facts.source} {facts.chosen}",
        "",
        f"Hyperparameters: {settings}.",
        "",
        "## Test",
        "",
        f"Measured once, on {facts.test_images:,} images that nothing was chosen by.{again}",
        "",
        *(f"- {line}" for line in facts.scores),
        "",
        f"{facts.verdict}",
        "",
        "## Origin",
        "",
        f"Code {facts.commit or 'of an unknown commit'}; {', '.join(facts.versions)}.",
    ])  # fmt: skip
