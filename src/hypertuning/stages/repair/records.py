"""Find the records that a command is about."""

from pathlib import Path

from hypertuning.config import UserError
from hypertuning.record.files import records_in
from hypertuning.record.layout import StudyDir

ALL = "all"


def find_records(study: str, storage_path: Path) -> list[StudyDir]:
    """The records of one study or of all, in a folder.

    Raises:
        UserError: there is none.
    """
    found = map(StudyDir, records_in(storage_path))
    chosen = [record for record in found if study in (ALL, record.id)]
    if not chosen:
        wanted = "of a study" if study == ALL else f"of study {study}"
        raise UserError(
            f"there is no record {wanted} in {storage_path}; name its folder by `storage_path`"
        )
    return chosen
