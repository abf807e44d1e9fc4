"""Run `register`: train the best again, choose, refit, test once and publish."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from rich.console import Console

from hypertuning.config import UserError
from hypertuning.learn.data import sizes
from hypertuning.record.layout import StudyDir
from hypertuning.record.locks import only_driver
from hypertuning.record.read import read_study
from hypertuning.registry import candidates as chosen
from hypertuning.registry.checks import check_registration
from hypertuning.registry.versions import name_for
from hypertuning.report.exhibits import candidates, registered
from hypertuning.search.stop import signals_caught
from hypertuning.stages.console.next_steps import how_to_go_on, next_steps
from hypertuning.stages.console.pages import how_to_see, model_page
from hypertuning.stages.console.show import say, table_of
from hypertuning.stages.done import Done
from hypertuning.stages.options import AUTO, usage
from hypertuning.stages.register import Register
from hypertuning.stages.register.repeats import search
from hypertuning.stages.results import Registered
from hypertuning.stages.study.ending import conclude
from hypertuning.stages.study.files import write_exhibits
from hypertuning.stages.study.prepare import Prepared, prepare
from hypertuning.stages.study.run import carry_out
from hypertuning.tracking import runs
from hypertuning.tracking.artifacts import send
from hypertuning.tracking.store import NotStored, insist

CANDIDATE_COLUMNS = {
    "candidate": "",
    "source_trial": "trial",
    "searched_val_loss": "in search",
    "val_loss": "again",
    "low": "from",
    "high": "to",
    "run_name": "configuration",
}


def run_register(options: Register, began: float) -> Done:
    """Run the stage from its source to a version in the registry, and give that.

    Args:
        began: When the stage was started, by the monotonic clock.

    Raises:
        UserError: something is missing, or nothing can be registered.
    """
    console = Console()
    prepared = prepare(console, "register", search, options, check)
    if prepared is None:
        return Done()
    record, stopped = carry_out(console, prepared)
    if record.outcome != "completed":
        return conclude(console, prepared, record, stopped, began)
    study_dir = record.folder
    with only_driver(study_dir), signals_caught():
        try:
            return Done(_go_on(console, prepared, study_dir))
        except (KeyboardInterrupt, MlflowException, NotStored):
            say(console, [how_to_go_on("register", study_dir.id, prepared.options)])
            raise


def _go_on(console: Console, prepared: Prepared, study_dir: StudyDir) -> Registered:
    """From the repeats to the registry; steps that an earlier start completed are skipped."""
    # PyTorch takes seconds to import, and the repeats have workers of their own
    from hypertuning.stages.register.publish import publish
    from hypertuning.stages.register.refit import refitted

    patience_s = prepared.options.sync_timeout_s
    tags = insist(lambda: prepared.client.get_run(study_dir.id).data.tags, patience_s)
    if version := tags.get("model_version"):
        say(console, [f"nothing is left to do: it made {tags['model_name']} version {version}"])
        return _see(console, prepared.client, tags)
    ranked = insist(lambda: _rank(prepared.client, study_dir), patience_s)
    _show(console, ranked)
    winner = ranked[ranked["winner"]].iloc[0].to_dict()
    with refitted(console, prepared, study_dir, winner) as fitted:
        say(console, insist(lambda: publish(prepared, study_dir, ranked, fitted), patience_s))
    say(console, next_steps("register", study_dir.id, prepared.options))
    return _see(console, prepared.client, prepared.client.get_run(study_dir.id).data.tags)


def _see(console: Console, client: MlflowClient, tags: Mapping[str, str]) -> Registered:
    """Print the page of the version that a study has made, and return the version."""
    name, version = tags["model_name"], tags["model_version"]
    say(console, how_to_see(client, model_page(name, version)))
    return Registered(name, version)


def check(prepared: Prepared) -> Prepared:
    """Check, before anything is trained, that the model can be registered; settle its name.

    Raises:
        UsageError: there are not as many images for the refit.
        UserError: the images are not the source's, or `check_registration` refuses.
    """
    given, options = prepared.search.given, prepared.options
    if not prepared.images["digest"].startswith(given["digest"]):
        raise UserError(
            f"`dataset` (={options.dataset}) is not what {given['stage']} {given['source']} "
            f"was searched on (digest {given['digest'][:8]}): its losses would not compare"
        )
    with usage():
        _check_refit(prepared)
    name = options.model_name
    name = name_for(prepared.images["name"]) if name == AUTO else name
    check_registration(prepared.client, name, prepared.problem.cache, options.force, options.trust)
    return replace(prepared, options=options.but(model_name=name))


def _check_refit(prepared: Prepared) -> None:
    most, _ = sizes(prepared.problem.cache, 0, prepared.problem.val_size)
    if (asked := prepared.options.refit_size or 0) > most:
        raise UserError(
            f"`refit_size` (={asked}) must not exceed {most}, the images that are neither for "
            "validation nor for the test; 0 is all of them"
        )
    sizes(prepared.problem.cache, asked, prepared.problem.val_size, "refit_size")


def _rank(client: MlflowClient, study_dir: StudyDir) -> pd.DataFrame:
    """Rank the candidates by their repeats; log both tables to the study's run.

    Raises:
        UserError: no candidate could be trained.
    """
    study_id = study_dir.id
    trials = runs.trials(client, [study_id])
    ranked, each = chosen.ranking(read_study(study_dir)["given"]["candidates"], trials)
    folder = study_dir.artifacts_of(study_id)
    write_exhibits(folder, registered({"candidates": ranked, "repeats": each}))
    send(client, study_id, folder)
    return ranked


def _show(console: Console, ranked: pd.DataFrame) -> None:
    title = "the best of the search, trained again with fresh seeds: validation loss"
    console.print(table_of(title, ranked, CANDIDATE_COLUMNS))
    say(console, candidates.says(ranked))
