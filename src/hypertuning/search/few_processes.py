"""Start Ray without the helpers that a study on one machine does not need.

Beside its server, its raylet and the raylet's two agents, Ray 2.60 starts three programs in Python:
the dashboard's, also where no dashboard is wanted, a monitor that adds machines to a cluster, and
one that copies what workers print to the driver. Each takes 2 to 3 s of a core to start, and
`ray.init` waits for the first. No setting leaves them out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import ray
from ray._private import parameter, services

NO_DASHBOARD = "", None
"""Its address, and its process."""


@contextmanager
def without_helpers(prints: bool) -> Iterator[None]:
    """Let Ray start in this block without its helpers.

    Args:
        prints: Whether what workers print is copied to the driver.
    """
    params, start_dashboard = parameter.RayParams, services.start_api_server
    left_out = {"no_monitor": True, "include_log_monitor": prints}
    parameter.RayParams = lambda **given: params(**given | left_out)
    services.start_api_server = lambda *_, **__: NO_DASHBOARD
    try:
        yield
    finally:
        parameter.RayParams, services.start_api_server = params, start_dashboard


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
