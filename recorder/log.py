"""One file of the write-ahead log in the making."""

import fcntl
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from hfptm.clock import format_utc
from hfptm.parquet import make_folder, sync_folder
from hfptm.wal import HEADER, SUFFIX

_COMPACT = str.maketrans({"-": None, ":": None, ".": None, " ": "T"})


def segment_stamp(ts_ns: int) -> str:
    """ "20260429T021043288Z": what the name of a segment that begins then begins with."""
    return format_utc(ts_ns).translate(_COMPACT)


def segment_name(ts_ns: int) -> str:
    """ "20260429T021043288Z-5f3a9c01": sorts by time, and no other log of any machine has it."""
    return f"{segment_stamp(ts_ns)}-{secrets.token_hex(4)}"


class LogFile:
    """A new file; it holds a lock on it until `close`, so that it is sealed only when it is whole.

    Raises OSError, here and in `append`, as the disk does; what was appended before stays whole.
    """

    def __init__(self, folder: Path, first_ns: int) -> None:
        self.path = folder / f"{segment_name(first_ns)}{SUFFIX}"
        self.first_ns = first_ns
        self.size_bytes = 0
        make_folder(folder)
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            self.append([HEADER])
            sync_folder(folder)
        except OSError:
            self.path.unlink()
            self.close()
            raise

    def append(self, blocks: Sequence[bytes]) -> None:
        """Durable on return. On OSError none of `blocks` is in the file: append them again."""
        end = self.size_bytes
        try:
            for block in blocks:
                end += _write_at(self._handle, block, end)
            os.fdatasync(self._handle)
        except OSError:
            # The next attempt writes at the same place even if this fails too.
            os.ftruncate(self._handle, self.size_bytes)
            raise
        self.size_bytes = end

    def close(self) -> None:
        os.close(self._handle)


def _write_at(handle: int, data: bytes, offset: int) -> int:
    done = 0
    while done < len(data):
        done += os.pwrite(handle, memoryview(data)[done:], offset + done)
    return done
