"""Claims about a damaged record: every reader reads on or names the file, and reads what was good.

`recorded/` holds a study as an earlier version wrote it.
"""

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from records import Record, row

from hypertuning.config import UserError
from hypertuning.learn.checkpoint import read_rows
from hypertuning.record.files import DamagedRecord, records_in
from hypertuning.record.jobs import read_jobs
from hypertuning.record.locks import is_driven, only_driver
from hypertuning.record.read import (
    read_outcome,
    read_record,
    read_study,
    read_trial,
    read_trials,
)
from hypertuning.record.recovery import recover_epochs
from hypertuning.stages.study.past import read_past
from hypertuning.tracking import labels as naming
from hypertuning.tracking.points import in_ms, points_of, summary_of

RECORDED = Path(__file__).parent / "recorded"
JOB = "part-001/t0000-e003"
FILES = (
    "study.json",
    "part-001/ended.json",
    *(f"{JOB}/{name}" for name in ("params.json", "result.json", "recovered.json", "error.txt")),
)
LIMIT = 1000
"""Characters of a message: a damaged value of any length must not end up in it."""


def test_a_record_of_an_earlier_version_is_read_as_it_was():
    study = RECORDED / "bohb"
    trials, jobs = read_trials(study), read_jobs(study)
    assert read_study(study)["parameters"]["num_samples"] == "5"
    assert read_record(study).outcome == "completed"
    assert [(trial.number, trial.outcome, trial.epochs_run) for trial in trials] == [
        (0, "diverged", 0),
        (1, "completed", 3),
        (2, "pruned", 1),
        (3, "completed", 3),
        (4, "completed", 3),
    ]
    assert trials[1].epochs[2]["val_loss"] == 2.2984378051757814
    assert [(job.job["trial"], job.job["until"], job.recorded) for job in jobs] == [
        (1, 1, 3),
        (0, 1, 0),
        (2, 1, 1),
        (3, 3, 3),
        (1, 3, 3),
        (4, 3, 3),
    ]
    assert [past.loss for past in read_past(study)][:2] == [2.3099076843261717, math.inf]
    kept = read_rows(study / "checkpoints/t0003.pt", trials[3].config)
    assert [vars(row) for row in kept] == trials[3].epochs


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A study of two trials, with every file that a record can have."""
    record = Record(tmp_path_factory.mktemp("whole") / "study")
    place = {"bracket": 0, "rung": 0, "sampler": "random"}
    job = record.job(0, until=3, **place)
    record.epochs(job, [1, 2], order=1)
    (job / "recovered.json").write_text(json.dumps(row(3)) + "\n")
    record.epochs(record.job(1, until=3, **place), [1, 2, 3], order=2)
    record.fail(record.job(1, until=9, **place), "RuntimeError: no luck")
    (job / "error.txt").write_text("RuntimeError: before that")
    record.end("completed")
    return record.folder


@pytest.fixture
def study(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "study"))


def read_everything(study: Path) -> None:
    """All that any command reads of a record, and what it makes of it before it is sent."""
    is_driven(study)
    read_outcome(study)
    read_trial(study, 1)
    read_past(study)
    recover_epochs(study, lambda file, config: [row(4)])
    for trial in read_trials(study):
        naming.note(trial, "bohb")
        naming.run_name(trial.config)
        for point in [*points_of(trial.epochs), *summary_of(trial, {})]:
            assert max(abs(point.step), abs(point.timestamp)) < 2**63, "what a database can keep"
        assert abs(in_ms(trial.started)) < 2**63


def complaint(study: Path) -> str:
    """What all readers say of a damaged record; empty if they read on."""
    try:
        read_everything(study)
    except UserError as error:
        return str(error)
    return ""


ODD = st.sampled_from(
    [None, True, -1, 0, 2, 2.5, "x", "\0", [], {}, [1], {"a": 1}, 10**400, 1e300, -1e300,
     math.inf, math.nan, "[" * 1000]
)  # fmt: skip
JSON = st.recursive(ODD, lambda inner: st.lists(inner, max_size=3)) | st.dictionaries(
    st.sampled_from(["epoch", "config", "job", "outcome"]), ODD
)


@st.composite
def damages(draw) -> bytes | tuple:
    """New content, a place to cut at, or a value in the place of another."""
    return draw(
        st.one_of(
            st.binary(max_size=40),
            JSON.map(lambda value: json.dumps(value).encode()),
            st.tuples(st.just("cut"), st.floats(0, 1)),
            st.tuples(st.just("put"), st.integers(0, 999), JSON),
            st.tuples(st.just("drop"), st.integers(0, 999), st.none()),
        )
    )


def damaged(content: bytes, damage: bytes | tuple) -> bytes:
    if isinstance(damage, bytes):
        return damage
    kind, where, *value = damage
    if kind == "cut":
        return content[: int(where * len(content))]
    *lines, _ = [*content.splitlines(), b""] if b"\n{" in content else [content, b""]
    number = where % len(lines)
    document = json.loads(lines[number])
    places = list(_places(document))
    owner, key = places[where % len(places)]
    if kind == "put":
        owner[key] = value[0]
    else:
        del owner[key]
    lines[number] = json.dumps(document).encode()
    return b"\n".join([*lines, b""])


def _places(value) -> Iterator[tuple]:
    """Every place in a document: its owner, and the key or index there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in inner:
        yield value, key
        if isinstance(below, dict | list):
            yield from _places(below)


