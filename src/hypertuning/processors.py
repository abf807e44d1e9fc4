"""How many processor cores there are for this process."""

import os
from contextlib import suppress
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Of a container: microseconds of processor time, or max, and in how many it may use them."""


def cores() -> int:
    """The cores that this process may keep busy: one at least."""
    allowed = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):
        quota, period = map(int, QUOTA.read_text().split())
        allowed = min(allowed, max(1, quota // period))
    return allowed
