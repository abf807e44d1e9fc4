"""Claims about the cores that a refit takes; nothing is trained."""

from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from hypertuning.stages.register import refit


class Broken(Exception):
    pass


@pytest.mark.parametrize("breaks", [False, True])
def test_a_refit_takes_all_cores_and_leaves_the_process_as_it_was(monkeypatch, breaks):
    seen, before = [], torch.get_num_threads()

    def trained(state, data, checkpoint):
        seen.append(torch.get_num_threads())
        if breaks:
            raise Broken
        yield SimpleNamespace(as_dict=dict)

    monkeypatch.setattr(refit, "refit", trained)
    monkeypatch.setattr(refit, "log_epochs", lambda *_: None)
    monkeypatch.setattr(refit, "cores", lambda: before + 1)
    last = SimpleNamespace(train_loss=0.1, epoch=1)
    state = SimpleNamespace(horizon=1, rows=[last])
    data, study_dir = SimpleNamespace(train=[0]), SimpleNamespace(refit_checkpoint=None)
    given = (Console(), SimpleNamespace(client=None), "a run", state, data, study_dir)
    if breaks:
        with pytest.raises(Broken):
            refit._train(*given)
    else:
        refit._train(*given)
    assert seen == [before + 1]
    assert torch.get_num_threads() == before
