"""The log: where it goes, what it looks like, and that nothing of it stops anything."""

import errno
import io
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hfptm.cli import log_output
from hfptm.cli.background import ROOM
from hfptm.cli.log_output import Lines, is_table, logged
from hfptm.clock import monotonic_ns
from hfptm.errors import ConfigError, LakeError
from hfptm.logs import JsonLines, LogFile, Pretty
from hfptm.sections_watching import Log

_log = logging.getLogger("tests.logs")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Errors = pytest.CaptureFixture[str]


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def told(capfd: Errors) -> list[dict[str, object]]:
    """On the error stream, since it was asked for last."""
    return lines(capfd.readouterr().err)


def test_auto_is_json_where_there_is_no_terminal(capfd: Errors) -> None:
    with logged(Log()):
        _log.info("one %d", 1)
        _log.debug("two")
    (line,) = told(capfd)
    assert list(line) == ["time", "level", "logger", "message"]
    assert (line["level"], line["logger"], line["message"]) == ("info", "tests.logs", "one 1")


def test_pretty_lines(capfd: Errors) -> None:
    with logged(Log(format="pretty", level="debug")):
        _log.debug("one")
        _log.warning("status", extra={"status": {"frames": 7, "lines": [1]}})
    first, second = capfd.readouterr().err.splitlines()
    assert first.endswith("Z debug   tests.logs: one")
    assert second.endswith("Z warning tests.logs: status frames=7")


def test_a_table_is_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_table(Log())
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert is_table(Log())
    assert is_table(Log(format="pretty"))
    assert not is_table(Log(format="json"))


def test_the_level_holds_everywhere(capfd: Errors, tmp_path: Path) -> None:
    root = logging.getLogger()
    before = root.level
    with logged(Log(level="error", file=str(tmp_path / "log"))):
        _log.warning("one")
        _log.error("two")
        logging.getLogger("httpx").info("three")
    shown = told(capfd)
    assert [line["message"] for line in shown] == ["two"]
    assert shown == lines((tmp_path / "log").read_text())
    assert root.level == before
    _log.error("nobody hears this")
    assert told(capfd) == []


def test_a_file_is_put_aside_when_it_is_full(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log", 100, 3)
    for number in range(20):
        file.append(b"%030d\n" % number)
    file.append(b"x" * 150 + b"\n")
    file.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.glob("log*")}
    assert sizes == {"log": 151, "log.1": 62, "log.2": 93}
    texts = [(tmp_path / name).read_text().split() for name in ("log.2", "log.1")]
    assert [int(number) for text in texts for number in text] == list(range(15, 20))


