"""The file that lets the next monitor go on where this one ended, and the lock of who keeps it."""

import fcntl
import os
from pathlib import Path

import msgspec

from hfptm.alerts.ledger import State
from hfptm.alerts.outbox import Outbox

VERSION = 1


class Kept(msgspec.Struct, kw_only=True):
    version: int = VERSION
    state: State
    outboxes: dict[str, Outbox]
    """By number and scheme of the address; no file holds more of one."""


def kept_path(data: Path) -> Path:
    return data / "alerts.json"


def read(data: Path) -> Kept | None:
    """None if there is none, or none of this version: then everything is new. Raises OSError."""
    try:
        kept = msgspec.json.decode(kept_path(data).read_bytes(), type=Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return kept if kept.version == VERSION else None


def write(data: Path, content: bytes) -> None:
    """Raises OSError if the disk does not take it; then the one before stays."""
    path = kept_path(data)
    temporary = path.with_suffix(".tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


class Lock:
    """Of the one monitor of a data folder that sends, from `take` to `release` or its end."""

    def __init__(self, data: Path) -> None:
        self._path = data / "alerts.lock"
        self._handle: int | None = None

    @property
    def is_held(self) -> bool:
        return self._handle is not None

    def take(self) -> bool:
        """Whether it is held now. Raises OSError if the folder takes no file."""
        if self._handle is None:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return False
            self._handle = handle
        return True

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
