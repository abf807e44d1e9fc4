"""Let Ray start without waiting for its agents, which take 3 s of a core to import.

The raylet of Ray 2.60 waits until they have written the ports that they listen on, and ends itself
if that takes 15 s (node_manager.cc, `WaitForDashboardAgentPorts`), and no setting changes that. On
a busy machine their imports alone take longer. It does not wait for a port that it is told
beforehand, nor for a file that is there already.
"""

import inspect
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ray._private import parameter, services

PORTS = ("metrics_agent_port", "metrics_export_port", "runtime_env_agent_port")
LISTEN_PORT = "dashboard_agent_listen_port"
"""Ray reads this one only from a file; without Ray's dashboard, the agent writes −1."""
TIMEOUT_VARIABLE = "RAY_agent_register_timeout_ms"


@contextmanager
def agents_not_awaited(patience_s: int) -> Iterator[None]:
    """Let Ray start in this block without waiting for its agents, which have so long to answer."""
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    params, start_raylet = parameter.RayParams, services.start_raylet
    signature = inspect.signature(start_raylet)

    def start(*args, **kwargs):
        given = signature.bind(*args, **kwargs).arguments
        Path(given["session_dir"], f"{LISTEN_PORT}_{given['node_id']}").write_text("-1")
        return start_raylet(*args, **kwargs)

    os.environ.setdefault(TIMEOUT_VARIABLE, str(1000 * patience_s))
    services.start_raylet = start
    parameter.RayParams = lambda **given: params(**given | ports)
    try:
        yield
    finally:
        services.start_raylet, parameter.RayParams = start_raylet, params


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("", 0))
        return [one.getsockname()[1] for one in sockets]
