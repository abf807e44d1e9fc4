"""What a study may occupy, and what Ray needs of this machine. Ray is not imported here."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from hypertuning import environment
from hypertuning.config import UserError

_ADDRESS = re.compile(r"(ray://)?([^\s/:\[\]]+|\[[0-9a-fA-F:]+\]):\d+")
SMALLEST_SHARE = 0.0001
"""Of a GPU: the unit in which Ray counts."""
LONGEST_SOCKET = 107
"""Bytes that the path of a socket may have on Linux."""
_SOCKET = "ray/session_2026-01-31_23-59-59_123456_{pid}/sockets/plasma_store"
"""The longest of those that Ray makes below its folder for temporary files."""


@dataclass(frozen=True)
class Resources:
    """What a study may occupy."""

    address: str = "local"
    """`local` starts Ray on this machine, `auto` or an address joins a running cluster."""
    cpus_per_trial: int = 1
    gpus_per_trial: float = 0
    concurrency: int = 0
    """Trials at once; 0 is as many as there is room for."""

    def __post_init__(self) -> None:
        gpus = self.gpus_per_trial
        if 0 < gpus < SMALLEST_SHARE or (gpus > 1 and gpus % 1):
            raise UserError(
                f"`gpus_per_trial` must be 0, a fraction from {SMALLEST_SHARE} up to 1, or a whole "
                f"number, got {gpus}"
            )
        if self.address not in ("local", "auto") and not _ADDRESS.fullmatch(self.address):
            raise UserError(
                "`ray_address` must be local, auto, host:port or ray://host:port, "
                f"got {self.address!r}"
            )

    @property
    def is_local(self) -> bool:
        """Whether Ray is started here, for this study alone."""
        return self.address == "local"

    def device(self) -> str:
        """Where a trial trains: on a GPU only if it was given one."""
        return "cuda" if self.gpus_per_trial else "cpu"

    def room(self, available: dict[str, float]) -> int:
        """How many trials may run at once on what a cluster has.

        Raises:
            UserError: not even one trial fits.
        """
        room = self.at_once(available)
        if room < 1:
            needed = self._needed()
            has = ", ".join(f"{available.get(name, 0):g} {name}" for name in needed)
            asks = ", ".join(f"{amount:g} {name}" for name, amount in needed.items())
            raise UserError(f"one trial asks for {asks}, but Ray has {has}; ask for less")
        return room

    def at_once(self, available: dict[str, float]) -> int:
        """The same; 0 if not even one trial fits."""
        room = int(min(available.get(name, 0) / n for name, n in self._needed().items()))
        return min(self.concurrency or room, room)

    def _needed(self) -> dict[str, float]:
        wanted = {"CPU": self.cpus_per_trial, "GPU": self.gpus_per_trial}
        return {name: amount for name, amount in wanted.items() if amount}


def temp_dir() -> tuple[str, Path]:
    """The variable that names the folder below which Ray keeps sockets and logs, and the folder."""
    name = "RAY_TMPDIR" if environment.read("RAY_TMPDIR") else "TMPDIR"
    return name, Path(environment.read(name) or "/tmp")


def check_temp_dir() -> None:
    """Raise UserError if Ray could not keep its sockets and logs there."""
    name, folder = temp_dir()
    socket = len(os.fsencode(folder / _SOCKET.format(pid=os.getpid())))
    if socket > LONGEST_SOCKET:
        most = len(os.fsencode(folder)) - (socket - LONGEST_SOCKET)
        raise UserError(
            f"{name} is {folder}, a path too long for Ray's sockets: it may have {most} bytes, and "
            f"has {len(os.fsencode(folder))}; name a shorter one, such as RAY_TMPDIR=/tmp"
        )
    there = next(place for place in (folder, *folder.absolute().parents) if os.path.exists(place))
    if not (os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)):
        what = "cannot be written to" if there == folder else "is not there and cannot be made"
        raise UserError(
            f"{name} is {folder}, which {what}; Ray keeps its sockets and logs there: name "
            "another folder, such as RAY_TMPDIR=/tmp"
        )