@settings(
    derandomize=True,
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example("study.json", b"[" * 100_000)
@example(f"{JOB}/result.json", b'{"epoch": ' + b"[" * 100_000 + b"\n")
@example(f"{JOB}/result.json", b'{"epoch": ' + b"9" * 400 + b"}\n")
@example(f"{JOB}/result.json", b'{"epoch": ' + b"9" * 5000 + b"}\n")
@example(f"{JOB}/recovered.json", b'{"epoch": 1, "timestamp": 1e300}\n')
@example(f"{JOB}/params.json", b"\xff\xfe")
@example("part-001/ended.json", b'{"outcome": "exploded"}')
@given(name=st.sampled_from(FILES[:-1]), damage=damages())
def test_whatever_stands_in_a_file_all_readers_read_on_or_name_it(study, whole, name, damage):
    for file in FILES:  # the last example has damaged one, and recovered something
        (study / file).write_bytes((whole / file).read_bytes())
    (study / "part-001/t0001-e009/recovered.json").unlink(missing_ok=True)
    (study / name).write_bytes(damaged((whole / name).read_bytes(), damage))
    said = complaint(study)
    assert "\n" not in said and len(said) < LIMIT
    assert not said or name in said or f"{study} holds no record" in said


@pytest.mark.parametrize("kind", ["a folder", "a link to nowhere", "a link to itself"])
@pytest.mark.parametrize("name", [*FILES, "part-001", JOB, "driver.lock"])
def test_what_is_no_file_is_named(study, name, kind):
    file = study / name
    if kind == "a folder" and file.is_dir():
        shutil.rmtree(file)
        file.write_text("a file, where a folder should be")
    else:
        shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
        file.mkdir() if kind == "a folder" else file.symlink_to(
            file if kind == "a link to itself" else "nowhere"
        )
    with pytest.raises(DamagedRecord, match=f"record is damaged: {file}") as refusal:
        read_everything(study)
    assert "restore the file from a copy" in str(refusal.value)
    assert file.is_symlink() or file.exists(), "nothing is deleted"


def test_the_line_is_named_and_a_cut_last_one_is_no_damage(study):
    file = study / JOB / "result.json"
    first, second = file.read_text().splitlines()
    file.write_text(f"{first}\n{second[:-9]}")
    assert complaint(study) == ""
    file.write_text(f"{first[:-9]}\n{second}\n")  # a full disk, and room again
    assert complaint(study) == ""
    file.write_text(f"{first}\n{second[9:]}\n")
    assert f"{file}, line 2: Invalid JSON" in complaint(study)
    file.write_text(f"{first}\n{second.replace(': 2', ': true', 1)}\n")
    assert f"{file}, line 2: `epoch` must be a whole number, got True" in complaint(study)


@pytest.mark.parametrize("name", ["study.json", f"{JOB}/params.json", f"{JOB}/recovered.json"])
def test_a_file_that_is_written_whole_is_damaged_where_it_breaks_off(study, name):
    content = (study / name).read_bytes()
    for cut in range(1, len(content.rstrip())):
        (study / name).write_bytes(content[:cut])
        with pytest.raises(DamagedRecord, match=name):
            read_trial(study, 0)


def test_results_without_parameters_and_parameters_of_another_job_are_damage(study):
    params = study / JOB / "params.json"
    other = (study / "part-001/t0001-e003/params.json").read_text()
    params.write_text(other)
    assert f"{params}: it is of trial 1 until epoch 3" in complaint(study)
    params.unlink()
    assert f"{params}: it is missing, but the job has results" in complaint(study)


def test_folders_of_others_are_passed_over(study):
    for name in ("part-xyz", "part-001/t7-e1", "part-001/notes", "part-001/t0000-e003.bak"):
        shutil.copytree(study / JOB, study / name)
    assert [trial.number for trial in read_trials(study)] == [0, 1]


def test_a_job_that_cannot_be_repeated_is_named_before_anything_starts(study):
    params = study / JOB / "params.json"
    given = json.loads(params.read_text())
    params.write_text(json.dumps({**given, "config": {**given["config"], "of the future": 1}}))
    assert read_trials(study), "what was measured is shown all the same"
    with pytest.raises(
        DamagedRecord, match=r"params.json: `of the future` is not a hyperparameter"
    ):
        read_past(study)
    del given["job"]["bracket"]
    params.write_text(json.dumps(given))
    with pytest.raises(DamagedRecord, match=r"params.json: `job` lacks 'bracket'"):
        read_past(study)


def test_records_are_found_where_there_are_some(study):
    assert records_in(study.parent) == [study]
    assert records_in(study.parent / "nowhere") == []
    with only_driver(study):
        assert is_driven(study)
