"""Claims about how many cores there are for a process."""

import os

import pytest

from hypertuning import processors


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("200000 100000", 2), ("150000 100000", 1), ("50000 100000", 1), ("max 100000", 16), ("", 16)],
)
def test_a_container_counts_as_the_cores_that_it_may_keep_busy(tmp_path, monkeypatch, quota, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    monkeypatch.setattr(processors, "QUOTA", tmp_path / "cpu.max")
    assert processors.cores() == 16, "no such file"
    (tmp_path / "cpu.max").write_text(quota)
    assert processors.cores() == cores


def test_there_are_no_more_than_the_process_may_run_on(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    monkeypatch.setattr(processors, "QUOTA", tmp_path / "cpu.max")
    (tmp_path / "cpu.max").write_text("800000 100000")
    assert processors.cores() == 1
