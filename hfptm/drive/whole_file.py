"""A file that takes each piece whole or not at all, so that a full disk leaves nothing torn."""

import os
from io import SEEK_END, FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from hfptm.errors import LakeError


class WholeFile:
    """Appends to the file at `path`, which is cut off at `end` first; a context manager.

    What was appended is out of this process: killing it loses none of it.
    """

    def __init__(self, path: Path, end: int = 0) -> None:
        self._path = path
        self._file = FileIO(path, "ab+")
        self._file.truncate(end)

    def append(self, piece: bytes) -> None:
        """Raises LakeError if the disk does not take all of it; then the file is as before."""
        end = self._file.seek(0, SEEK_END)
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._file.truncate(end)
            problem = (
                f"{self._path} takes no more ({error.strerror}), and without it nothing is sent"
            )
            raise LakeError(f"{problem}; make room, and begin again") from error

    def sync(self) -> None:
        """On the disk when it returns, which takes milliseconds; from any thread."""
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
