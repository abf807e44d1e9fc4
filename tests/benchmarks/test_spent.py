"""Claims about the time that a command takes."""

import subprocess
import sys

import pytest

from benchmarks import spent

WORK = "import time\nwhile time.process_time() < 1: pass\n"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {WORK!r}])"


@pytest.mark.parametrize("code", [WORK, PARENT])
def test_the_work_of_all_its_processes_counts(tmp_path, code):
    took = spent.run([sys.executable, "-c", code], tmp_path, {})
    assert 1 - 2 * spent.INTERVAL <= took.cpu_seconds <= 1.5
    assert took.wall_seconds >= 1


def test_a_command_that_fails_is_told(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        spent.run([sys.executable, "-c", "print('why'); raise SystemExit(3)"], tmp_path, {})
    assert (tmp_path / "log.txt").read_text() == "why\n"
