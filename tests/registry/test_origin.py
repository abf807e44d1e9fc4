"""Claims about the code by which our models are known."""

import hashlib

import pytest

from hypertuning.registry.origin import CODE, PACKAGE, SUMS, known_sums

FIRST = {
    "registry/served_model.py": "958763c073258007db8478873a78d629cf2df3b8f784332c1257522109a67fb6",
    "learn/networks.py": "7070dc627beb51d8247513e9da442e217785593adc7fd21d6ec9f55c175c35df",
}


@pytest.mark.parametrize("file", CODE.values())
def test_models_with_the_code_of_today_and_of_earlier_versions_are_ours(file):
    today = hashlib.sha256((PACKAGE / file).read_bytes()).hexdigest()
    assert {FIRST[file], today} <= known_sums(file)


@pytest.mark.parametrize("file", CODE.values())
def test_the_sum_of_the_code_that_is_packed_today_is_kept_for_tomorrow(file):
    today = hashlib.sha256((PACKAGE / file).read_bytes()).hexdigest()
    # If this fails, the file has changed: the command stands beside SUMS.
    assert f"{today}  {file}" in SUMS.read_text().splitlines()


@pytest.mark.parametrize("file", CODE.values())
def test_a_sum_counts_for_its_own_file_alone(file):
    assert known_sums(file).isdisjoint(set(FIRST.values()) - {FIRST[file]})
