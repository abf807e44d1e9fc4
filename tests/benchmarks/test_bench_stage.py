"""Claims about what the stages are compared on."""

from pathlib import Path

import pytest

from benchmarks.bench_stage import Asked, grid_options
from benchmarks.trainings import Images, Training, Trainings
from hypertuning.space_files import read_space
from hypertuning.spaces import GRID, grid


@pytest.mark.parametrize(("most", "count"), [(36, 36), (100, 36), (12, 8), (4, 4), (1, 1)])
def test_a_smaller_grid_has_at_most_so_many_configurations(tmp_path, most, count):
    asked = Asked("grid", "digits", tmp_path, 600, 300, most, 1, 64, 2)
    options = grid_options(asked, tmp_path)
    assert len([*grid({**GRID, **read_space(options["space"])})]) == count


def test_trainings_are_read_as_they_were_written(tmp_path):
    images = Images("cache", 5000, 0, 0)
    written = Trainings(images, 2, [Training({"filters": 64}, 3)])
    written.write(file := Path(tmp_path, "trainings.json"))
    assert Trainings.read(file) == written
