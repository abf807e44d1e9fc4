"""The versions of a model in MLflow's registry, and the aliases that say which one to use."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

from hypertuning.config import UserError
from hypertuning.registry import origin
from hypertuning.registry.aliases import CHAMPION, GOING_BACK, PREVIOUS
from hypertuning.registry.package import signature

OPENED = "test_opened"
"""Tag of a model: how many runs opened test images for it. Each has a tag `test_opened.<run>`."""
PROMOTED = "promoted"
"""Tag of a version: whether the gate decided to make it champion."""
COMPARED = "compared_with"
"""Tag of a version: the version that was champion when the gate decided, or none."""
STUDY = "register_study"
"""Tag of a version: the study that made it."""
LONGEST_CARD, LONGEST_NAME = 5000, 256
"""Letters that fit in the registry's columns."""
SHOWN_NAMES = 10
"""Models that an error lists."""


def name_for(dataset: str) -> str:
    """Name a model after its data set, so that the registry and every address accept the name."""
    plain = re.sub(r"[^\w.]+", "-", unicodedata.normalize("NFC", dataset)).strip("-.")
    return f"{plain[:100] or 'images'}-cnn"


def check_name(client: MlflowClient, name: str) -> None:
    """Raise a UserError for a name that the registry, or an address in it, does not accept."""
    if "?" in name or len(name) > LONGEST_NAME:
        raise UserError(
            f"`model_name` must be at most {LONGEST_NAME} letters without /, : and ?, got {name!r}"
        )
    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code == "INVALID_PARAMETER_VALUE":
            raise UserError(f"`model_name`: {error.message}") from error
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise


def find(client: MlflowClient, name: str, alias: str) -> ModelVersion | None:
    """The version with an alias, if there is one."""
    try:
        return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def check_champion(
    client: MlflowClient, name: str, classes: Sequence[str], trust: bool = False
) -> None:
    """Raise a UserError if a new model could not be compared with the champion."""
    champion = find(client, name, CHAMPION)
    if champion and (why := incomparable(champion, classes, trust)):
        raise UserError(
            f"version {champion.version} of model {name}, its champion, cannot be compared with: "
            f"{why}; name another model by `model_name`, or replace it by `force`"
        )


def incomparable(version: ModelVersion, classes: Sequence[str], trust: bool = False) -> str:
    """Say why a version cannot be asked about images of these classes; empty if it can.

    Args:
        trust: The code of a version that is not ours may be run.
    """
    had, fault = _look_at(version)
    if fault:
        return fault
    if had.signature is None or had.signature.to_dict() != signature(classes).to_dict():
        theirs = ", ".join(json.loads(version.tags.get("classes", "[]"))) or "unknown classes"
        return f"it tells {theirs} apart, these images are of {', '.join(classes)}"
    return "" if trust else _not_ours(had)


def unusable(version: ModelVersion) -> str:
    """Say why a version cannot be loaded without trusting somebody else; empty if it can."""
    had, fault = _look_at(version)
    return fault or _not_ours(had)


def _look_at(version: ModelVersion) -> tuple[origin.Fetched | None, str]:
    """Look at a version; return what is known of it, and why if that is nothing."""
    try:
        with TemporaryDirectory() as place:
            return origin.fetch(uri(version), Path(place)), ""
    except Exception as error:  # noqa: BLE001 - stores of artifacts raise all kinds
        what = " ".join(str(getattr(error, "message", error)).split())
        return None, f"its files are gone or cannot be read ({what})"


def _not_ours(had: origin.Fetched) -> str:
    return had.foreign and (
        f"it was not made by `register` ({had.foreign}), and its code is run only with `trust`"
    )


def only_one(client: MlflowClient, aliases: Set[str], option: str, written: str) -> str:
    """Find the only model of ours that has versions with all of these aliases; return its name.

    Args:
        option: The option by which a user names a model.
        written: Its value, with {} for the name.

    Raises:
        UserError: there is none, or there are several; they are listed, ready to be pasted.
    """
    models = [model for model in _all_models(client) if aliases <= model.aliases.keys()]
    names = [model.name for model in models if _is_ours(client, model)]
    if len(names) == 1:
        return names[0]
    wanted = " and a ".join(sorted(aliases))
    if not names:
        raise UserError(
            f"`{option}` is auto, but no model that `register` has made has a {wanted} yet"
        )
    shown = ", ".join(written.format(name) for name in names[:SHOWN_NAMES])
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    raise UserError(
        f"`{option}` must name one of the {len(names)} models with a {wanted}: {shown}{more}"
    )


