"""Claims about the addresses of stores: files in folders of any name, and what is no address."""

from pathlib import Path

import pytest
from mlflow.utils.file_utils import path_to_local_sqlite_uri
from sqlalchemy.engine import make_url

from hypertuning.config import UserError
from hypertuning.tracking.store_address import (
    absolute,
    address_of,
    check,
    file_of,
    remove_encoded_folders,
)

NAMES = ("plain", "my project", "c#", "täst 100% x", "what?", "a%41b", "a@b:c", "50%25 + 'q\"&")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_in_a_folder_of_any_name_has_an_address_that_sqlalchemy_and_we_read_alike(name):
    file = Path("/somewhere", name, "mlflow.db")
    encoded_by_mlflow = path_to_local_sqlite_uri(str(file))
    for address in (address_of(file, like="sqlite:///x"), encoded_by_mlflow):
        assert file_of(address) == file
        assert make_url(address).database == str(file)
    assert absolute(encoded_by_mlflow) == address_of(file, like="sqlite:///x")


def test_driver_and_query_of_an_address_stay(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = absolute("sqlite+pysqlite:///a%20b/mlflow.db?timeout=3")
    assert found == f"sqlite+pysqlite:///{tmp_path}/a b/mlflow.db?timeout=3"


@pytest.mark.parametrize(
    "address",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:/tmp/a.db?uri=true",
        "postgresql://u:p@host/db",
        "http://127.0.0.1:5000",
    ],
)
def test_what_is_no_file_stays_as_it_is(address):
    assert file_of(address) is None
    assert absolute(address) == address


def test_the_empty_folders_that_an_encoded_address_made_are_removed_and_no_others(tmp_path):
    made = tmp_path / "my%20project" / "of%20two"
    made.mkdir(parents=True)
    used = tmp_path / "a%20b"
    used.mkdir()
    (used / "file").touch()
    plain = tmp_path / "plain"
    plain.mkdir()
    for folder in (made, used, plain):
        remove_encoded_folders(f"sqlite:///{folder}/mlflow.db")
    assert sorted(tmp_path.iterdir()) == [used, plain]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1:5000", "has no scheme; set MLFLOW_TRACKING_URI to http://127.0.0.1:5000"),
        ("localhost:5000/x", "set MLFLOW_TRACKING_URI to http://localhost:5000/x"),
        ("u:secret@host:5000", "set MLFLOW_TRACKING_URI to http://host:5000"),
        ("http:/host:5000", "names no host; MLFLOW_TRACKING_URI must be http://<host>:<port>"),
        ("./mlruns", "is a folder, and MLflow keeps no store in a folder any more"),
        ("file:///tmp/mlruns", "is a folder, and MLflow keeps no store in a folder any more"),
        ("myhost", "or http://<host>:<port> of a server"),
    ],
)
def test_what_mlflow_would_take_for_something_else_is_refused_in_one_line(address, says):
    with pytest.raises(UserError) as refused:
        check(address)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value) and "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    ["sqlite:///a.db", "http://h:1", "postgresql://u:p/w@h/db", "databricks", "plugin://x"],
)
def test_what_mlflow_may_know_is_left_to_it(address):
    check(address)
