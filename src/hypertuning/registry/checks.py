"""What must hold before a model is trained for the registry: seen at once, not at the end."""

from pathlib import Path

from mlflow import MlflowClient

from hypertuning.learn.cache import read_meta
from hypertuning.registry.evaluate import has_test
from hypertuning.registry.versions import check_champion, check_name


def check_registration(
    client: MlflowClient, name: str, cache: Path, force: bool = False, trust: bool = False
) -> None:
    """See that a model on these images can be tested, judged and registered under a name.

    Args:
        force: It becomes champion without being compared with the one that is there.
        trust: The code of a champion that is not ours may be run.

    Raises:
        UserError: the name is refused, there are no test images, or the champion is of another
            kind or origin.
    """
    check_name(client, name)
    has_test(cache)
    if not force:
        check_champion(client, name, read_meta(cache)["classes"], trust)
