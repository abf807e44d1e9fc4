"""A study's trainings as tutorials have them: a function trainable, PIL behind a DataLoader.

The networks, images and split are the project's. The loop, the data and the tracking are those of
Ray's and PyTorch's tutorials: a transform per picture, a checkpoint per epoch, Ray's MLflow
callback. A worker of a DataLoader would take the core of the other trial, so there are none.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import ray
import torch
from PIL import Image
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.trainings import Images, Trainings
from hypertuning.config import Config, parse_config
from hypertuning.learn.models import build
from hypertuning.learn.splits import Split, Splits, load

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}


class Pictures(Dataset):
    """As torchvision's CIFAR10: each picture is made from an array, then transformed."""

    def __init__(self, split: Split, transform: Callable) -> None:
        self.arrays = split.images[split.indices].permute(0, 2, 3, 1).numpy()
        self.labels = split.labels[split.indices].tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.arrays[index])), self.labels[index]


def loaders(data: Splits, config: Config) -> tuple[DataLoader, DataLoader]:
    """The training and the validation images."""
    mean, std = (values / 255 for values in (data.mean, data.std))
    plain = [transforms.ToTensor(), transforms.Normalize(mean.tolist(), std.tolist())]
    changed = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    augmented = [*(changed if config.augment == "crop_flip" else []), *plain]
    train = Pictures(data.train, transforms.Compose(augmented))
    val = Pictures(data.val, transforms.Compose(plain))
    return (
        DataLoader(train, batch_size=config.batch_size, shuffle=True),
        DataLoader(val, batch_size=config.batch_size),
    )


def train_cifar(given: dict, images: Images) -> None:
    """Train one configuration; report each epoch with a checkpoint."""
    config, epochs = parse_config(given["training"]["config"]), given["training"]["epochs"]
    data = load(Path(images.cache), *images[1:])
    train, val = loaders(data, config)
    model, criterion = build(config, len(data.classes)), nn.CrossEntropyLoss()
    momentum = {"momentum": config.momentum} if config.optimizer == "sgd" else {}
    optimizer = OPTIMIZERS[config.optimizer](
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, **momentum
    )
    for _ in range(epochs):
        model.train()
        for pictures, labels in train:
            optimizer.zero_grad()
            criterion(model(pictures), labels).backward()
            optimizer.step()
        report(model, optimizer, *evaluate(model, criterion, val))


def evaluate(model: nn.Module, criterion: nn.Module, val: DataLoader) -> tuple[float, float]:
    """Loss and accuracy."""
    model.eval()
    loss, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for pictures, labels in val:
            outputs = model(pictures)
            loss += criterion(outputs, labels).item() * len(labels)
            correct += (outputs.argmax(1) == labels).sum().item()
            count += len(labels)
    return loss / count, correct / count


def report(model: nn.Module, optimizer: torch.optim.Optimizer, loss: float, right: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        torch.save((model.state_dict(), optimizer.state_dict()), Path(folder) / "checkpoint.pt")
        checkpoint = tune.Checkpoint.from_directory(folder)
        tune.report({"val_loss": loss, "val_accuracy": right}, checkpoint=checkpoint)


def main(given: Path, results: Path) -> None:
    """Train all; write the validation accuracy of each, in their order."""
    trainings = Trainings.read(given)
    ray.init(address="local", num_cpus=trainings.workers, include_dashboard=False)
    listed = [
        {"number": number, **training._asdict()} for number, training in enumerate(trainings.all)
    ]
    trainable = tune.with_parameters(train_cifar, images=trainings.images)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"training": tune.grid_search(listed)},
        run_config=tune.RunConfig(
            storage_path=str(results.parent / "ray"),
            callbacks=[MLflowLoggerCallback(experiment_name="usual")],
        ),
    )
    ended = {r.config["training"]["number"]: r.metrics["val_accuracy"] for r in tuner.fit()}
    results.write_text(json.dumps([ended[number] for number in range(len(ended))]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
