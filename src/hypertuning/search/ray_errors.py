"""Say in one line why Ray did not start, and keep the whole error in a file."""

import os
import re
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hypertuning.search.resources import temp_dir

PATIENCE_VARIABLE = "RAY_raylet_start_wait_time_s"
LOG_LINES = 40
"""How many lines of each of Ray's logs are kept when it does not start."""
SLOW = r"timed out during startup|start_wait_time|Deadline Exceeded|Failed to start GCS"
OF_THIS_MACHINE = {
    SLOW: "this machine is too busy (load {load:.0f} on {cpus} CPUs): end other work, or give it "
    f"longer by {PATIENCE_VARIABLE}=300",
    r"auth_token": "Ray keeps a token there: set HOME to a folder that can be written to, or "
    "RAY_AUTH_MODE=disabled",
    r"No space left|Disk quota": "its folder {tmp} has no room: make some, or name another folder "
    "by RAY_TMPDIR",
    r"Permission denied|Read-only": "its folder is {tmp}: name one by RAY_TMPDIR that can be "
    "written to",
    r"/dev/shm|object store|[mM]emory": "free memory, or give the container more of it",
    r"[Aa]ddress already in use|\b[Pp]ort \d": "a port that it was told to use is taken: see the "
    "variables that begin with RAY_",
    r"": "see there what happened",
}
OF_A_CLUSTER = {
    r"[Tt]oken|[Aa]uth": "the cluster asks for its token: set RAY_AUTH_MODE=token, and "
    "RAY_AUTH_TOKEN or ~/.ray/auth_token to the token that it has",
    r"Version mismatch": "install the versions of Ray and Python that the cluster has",
    r"Could not find any running": "start one with `ray start --head`, or use ray_address=local",
    r"pip install": "install that, or use the address of the cluster's head without ray://",
    r"": "something listens there: check that it is the head of a Ray cluster of the same version, "
    "and whether it asks for a token (RAY_AUTH_MODE=token)",
}
"""Pattern in Ray's error → advice. The first that matches counts."""


def advice(causes: dict[str, str], error: BaseException) -> str:
    """What to do about an error, by the first of its causes that fits."""
    said = text(error)
    fitting = next(do for pattern, do in causes.items() if re.search(pattern, said))
    load, cpus = os.getloadavg()[0], os.cpu_count()
    return fitting.format(load=load, cpus=cpus, tmp=temp_dir()[1])


def kept(error: BaseException, logs: Path, began: float) -> str:
    """Write the whole error to a file; give the end of the message, which names it."""
    file = logs / f"ray-start-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(_story(error, began)))
    except OSError:
        return ""
    return f"; the whole story: {file}"


def _story(error: BaseException, began: float) -> Iterator[str]:
    yield "".join(traceback.format_exception(error))
    yield f"load {os.getloadavg()}, {os.cpu_count()} CPUs, {temp_dir()[0]}={temp_dir()[1]}"
    for file in sorted(temp_dir()[1].glob("ray/session_2*/logs/*.[oe]*")):
        with suppress(OSError):
            lines = file.read_text(errors="replace").splitlines()
            if lines and file.stat().st_mtime >= began:
                yield "\n".join([f"\n{file}, the last lines:", *lines[-LOG_LINES:]])


def text(error: BaseException) -> str:
    """The text of an error and of those that caused it."""
    return "".join(traceback.format_exception_only(error)) + (
        text(error.__cause__) if error.__cause__ else ""
    )


def first_line(error: BaseException) -> str:
    """The first line of an error, or its type if it has none."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
