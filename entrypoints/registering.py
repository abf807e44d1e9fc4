"""What `register` does: choose again, refit, test once, publish; each step where the last ended."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from rich.console import Console

from entrypoints.options import NONE, usage
from entrypoints.prepare import Job, prepare
from entrypoints.publishing import publish
from entrypoints.refitting import refit_winner
from entrypoints.searches import Search
from entrypoints.show import say, table_of
from entrypoints.sources import find_source
from entrypoints.stage import carry_out, conclude
from hypertuning.config import UserError, parse_config
from hypertuning.registry import candidates as chosen
from hypertuning.registry.evaluate import has_test
from hypertuning.registry.versions import check_alias, check_champion, check_name
from hypertuning.report import findings
from hypertuning.report.stages import registered
from hypertuning.search.ladder import sweep
from hypertuning.search.sampler import Listed, Proposal
from hypertuning.tracking import runs
from hypertuning.tracking.record import read_study
from hypertuning.tracking.store import connect

CANDIDATE_COLUMNS = {
    "candidate": "",
    "source_trial": "trial",
    "searched_val_loss": "in search",
    "val_loss": "again",
    "low": "from",
    "high": "to",
    "run_name": "configuration",
}


def run_register(options: Mapping) -> None:
    """Run the stage from its source to a version in the registry.

    Raises:
        UserError: something is lacking, or nothing can be registered.
    """
    console = Console()
    with usage():
        check_alias(options["alias"])
    job = prepare(console, "register", build, options)
    if job is None:
        return
    _check(job)
    study_dir, stopped = carry_out(console, job)
    study = job.client.get_run(study_dir.name)
    if study.data.tags.get("outcome") != "completed":
        return conclude(console, job.client, study_dir, stopped)
    if version := study.data.tags.get("model_version"):
        return say(
            console,
            [f"nothing is left to do: it made {job.options['model_name']} version {version}"],
        )
    ranked = _rank(job.client, study_dir)
    _show(console, ranked)
    winner = ranked[ranked["winner"]].iloc[0].to_dict()
    fitted = refit_winner(console, job, study_dir, winner)
    publish(console, job, study_dir, ranked, fitted)


def build(options: Mapping) -> Search:
    """The repeats of a source's best configurations.

    Raises:
        click.UsageError: there is no such source, or nothing to register in it.
    """
    client = connect(must_exist=True)
    with usage():
        check_name(client, options["model_name"])
        source = find_source(client, options["source"])
        kept = options["given"] or [_plain(c) for c in source.candidates(options["top_k"])]
        found = [chosen.Candidate(**{**c, "config": parse_config(c["config"])}) for c in kept]
    configs = chosen.repeats(found, options["repeats"], source.trials)
    longest = int(source.trials["epochs_run"].max())
    epochs = options["epochs"] or longest
    dataset = {} if options["dataset"] == NONE else {"dataset": options["dataset"]}
    return Search(
        "register",
        "repeats",
        epochs,
        Listed([Proposal(config, "repeat") for config in configs]),
        lambda: sweep(len(configs), epochs),
        notes=(
            f"from {source.stage} {source.study_id}: {len(found)} configurations, each trained "
            f"{options['repeats']} times again",
        ),
        settled={**source.images, **dataset, "source": source.study_id, "epochs": epochs},
        given=kept,
    )


def _plain(candidate: chosen.Candidate) -> dict[str, Any]:
    return candidate._replace(config=candidate.config.hyperparameters())._asdict()


def _check(job: Job) -> None:
    """See what would be wrong at the end, before anything is trained.

    Raises:
        UserError: other images than the source's, no test images, or a champion of another kind.
    """
    source = find_source(job.client, job.options["source"])
    if not job.images["digest"].startswith(source.digest or "?"):
        raise UserError(
            f"`dataset` (={job.options['dataset']}) is not what {source.stage} {source.study_id} "
            f"was searched on (digest {source.digest[:8]}): its losses would not compare"
        )
    has_test(job.problem.cache)
    if not job.options["force"]:
        check_champion(job.client, job.options["model_name"], job.images["classes"])


def _rank(client: MlflowClient, study_dir: Path) -> pd.DataFrame:
    """The candidates by their repeats; both tables go to the study's run.

    Raises:
        UserError: no candidate could be trained.
    """
    study_id = study_dir.name
    trials = runs.trials(client, [study_id])
    ranked, each = chosen.ranking(read_study(study_dir)["given"], trials)
    tables = {"candidates": ranked, "repeats": each}
    for name, rows in tables.items():
        client.log_text(study_id, rows.to_csv(index=False), f"tables/{name}.csv")
    for exhibit in registered(tables):
        if len(exhibit.rows):
            client.log_figure(study_id, exhibit.draw(), f"figures/{exhibit.name}.png")
    return ranked


def _show(console: Console, ranked: pd.DataFrame) -> None:
    title = "the best of the search, trained again with fresh seeds: validation loss"
    console.print(table_of(title, ranked, CANDIDATE_COLUMNS))
    say(console, findings.winner(ranked))
