"""Claims about the processes that Ray starts for a study: only those that it needs."""

import inspect

import pytest
from ray._private import node, parameter, services
from ray.tune.execution.class_cache import _ActorClassCache

from hypertuning.search.few_processes import few_processes, with_workers, workers_inherit
from hypertuning.search.resources import Resources

RAYLET = [
    "raylet",
    "--static_resource_list=node:here,1.0,CPU,16,GPU,1",
    "--num_prestart_python_workers=16",
]


@pytest.mark.parametrize(
    ("resources", "workers"),
    [
        (Resources(), 16),
        (Resources(concurrency=3), 3),
        (Resources(cpus_per_trial=16), 1),
        (Resources(gpus_per_trial=0.25), 4),
        (Resources(cpus_per_trial=17), 0),
    ],
)
def test_ray_begins_with_a_worker_for_each_trial_that_fits(resources, workers):
    command = with_workers(RAYLET, resources.at_once)
    assert command == [*RAYLET[:2], f"--num_prestart_python_workers={workers}"]
    assert with_workers(["gcs_server", "--port=1"], resources.at_once) == ["gcs_server", "--port=1"]


@pytest.mark.parametrize("prints", [True, False])
def test_no_helper_is_started_but_the_one_that_copies_what_workers_print(prints):
    before = parameter.RayParams, services.start_api_server, services.start_ray_process
    with few_processes(Resources().at_once, prints):
        params = parameter.RayParams(include_dashboard=False)
        assert params.no_monitor and params.include_log_monitor == prints
        assert services.start_api_server(False, raise_on_failure=False) == ("", None)
    assert (parameter.RayParams, services.start_api_server, services.start_ray_process) == before


def test_trials_have_no_environment_of_their_own():
    cache = _ActorClassCache()
    with workers_inherit():
        inherits = cache.get(Trial)
        assert cache.get(Trial) is inherits
    assert not inherits._default_options.get("runtime_env")
    assert cache.get(Trial)._default_options["runtime_env"]


class Trial:
    """Stands for a trainable."""


def test_ray_still_has_what_is_taken_hold_of():
    assert "--num_prestart_python_workers=" in inspect.getsource(services.start_raylet)
    assert "--static_resource_list=" in inspect.getsource(services.start_raylet)
    starts = inspect.getsource(node.Node)
    assert "_ray_params.no_monitor" in starts and "_ray_params.include_log_monitor" in starts
    assert "ray._private.services.start_api_server(" in starts