def _all_models(client: MlflowClient) -> Iterator[RegisteredModel]:
    token = None
    while token != "":
        page = client.search_registered_models(page_token=token)
        yield from page
        token = page.token or ""


def _is_ours(client: MlflowClient, model: RegisteredModel) -> bool:
    """Whether a tag says that `register` made its champion: enough to choose, not to trust it."""
    champion = client.get_model_version(model.name, str(model.aliases[CHAMPION]))
    return STUDY in champion.tags


def uri(version: ModelVersion) -> str:
    return f"models:/{version.name}/{version.version}"


def open_test(client: MlflowClient, name: str, run_id: str) -> int:
    """Count that a run opens the test images for a model; return how many runs have so far."""
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    client.set_registered_model_tag(name, f"{OPENED}.{run_id}", "true")
    tags = client.get_registered_model(name).tags
    count = sum(tag.startswith(f"{OPENED}.") for tag in tags)
    client.set_registered_model_tag(name, OPENED, str(count))
    return count


def of_run(client: MlflowClient, name: str, run_id: str) -> ModelVersion | None:
    """The version that a run has made, if there is one."""
    found = client.search_model_versions(f"run_id = '{run_id}'")
    return next((version for version in found if version.name == name), None)


def register(
    client: MlflowClient,
    name: str,
    source: str,
    run_id: str,
    tags: Mapping[str, str],
    card: str,
) -> ModelVersion:
    """Make a version of the model at `source`, which is an artifact of a run."""
    if len(card) > LONGEST_CARD:
        rest = "…\n\nAll of it: model_card.md among the artifacts of the source run."
        card = card[: LONGEST_CARD - len(rest)] + rest
    return client.create_model_version(name, source, run_id, dict(tags), description=card)


def unmet(client: MlflowClient, version: ModelVersion) -> ModelVersion | None:
    """The champion, if it became that after the gate had compared a version with another one."""
    champion = find(client, version.name, CHAMPION)
    if champion is None or champion.version == version.version:
        return None
    met = version.tags.get(COMPARED, str(champion.version))  # earlier versions have no such tag
    return None if met == str(champion.version) else champion


def promote(client: MlflowClient, version: ModelVersion, alias: str) -> None:
    """Make a version the champion; the champion before it becomes `previous`."""
    name, before = version.name, find(client, version.name, CHAMPION)
    if before and before.version != version.version:
        client.set_registered_model_alias(name, PREVIOUS, before.version)
    client.set_registered_model_alias(name, CHAMPION, version.version)
    waiting = find(client, name, alias)
    if waiting and waiting.version == version.version:
        client.delete_registered_model_alias(name, alias)


def roll_back(client: MlflowClient, name: str) -> tuple[ModelVersion, ModelVersion]:
    """Swap champion and previous; return the new champion and the new previous.

    A rollback that was interrupted is finished: the alias GOING_BACK names its new champion.

    Raises:
        UserError: one of the two does not exist.
    """
    check_name(client, name)
    champion, previous, going_back = (
        find(client, name, alias) for alias in (CHAMPION, PREVIOUS, GOING_BACK)
    )
    if not (champion and previous):
        lacks = CHAMPION if not champion else PREVIOUS
        raise UserError(
            f"the registry has no version with the alias {lacks} of a model {name}, which would "
            "change places"
        )
    back = going_back or previous
    client.set_registered_model_alias(name, GOING_BACK, back.version)
    if champion.version != back.version:
        client.set_registered_model_alias(name, PREVIOUS, champion.version)
        client.set_registered_model_alias(name, CHAMPION, back.version)
    client.delete_registered_model_alias(name, GOING_BACK)
    return back, find(client, name, PREVIOUS)
