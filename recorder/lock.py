"""One process at a time: a lock file that a dead process holds no longer."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from hfptm.errors import LakeError
from hfptm.parquet import make_folder


class ProcessLock:
    """Held from its making to `close` or the end of a `with`. Raises LakeError if another has it.

    `doing` completes "process 123 is … there".
    """

    def __init__(self, path: Path, doing: str) -> None:
        make_folder(path.parent)
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._handle, 32, 0).decode() or "unknown"
            os.close(self._handle)
            raise LakeError(
                f"{path.parent}: process {holder} is {doing} there; "
                "stop it, or name another data folder with --data"
            ) from error
        # The number is for the message alone: whoever makes room must start on a full disk.
        with suppress(OSError):
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, str(os.getpid()).encode(), 0)

    def close(self) -> None:
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
