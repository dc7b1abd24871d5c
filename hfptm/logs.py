"""The log of programs that run for weeks: lines for people or for programs, without a secret.

Every line passes `redaction.redacted` with the secrets of this process, also what an exception or
another library says.
"""

import fcntl
import logging
import os
from itertools import pairwise
from pathlib import Path

import msgspec

from hfptm.clock import format_utc, wall_ns
from hfptm.errors import ConfigError
from hfptm.redaction import redacted
from hfptm.secrets import known
from hfptm.units import BYTES_PER_MIB

FILE_MODE = 0o640


class JsonLines(logging.Formatter):
    """`{"time":…,"level":…,"logger":…,"message":…}`, with `status` where a line has one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": format_utc(wall_ns()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        status = getattr(record, "status", None)
        if status is not None:
            line["status"] = msgspec.to_builtins(status)
        if trace := _trace(self, record):
            line["trace"] = trace
        # Each text by itself: nothing that is taken out takes a quote or a brace along.
        return msgspec.json.encode(_shown(line, known())).decode()


class Pretty(logging.Formatter):
    """`2026-04-29 02:10:43.288Z warning recorder.shard: …`, and below it the trace, if there is."""

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower()
        line = f"{format_utc(wall_ns())} {level:<7} {record.name}: {record.getMessage()}"
        status = msgspec.to_builtins(getattr(record, "status", {}))
        figures = [f"{k}={v}" for k, v in status.items() if not isinstance(v, (list, dict))]
        text = " ".join([line, *figures])
        trace = _trace(self, record)
        return redacted(f"{text}\n{trace}" if trace else text, known())


class Words(logging.Formatter):
    """The message alone, and its trace: for people who look on."""

    def format(self, record: logging.LogRecord) -> str:
        trace = _trace(self, record)
        text = record.getMessage()
        return redacted(f"{text}\n{trace}" if trace else text, known())


class LogFile:
    """Takes lines until it is full, and then goes on in another; so may other processes.

    `path` is written, `path`.1 came before it, and so on: `files` in all, each of `size_bytes` at
    most but for a longer line. Raises ConfigError if the file cannot be written at the start.
    """

    def __init__(self, path: Path, size_bytes: int, files: int) -> None:
        self._path, self._size_bytes, self._files = path, size_bytes, files
        self._handle: int | None = None
        try:
            self._open()
        except OSError as error:
            problem = f"{path} cannot be written ({error.strerror}); name another, or none"
            raise ConfigError("configuration", "log.file", problem) from error

    def append(self, line: bytes) -> None:
        """Raises OSError if the disk does not take it; the next line is tried anew."""
        handle = self._open()
        size_bytes = os.fstat(handle).st_size
        if size_bytes and size_bytes + len(line) > self._size_bytes:
            self._put_aside(handle)
            handle = self._open()
        write_all(handle, line)

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _open(self) -> int:
        """Of the file that has the name now: another process may have put ours aside."""
        if self._handle is not None and not self._has_name(self._handle):
            self.close()
        if self._handle is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._handle = os.open(self._path, flags, FILE_MODE)
        return self._handle

    def _has_name(self, handle: int) -> bool:
        ours = os.fstat(handle)
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)

    def _put_aside(self, handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)  # until it is closed, which comes next
        if not self._has_name(handle):
            return
        names = [self._path, *(self._numbered(n) for n in range(1, self._files))]
        names[-1].unlink(missing_ok=True)
        for newer, older in reversed(list(pairwise(names))):
            if newer.exists():
                newer.replace(older)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def log_file(path: str, mebibytes: int, files: int) -> LogFile | None:
    """As the settings have it; None if they name no file."""
    return LogFile(Path(path), mebibytes * BYTES_PER_MIB, files) if path else None


def write_all(handle: int, line: bytes) -> None:
    while line:
        line = line[os.write(handle, line) :]


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""


def _shown(value: object, secrets: frozenset[str]) -> object:
    """The same without secrets, in all its texts."""
    match value:
        case str():
            return redacted(value, secrets)
        case dict():
            return {redacted(str(k), secrets): _shown(v, secrets) for k, v in value.items()}
        case list() | tuple():
            return [_shown(one, secrets) for one in value]
        case _:
            return value
