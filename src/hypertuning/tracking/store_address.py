"""The address of a tracking store: whether it is valid, and the file of an SQLite store.

SQLAlchemy decodes the path of an address: `%20` is a space. MLflow's default address is encoded,
also the one that `mlflow run` passes on.
"""

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlflow.environment_variables import MLFLOW_ALLOW_FILE_STORE
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from hypertuning.addresses import without_password
from hypertuning.config import UserError


def check(address: str) -> None:
    """Refuse an address that MLflow would misread.

    Raises:
        UserError: it has no scheme or no host, or it is a folder.
    """
    shown = without_password(address)
    named = f"the tracking store's address {shown}"
    scheme, server, *_ = urlsplit(address)
    if "://" not in address and re.match(r"[^/]+:\d+(/|$)", shown):
        raise UserError(f"{named} has no scheme; set MLFLOW_TRACKING_URI to http://{shown}")
    if scheme in ("http", "https") and not server:
        raise UserError(
            f"{named} names no host; MLFLOW_TRACKING_URI must be {scheme}://<host>:<port>"
        )
    if scheme in ("", "file") and address != "databricks" and not MLFLOW_ALLOW_FILE_STORE.get():
        raise UserError(
            f"{named} is a folder, and MLflow keeps no store in a folder any more (`mlflow "
            "migrate-filestore` copies one); MLFLOW_TRACKING_URI must be sqlite:///<file>, or "
            "http://<host>:<port> of a server"
        )


def file_of(address: str) -> Path | None:
    """The file of an SQLite store; None for a store in memory and for every other kind of store."""
    if not re.match(r"sqlite(\+\w+)?:///", address):
        return None
    with suppress(ArgumentError):  # opening it will say what is wrong
        database = make_url(address).database or ":memory:"
        # an address that begins with file: is read by SQLite itself
        return None if database.startswith((":memory:", "file:")) else Path(database)
    return None


def address_of(file: Path, like: str) -> str:
    """The address of a file, with the driver and the query of another address.

    Only what must be encoded is: MLflow makes a folder with the name that the address spells.
    """
    scheme, (_, question_mark, query) = like.partition("://")[0], like.partition("?")
    path = re.sub(r"%(?=[0-9A-Fa-f]{2})", "%25", str(file.absolute())).replace("?", "%3F")
    return f"{scheme}:///{path}{question_mark}{query}"


def absolute(address: str) -> str:
    """An address that names the same store in every working directory."""
    file = file_of(address)
    return address_of(file, like=address) if file else address


def remove_encoded_folders(*addresses: str) -> None:
    """Remove the empty folders that MLflow makes of encoded addresses, such as `my%20project`."""
    for address in filter(file_of, addresses):
        folder = Path(address.partition(":///")[2].partition("?")[0]).absolute().parent
        with suppress(OSError):  # it is not there, or somebody uses it
            while unquote(str(folder)) != str(folder):
                folder.rmdir()
                folder = folder.parent
