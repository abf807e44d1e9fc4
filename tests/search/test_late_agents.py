"""Claims about a start of Ray that does not wait for its agents."""

import inspect
from pathlib import Path

from ray._private import parameter, services

from hypertuning.search.late_agents import LISTEN_PORT, PORTS, TIMEOUT_VARIABLE, agents_not_awaited


def test_ray_is_told_the_ports_and_finds_the_file_that_it_would_wait_for(tmp_path, monkeypatch):
    monkeypatch.setenv(TIMEOUT_VARIABLE, "1")  # so that nothing is left of it

    def start_raylet(gcs_address, node_id, session_dir):
        return Path(session_dir, f"{LISTEN_PORT}_{node_id}").read_text()

    with monkeypatch.context() as stubbed:
        stubbed.setattr(services, "start_raylet", start_raylet)
        with agents_not_awaited(120):
            assert services.start_raylet("here:1", "ab12", session_dir=str(tmp_path)) == "-1"
            params = parameter.RayParams(metrics_export_port=None)
        assert services.start_raylet is start_raylet
    ports = {getattr(params, name) for name in PORTS}
    assert len(ports) == len(PORTS) and min(ports) >= 1024
    assert isinstance(parameter.RayParams, type)


def test_ray_still_has_what_is_taken_hold_of():
    assert {"node_id", "session_dir"} <= inspect.signature(services.start_raylet).parameters.keys()
    assert {*PORTS, LISTEN_PORT} <= vars(parameter.RayParams()).keys()