def test_one_file_alone_begins_anew(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log", 10, 1)
    for number in range(9):
        file.append(b"%05d\n" % number)
    file.close()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["00008\n"]


def test_processes_share_a_file_and_lose_no_line(tmp_path: Path) -> None:
    files = [LogFile(tmp_path / "log", 2_000, 50) for _ in range(3)]

    def write(name: int, file: LogFile) -> None:
        for number in range(300):
            file.append(b"%d %06d\n" % (name, number))

    threads = [threading.Thread(target=write, args=pair) for pair in enumerate(files)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for file in files:
        file.close()
    held = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
    assert sorted(held) == sorted(f"{name} {n:06d}" for name in range(3) for n in range(300))
    assert len(list(tmp_path.iterdir())) <= 8


def test_a_file_that_another_process_put_aside_is_not_put_aside_again(tmp_path: Path) -> None:
    one, other = (LogFile(tmp_path / "log", 10, 3) for _ in range(2))
    one.append(b"one\n")
    handle = other._open()
    one.append(b"more than ten\n")
    other._put_aside(handle)  # it had found the file full, too
    texts = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert texts == {"log": "more than ten\n", "log.1": "one\n"}
    one.close()
    other.close()


def test_somebody_else_may_put_the_file_aside(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log", 1_000, 2)
    file.append(b"one\n")
    (tmp_path / "log").rename(tmp_path / "elsewhere")
    file.append(b"two\n")
    file.close()
    assert (tmp_path / "log").read_bytes() == b"two\n"


def test_a_file_that_cannot_be_is_refused_at_the_start(tmp_path: Path) -> None:
    settings = Log(file=str(tmp_path / "none" / "log"))
    before = list(logging.getLogger().handlers)
    problem = r"log\.file: .*cannot be written \(No such file"
    with pytest.raises(ConfigError, match=problem), logged(settings):
        raise AssertionError
    assert logging.getLogger().handlers == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EPIPE, errno.EIO])
def test_a_place_that_takes_nothing_stops_nothing_and_is_told_of(code: int) -> None:
    taken: list[bytes] = []
    is_full = True

    def write(line: bytes) -> None:
        if is_full:
            raise OSError(code, os.strerror(code))
        taken.append(line)

    with Lines(write, JsonLines()) as place:
        for number in range(9):
            place.handle(logging.LogRecord("a", 20, "", 0, "%d", (number,), None))
        wait_for(lambda: place._failed == 9)
        is_full = False
        place.handle(logging.LogRecord("a", 20, "", 0, "again", None, None))
    texts = [json.loads(line)["message"] for line in taken]
    assert texts == ["9 lines were not read in time, or could not be written, and dropped", "again"]


def test_a_full_disk_leaves_the_error_stream(capfd: Errors) -> None:
    with logged(Log(file="/dev/full")):
        _log.info("one")
        _log.info("two")
    assert [line["message"] for line in told(capfd)] == ["one", "two"]


def wait_for(done: Callable[[], bool]) -> None:
    end_ns, pause = monotonic_ns() + 5_000_000_000, threading.Event()
    while not done():
        assert monotonic_ns() < end_ns
        pause.wait(0.01)


def test_a_pipe_that_nobody_reads_keeps_nobody_waiting() -> None:
    release = threading.Event()
    began_ns = monotonic_ns()

    def hang(_: bytes) -> None:
        release.wait()

    with Lines(hang, JsonLines()) as place:
        for _ in range(ROOM + 50):
            place.handle(logging.LogRecord("a", 20, "", 0, "x", None, None))
    assert monotonic_ns() - began_ns < 5_000_000_000
    release.set()


def test_a_message_that_does_not_fit_its_arguments_raises_nothing() -> None:
    taken: list[bytes] = []
    with Lines(taken.append, JsonLines()) as place:
        for text in ("%d of %s", "%d"):
            place.handle(logging.LogRecord("a.b", 20, "", 0, text, ("s3cret",), None))
    texts = [json.loads(line)["message"] for line in taken]
    assert texts == ["a line of a.b cannot be written: TypeError"] * 2


def test_what_ends_a_command_is_logged_once_with_its_trace(capfd: Errors) -> None:
    before = sys.excepthook
    with pytest.raises(ZeroDivisionError) as caught, logged(Log()):
        _ = 1 // 0
    (line,) = told(capfd)
    assert (line["level"], line["message"]) == ("critical", "ended by ZeroDivisionError")
    assert "test_logs.py" in str(line["trace"])
    try:
        sys.excepthook(ZeroDivisionError, caught.value, None)
        assert told(capfd) == []
    finally:
        sys.excepthook = before


@pytest.mark.parametrize("error", [LakeError("x"), OSError(5, "x"), KeyboardInterrupt()])
def test_what_a_command_says_itself_is_not_logged(capfd: Errors, error: BaseException) -> None:
    before = sys.excepthook
    with pytest.raises(type(error)), logged(Log()):
        raise error
    assert told(capfd) == []
    assert sys.excepthook is before


def test_a_thread_that_ends_is_logged(capfd: Errors) -> None:
    with logged(Log()):
        thread = threading.Thread(target=lambda: 1 // 0, name="a-thread")
        thread.start()
        thread.join()
    (line,) = told(capfd)
    assert line["message"] == "thread a-thread ended by ZeroDivisionError"
    assert "ZeroDivisionError: integer division" in str(line["trace"])
    assert threading.excepthook is not log_output._tell_of_thread


BREAKS = """
import logging, sys
from hfptm.cli.log_output import logged
from hfptm.sections_watching import Log
from hfptm.secrets import Secret
key = Secret("s3cret-of-this-process")
with logged(Log(file=sys.argv[1])):
    logging.getLogger("a").warning("x" * 100)
    raise RuntimeError(f"no {key.reveal()}")
"""


def test_a_program_whose_stream_is_closed_tells_its_file_and_nothing_twice(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BREAKS, str(tmp_path / "log")]
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(command, check=False, stderr=writer)
    os.close(writer)
    assert ended.returncode == 1
    assert [line["level"] for line in lines((tmp_path / "log").read_text())] == [
        "warning",
        "critical",
    ]
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert again.returncode == 1
    assert again.stderr.count("Traceback") == 1
    told = again.stderr + (tmp_path / "log").read_text()
    assert "s3cret-of" not in told
    assert "RuntimeError: no <hidden>" in told


def test_a_line_has_what_a_person_needs() -> None:
    record = logging.LogRecord("a.b", logging.ERROR, "", 0, "it is %s", ("so",), None)
    assert Pretty().format(record).endswith("Z error   a.b: it is so")
