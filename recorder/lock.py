"""One process at a time: a lock file that a dead process holds no longer."""

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from hfptm.clock import monotonic_ns
from hfptm.errors import LakeError
from hfptm.parquet import make_folder
from hfptm.units import NS_PER_S

_LOOK_S = 0.1


class HeldError(LakeError):
    """Another process has the lock."""


class ProcessLock:
    """Held from its making to `close` or the end of a `with`.

    Raises HeldError if another process has it, and still has it `wait_s` later. `doing` completes
    "process 123 is … there".
    """

    def __init__(self, path: Path, doing: str, wait_s: float = 0.0) -> None:
        make_folder(path.parent)
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        end_ns = monotonic_ns() + int(wait_s * NS_PER_S)
        while not self._take():
            if monotonic_ns() >= end_ns:
                holder = os.pread(self._handle, 32, 0).decode() or "unknown"
                os.close(self._handle)
                raise HeldError(
                    f"{path.parent}: process {holder} is {doing} there; "
                    "stop it, or name another data folder with --data"
                )
            threading.Event().wait(_LOOK_S)
        # The number is for the message alone: whoever makes room must start on a full disk.
        with suppress(OSError):
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, str(os.getpid()).encode(), 0)

    def _take(self) -> bool:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
