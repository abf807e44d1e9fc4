"""Which records a command is about."""

from pathlib import Path

from hypertuning.config import UserError
from hypertuning.record.files import records_in

ALL = "all"


def find_records(study: str, storage_path: Path) -> list[Path]:
    """The records of one study or of all, in a folder.

    Raises:
        UserError: there is none.
    """
    chosen = [folder for folder in records_in(storage_path) if study in (ALL, folder.name)]
    if not chosen:
        wanted = "of a study" if study == ALL else f"of study {study}"
        raise UserError(
            f"there is no record {wanted} in {storage_path}; name its folder by `storage_path`"
        )
    return chosen
