"""Check before training, and not after it, that the model can be registered."""

from pathlib import Path

from mlflow import MlflowClient

from hypertuning.learn.cache import read_meta
from hypertuning.registry.evaluate import check_has_test
from hypertuning.registry.versions import check_champion, check_name


def check_registration(
    client: MlflowClient, name: str, cache: Path, force: bool = False, trust: bool = False
) -> None:
    """Check that a model of these images can be tested, judged and registered under a name.

    Args:
        force: It becomes champion without a comparison with the present champion.
        trust: The code of a champion that is not ours may be run.

    Raises:
        UserError: the name is refused, there are no test images, or the champion is of another
            kind or origin.
    """
    check_name(client, name)
    check_has_test(cache)
    if not force:
        check_champion(client, name, read_meta(cache)["classes"], trust)
