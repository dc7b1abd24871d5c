"""Who reads a folder, so that nobody removes what is being read.

A lock on the folder itself, which needs no right to write there. Readers share it for as long as
they read; whoever removes files holds it alone for that moment, or leaves them for another time.
"""

import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self


class Reading:
    """From its making to `close`, the end of a `with`, or of the object: what is there stays.

    Waits while somebody removes files. A folder that does not exist holds nothing to be kept.
    """

    def __init__(self, folder: Path) -> None:
        self._held: weakref.finalize[[int], Reading] | None = None
        if folder.exists():
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            self._held = weakref.finalize(self, os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_SH)

    def close(self) -> None:
        if self._held:
            self._held()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def unread(folder: Path) -> Iterator[bool]:
    """Whether nobody reads; then nobody begins to until the end of the `with`."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _is_free(handle)
    finally:
        os.close(handle)


def _is_free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
