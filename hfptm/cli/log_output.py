"""Where the log of a long-running command goes: each place in a thread of its own.

Nothing that happens there, a pipe that nobody reads, one that is closed, a full disk, reaches
whoever logs.
"""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hfptm.cli.background import Background
from hfptm.errors import HfptmError
from hfptm.logs import JsonLines, Pretty, log_file, write_all

if TYPE_CHECKING:
    from hfptm.sections_watching import Log

CHATTY = ("picows", "httpx")
"""They tell of every handshake, and every request."""

_NOT_TO_BE_WRITTEN = (TypeError, ValueError, LookupError, AttributeError)
"""What a message raises whose arguments do not fit it."""

_log = logging.getLogger(__name__)


class Lines(logging.Handler):
    """Lines to one place; those that it did not take are counted in a line. A context manager."""

    def __init__(
        self, write: Callable[[bytes], None], formatter: logging.Formatter, level: int = 0
    ) -> None:
        super().__init__(level)
        self.setFormatter(formatter)
        self._write_to = write
        self._background = Background()
        self._failed = self._told = 0

    def __enter__(self) -> Self:
        self._background.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._background.__exit__(*error)

    def emit(self, record: logging.LogRecord) -> None:
        lost = self._background.dropped + self._failed
        if lost > self._told and self._line(_about(lost - self._told)):
            self._told = lost
        self._line(record)

    def _line(self, record: logging.LogRecord) -> bool:
        try:
            text = self.format(record)
        except _NOT_TO_BE_WRITTEN as error:
            # Not with its arguments: what does not fit a message may be anything.
            problem = f"a line of {record.name} cannot be written: {type(error).__name__}"
            text = self.format(_record(problem))
        return self._background.do(partial(self._write, f"{text}\n".encode(errors="replace")))

    def _write(self, line: bytes) -> None:
        try:
            self._write_to(line)
        except OSError:  # counted: the line about it is written when the place takes lines again
            self._failed += 1


@contextmanager
def logged(settings: "Log", shown: logging.Handler | None = None) -> Iterator[None]:
    """All that is logged in the meantime goes to the error stream, or to `shown` instead of it, and
    to the file. What ends the command, or a thread, without being meant to is logged once."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    root = logging.getLogger()
    with ExitStack() as held:
        places = [shown or held.enter_context(_error_stream(settings))]
        if file := log_file(settings.file, settings.file_mib, settings.files):
            held.callback(file.close)
            places.append(held.enter_context(Lines(file.append, JsonLines())))
        for place in places:
            root.addHandler(place)
            held.callback(root.removeHandler, place)
        held.callback(root.setLevel, root.level)
        root.setLevel(level)
        for name in CHATTY:
            logging.getLogger(name).setLevel(max(level, logging.WARNING))
        held.callback(setattr, threading, "excepthook", threading.excepthook)
        threading.excepthook = _tell_of_thread
        held.push(_tell_of_end)
        yield


def is_table(settings: "Log") -> bool:
    """Whether there is somebody to see a table that changes."""
    return sys.stderr.isatty() and settings.format != "json"


def _error_stream(settings: "Log") -> Lines:
    is_pretty = settings.format == "pretty" or (settings.format == "auto" and sys.stderr.isatty())
    # Not through the stream's own buffer: the lock of one that hangs would end the process.
    write = partial(write_all, sys.stderr.fileno())
    return Lines(write, Pretty() if is_pretty else JsonLines())


def _record(text: str) -> logging.LogRecord:
    return logging.LogRecord(__name__, logging.WARNING, "", 0, text, None, None)


def _about(lost: int) -> logging.LogRecord:
    return _record(f"{lost} lines were not read in time, or could not be written, and dropped")


def _tell_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        error = (ended.exc_type, ended.exc_value, ended.exc_traceback)
        name = ended.thread.name if ended.thread else "a thread"
        _log.error("thread %s ended by %s", name, ended.exc_type.__name__, exc_info=error)


def _tell_of_end(
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> None:
    """Of a command that ends by what nobody expected; then nothing tells of it again."""
    if kind is None or error is None or not issubclass(kind, Exception):
        return
    if issubclass(kind, (HfptmError, OSError)):  # the command says these itself, in a line
        return
    _log.critical("ended by %s", kind.__name__, exc_info=(kind, error, trace))
    before = sys.excepthook

    def tell_others(
        kind: type[BaseException], other: BaseException, trace: TracebackType | None
    ) -> None:
        if other is not error:
            before(kind, other, trace)

    sys.excepthook = tell_others
