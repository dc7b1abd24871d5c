"""Files that take each piece whole or not at all, so that a full disk leaves nothing torn."""

import os
from io import SEEK_END, FileIO
from pathlib import Path
from typing import Generic, Self, TypeVar

import msgspec

from hfptm.errors import LakeError

Line = TypeVar("Line")

_ENCODER = msgspec.json.Encoder()


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

    def __exit__(self, *_: object) -> None:
        self.close()


class LinesFile(WholeFile, Generic[Line]):
    """Of JSON, an object a line."""

    def append_lines(self, *lines: Line) -> None:
        """All of them or none: raises LakeError if the disk does not take them."""
        self.append(_ENCODER.encode_lines(lines))


def read_lines(path: Path, kind: type[Line]) -> list[Line]:
    """All that were written whole."""
    whole, _, _torn = path.read_bytes().rpartition(b"\n")
    return msgspec.json.Decoder(kind).decode_lines(whole)
