"""Claims about the names in a study's folder: others write to the places where readers look."""

import pickle
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import hypertuning
from hypertuning.record.files import job_folders, next_part, parts
from hypertuning.record.layout import StudyDir, checkpoint_name, job_name, measured_name
from hypertuning.search.recorder import Recorder
from hypertuning.search.searcher import job_name as ray_name


def test_a_study_has_the_name_of_its_folder_as_its_id():
    study = StudyDir.of(Path("/records"), "3f2c")
    assert (study.id, study.storage_path) == ("3f2c", Path("/records"))
    assert study == StudyDir(study) == StudyDir(Path("/records/3f2c"))
    assert Path(study) == Path("/records/3f2c")
    assert f"{study}" == "/records/3f2c"
    assert pickle.loads(pickle.dumps(study)) == study


@pytest.mark.parametrize("trial", [0, 7, 12_345])
@pytest.mark.parametrize("until", [1, 1234])
def test_a_job_that_ray_begins_is_found_by_its_name(tmp_path, trial, until):
    study = StudyDir(tmp_path)
    config = {"job": {"trial": trial, "until": until}}
    name = ray_name(SimpleNamespace(config=config))
    assert name == job_name(trial, until)
    storage = SimpleNamespace(trial_fs_path=str(study.part(2) / name))
    Recorder().log_trial_start(SimpleNamespace(config=config, storage=storage))
    (job,) = job_folders(study)
    assert (job.part, job.trial, job.until) == (2, trial, until)
    assert job.files.params.exists()
    assert study.checkpoint(trial) == tmp_path / "checkpoints" / checkpoint_name(trial)
    assert study.measured(trial) == tmp_path / "checkpoints" / measured_name(trial)


def test_the_next_part_follows_the_last_one(tmp_path):
    study = StudyDir(tmp_path)
    assert next_part(study) == study.part(1)
    for number in (1, 9, 1000):
        study.part(number).mkdir()
    (tmp_path / "part-of-something-else").mkdir()
    assert parts(study) == [study.part(1), study.part(9), study.part(1000)]
    assert next_part(study) == tmp_path / "part-1001"


def test_nobody_else_knows_the_files_of_a_record():
    source = Path(hypertuning.__file__).parent
    named = re.compile(
        r"""["'/](study\.json|params\.json|result\.json|recovered\.json|ended\.json|error\.txt"""
        r"""|best\.yaml|refit\.pt|driver\.lock|mirror\.lock|checkpoints|part-)["'/{]"""
    )
    others = [f for f in source.rglob("*.py") if source / "record" not in f.parents]
    assert [(f.name, found[1]) for f in others for found in named.finditer(f.read_text())] == []
