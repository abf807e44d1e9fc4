"""Claims about addresses: what is shown of them holds no secret and still says where."""

import pytest

from hypertuning.addresses import without_password, without_secrets

SHOWN = {
    "http://u:secret@host:5000/x": "http://host:5000/x",
    "http://u:p@secret@host:5000": "http://host:5000",
    "https://secret@host/": "https://host/",
    "postgresql://u:pa/secret@host/db": "postgresql://host/db",
    "postgresql+psycopg://u:secret@host:5432/db?password=secret": "postgresql+psycopg://host:5432/db",
    "postgresql://host/db?user=u&password=secret": "postgresql://host/db",
    "mssql+pyodbc:///?odbc_connect=PWD%3Dsecret": "mssql+pyodbc:///",
    "http://u:secret@[::1]:5000/#/experiments": "http://[::1]:5000/",
    "ray://u:secret@head:10001": "ray://head:10001",
    "s3://key:secret@bucket/a@b": "s3://b",
    "u:secret@host:5000": "host:5000",
    "sqlite:////tmp/a@b: c#/100% x/mlflow.db?password=secret": (
        "sqlite:////tmp/a@b: c#/100% x/mlflow.db"
    ),
}
PLAIN = (
    "http://127.0.0.1:5000/prefix",
    "postgresql://a:5432,b:5432/db",
    "s3://bucket/team@example/x",
    "file:///tmp/a@b",
    "/tmp/what?/a@b",
    "models:/cifar10-cnn@champion",
    "mlflow-artifacts:/1/a",
    "databricks",
    "",
)


@pytest.mark.parametrize("address", SHOWN)
def test_of_an_address_its_scheme_host_port_and_path_are_shown(address):
    assert without_password(address) == SHOWN[address]


@pytest.mark.parametrize("address", PLAIN)
def test_an_address_without_a_secret_is_shown_as_it_is(address):
    assert without_password(address) == address
    assert without_secrets(f"see {address}, please") == f"see {address}, please"


@pytest.mark.parametrize(
    "address",
    ["http://u:secret", "http://u:what?secret@host", "postgresql://host:1/db?password=a@secret"],
)
def test_where_a_host_cannot_be_told_from_a_secret_the_scheme_alone_is_shown(address):
    assert without_password(address) == address.partition("u:")[0].partition("host")[0] + "…"


@pytest.mark.parametrize("address", [a for a in SHOWN if "://" in a and " " not in a])
def test_a_text_that_quotes_an_address_shows_no_more_of_it(address):
    shown = SHOWN[address]
    for text in ("no answer from {}: refused", "('{}', 'x')", "--mirrors={},{}", 'at "{}".'):
        assert without_secrets(text.format(address, address)) == text.format(shown, shown)


def test_the_folder_in_a_repository_is_kept_in_a_text():
    said = "mlflow run https://token@host/repository.git#sub/folder -e sync"
    assert without_secrets(said) == "mlflow run https://host/repository.git#sub/folder -e sync"


def test_a_password_that_is_an_ordinary_word_garbles_no_sentence():
    address = "postgresql://mlflow:mlflow@postgres/mlflow"
    assert without_secrets("see `mlflow runs restore`", address) == "see `mlflow runs restore`"
    assert without_secrets(address, address) == "postgresql://postgres/mlflow"


def test_a_secret_is_hidden_also_where_a_parser_has_torn_it_from_its_address():
    address = "postgresql://u:first@second@host/db?token=third"
    said = 'no host "second@host", user "u:first@second", password first, token third, "u" is known'
    assert (
        without_secrets(said, address) == 'no host "…", user "…", password …, token …, "u" is known'
    )
    assert without_secrets("port pass of u", "http://u:pass/word@host") == "port … of u"
