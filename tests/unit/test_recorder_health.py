"""What the recorder says of itself: problems, systemd, JSON logs."""

import json
import logging
import socket
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from hfptm.cli.recording import status_table
from hfptm.feed_status import BookStatus, FeedStatus, LineStatus
from hfptm.logs import JsonLines
from hfptm.units import NS_PER_S
from recorder.logs import StatusLog
from recorder.notify import Notifier
from recorder.status import problems_of

LINE = LineStatus(line=0, markets=40, connections=2, shards=2, first=7)
STATUS = FeedStatus(
    ran_s=12.5,
    markets=40,
    waiting=1,
    lines=[LINE, msgspec.structs.replace(LINE, line=1)],
    connections_opened=4,
    connections_failed=0,
    frames=1_000,
    size_bytes=600_000,
    frames_per_s=80.5,
    silent_ns=0,
    written_rows=1_010,
    dropped_rows=0,
    queued_bytes=100,
    unsynced_ns=1,
    sync_latency_ns=1_000_000,
    free_bytes=1 << 30,
    waiting_logs=0,
    missed=2,
    resubscribed=2,
    reconnected=0,
    healed=2,
    unhealed=0,
    checks={"quiet": 3},
    books=BookStatus(first={0: 5, 1: 2}, unseen=1),
    clock_offset_ns=-5,
    companion_restarts=0,
    merged_hours=0,
    copied_files=0,
    removed_hours=0,
    problems=[],
)
SICK = msgspec.structs.replace(STATUS, problems=["no space"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"silent_ns": 59 * NS_PER_S}, ""),
        ({"silent_ns": 61 * NS_PER_S}, "no frame of any market for 61 s"),
        ({"silent_ns": 61 * NS_PER_S, "markets": 3}, ""),
        ({"unsynced_ns": 11 * NS_PER_S}, "nothing was brought to disk for 11 s"),
        ({"lines": [msgspec.structs.replace(LINE, connections=0)]}, "no connection"),
        ({"lines": [msgspec.structs.replace(LINE, connections=0)], "markets": 0}, ""),
        ({"dropped_rows": 3}, "3 received rows could not be kept"),
    ],
)
def test_problems(change: dict[str, object], said: str) -> None:
    found = problems_of(msgspec.structs.replace(STATUS, **change))
    assert said in "; ".join(found)
    assert len(found) == bool(said)


def test_systemd_hears_ready_once_then_life_then_the_end(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": address})
        notifier.note(msgspec.structs.replace(STATUS, frames=0))
        notifier.note(STATUS)
        notifier.note(SICK)
        notifier.stopping()
        said = [manager.recv(1_000).decode().splitlines() for _ in range(4)]
    assert said[0][0] == "WATCHDOG=1"
    assert said[1][:2] == ["READY=1", "WATCHDOG=1"]
    assert said[2][0] == "WATCHDOG=1"
    assert said[2][1].endswith("no space")
    assert said[3] == ["STOPPING=1"]


def test_without_systemd_nothing_is_said_and_its_end_ends_nothing(tmp_path: Path) -> None:
    Notifier({}).note(STATUS)
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).note(STATUS)


def test_log_lines_are_json_with_the_status_and_news_of_problems() -> None:
    lines: list[dict[str, object]] = []
    formatter = JsonLines()

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(formatter.format(record)))

    logger, keep = logging.getLogger("recorder.logs"), Keep()
    logger.addHandler(keep)
    logger.setLevel(logging.INFO)
    try:
        log = StatusLog()
        for status in (STATUS, SICK, SICK, STATUS):
            log.note(status)
    finally:
        logger.removeHandler(keep)
        logger.setLevel(logging.NOTSET)
    assert [line["message"] for line in lines] == ["status", "no space", "no more: no space"]
    assert [line["level"] for line in lines] == ["info", "error", "info"]
    assert lines[0]["status"] == json.loads(msgspec.json.encode(STATUS))


def test_the_live_table_says_what_matters() -> None:
    console = Console(width=100, record=True, file=StringIO())
    books = msgspec.structs.replace(STATUS.books, frames=9, gaps=3, behind_ns=41_000_000)
    console.print(status_table(msgspec.structs.replace(SICK, books=books)))
    shown = console.export_text()
    for text in ("2 of 2 connections", "80/s", "1.0 GiB", "1 markets; 3 gaps before", "no space"):
        assert text in shown
    assert "41 ms by both clocks" in shown
    assert "40, and 1 that have no book yet" in shown


def test_the_live_table_does_not_say_what_is_not_known_yet() -> None:
    console = Console(width=100, record=True, file=StringIO())
    line = msgspec.structs.replace(LINE, markets=0, connections=0, shards=0, first=0)
    before = msgspec.structs.replace(STATUS, markets=0, waiting=0, lines=[line])
    console.print(status_table(before))
    shown = console.export_text()
    for text in ("none yet", "no connection yet", "not known yet"):
        assert text in shown
    assert "0 ms by both clocks" not in shown
