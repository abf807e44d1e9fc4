"""Claims about how many cores there are for a process."""

import os

import pytest

from hypertuning import processors

FILES = {"cpu.max": "{} {}", "cpu/cpu.cfs_quota_us": "{}", "cpu/cpu.cfs_period_us": "{1}"}


@pytest.fixture
def group(tmp_path, monkeypatch):
    monkeypatch.setattr(processors, "GROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    (tmp_path / "cpu").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "version", [["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]]
)
@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("200000", 2),
        ("150000", 1),
        ("50000", 1),
        ("3200000", 16),
        ("max", 16),
        ("-1", 16),
        ("", 16),
    ],
)
def test_a_container_counts_as_the_cores_that_it_may_keep_busy(group, version, quota, cores):
    assert processors.cores() == 16, "no quota"
    for file in version:
        (group / file).write_text(FILES[file].format(quota, 100000))
    assert processors.cores() == cores


def test_there_are_no_more_than_the_process_may_run_on(group, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    (group / "cpu.max").write_text("800000 100000")
    assert processors.cores() == 1
