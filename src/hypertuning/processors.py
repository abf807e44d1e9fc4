"""How many processor cores there are for this process."""

import os
from contextlib import suppress
from pathlib import Path

GROUP = Path("/sys/fs/cgroup")
QUOTAS = ("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")
"""Of a container, in either version of cgroups: microseconds of processor time, or no number or -1,
and in how many it may use them."""


def cores() -> int:
    """The cores that this process may keep busy: one at least."""
    allowed = len(os.sched_getaffinity(0))
    for files in QUOTAS:
        with suppress(OSError, ValueError):
            quota, period = map(int, " ".join((GROUP / f).read_text() for f in files).split())
            allowed = min(allowed, max(1, quota // period)) if quota > 0 else allowed
    return allowed
