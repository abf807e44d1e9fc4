"""Start those processes of Ray that a study on one machine needs, and no others.

Beside its server, its raylet and the raylet's two agents, Ray 2.60 starts three programs in Python:
the dashboard's, also where no dashboard is wanted, a monitor that adds machines to a cluster, and
one that copies what workers print to the driver. Each takes 2 to 3 s of a core to start, and
`ray.init` waits for the first. It also starts a worker for each CPU, however many trials there is
room for. No setting changes any of it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import ray
from ray._private import parameter, services

NO_DASHBOARD = "", None
"""Its address, and its process."""
RESOURCES, WORKERS = "--static_resource_list=", "--num_prestart_python_workers="
"""Options of the raylet's command: names and amounts in turn, and the workers to begin with."""


@contextmanager
def few_processes(room: Callable[[dict[str, float]], int], prints: bool) -> Iterator[None]:
    """Let Ray start in this block with few processes.

    Args:
        room: Gives how many trials fit at once, by the machine's resources.
        prints: Whether what workers print is copied to the driver.
    """
    params, start_dashboard = parameter.RayParams, services.start_api_server
    start_process = services.start_ray_process
    left_out = {"no_monitor": True, "include_log_monitor": prints}
    parameter.RayParams = lambda **given: params(**given | left_out)
    services.start_api_server = lambda *_, **__: NO_DASHBOARD
    services.start_ray_process = lambda command, *more, **given: start_process(
        with_workers(command, room), *more, **given
    )
    try:
        yield
    finally:
        parameter.RayParams, services.start_api_server = params, start_dashboard
        services.start_ray_process = start_process


def with_workers(command: Sequence[str], room: Callable[[dict[str, float]], int]) -> Sequence[str]:
    """The raylet's command with a worker for each trial; another command as it is."""
    options = [word for word in command if word.startswith((RESOURCES, WORKERS))]
    if len(options) != 2:
        return command
    listed = next(o for o in options if o.startswith(RESOURCES)).removeprefix(RESOURCES).split(",")
    resources = dict(zip(listed[::2], map(float, listed[1::2]), strict=True))
    workers = f"{WORKERS}{room(resources)}"
    return [workers if word.startswith(WORKERS) else word for word in command]


@contextmanager
def workers_inherit() -> Iterator[None]:
    """Let trials in this block run in the workers that Ray has started before it knew of them.

    Ray Tune gives trials some of the driver's variables, as a `runtime_env`, for which Ray starts
    other processes. On one machine all processes inherit the variables.
    """
    from ray.tune.execution.class_cache import _ActorClassCache

    get = _ActorClassCache.get
    _ActorClassCache.get = cache(lambda _, trainable: ray.remote(trainable))
    try:
        yield
    finally:
        _ActorClassCache.get = get
