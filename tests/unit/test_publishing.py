"""How a command tells of itself, and what keeps it from that without keeping it from its work."""

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hfptm import bulletin
from hfptm.bulletin import PERIOD_NS, Watched
from hfptm.cli.publishing import Publisher
from hfptm.clock import wall_ns
from hfptm.errors import LakeError, VenueError
from hfptm.feed_status import STARTING
from hfptm.histogram import BOUNDS_NS
from hfptm.units import NS_PER_S
from tests.bulletins import BOOK
from tests.conftest import ROOT


class Source:
    """In the place of a service: reports, and what is asked of it."""

    def __init__(self, report: Any = None) -> None:
        self.report = report
        self.asked: list[list[int]] = []

    def watch(self, markets: list[int]) -> None:
        self.asked.append(markets)


class Report:
    """Of the program beside the recorder."""

    def __init__(self, took: list[int]) -> None:
        self.took = took + [0] * (len(BOUNDS_NS) - len(took))
        self.took_ns = 10 * sum(took)
        self.watched = [BOOK]


async def told_for(publisher: Publisher, source: Any, periods: float) -> None:
    async with publisher.telling(source):
        await asyncio.sleep(periods * PERIOD_NS / NS_PER_S)


def last(data: Path) -> bulletin.Bulletin:
    told = bulletin.read(data)
    assert told is not None
    return told


def test_it_tells_at_once_and_how_it_ended(tmp_path: Path) -> None:
    with Publisher(tmp_path, "record") as publisher:
        asyncio.run(told_for(publisher, Source(), 1.5))
        assert publisher.unwritten == 0
    told = last(tmp_path)
    assert (told.mode, told.ended, told.run_id) == ("record", "stopped", "")
    assert told.feed == STARTING
    assert told.serial >= 3
    assert told.began_ns <= told.told_ns <= wall_ns()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LakeError("no room"), "failed: no room"),
        (
            VenueError(
                "https://user:pass@node.example:8545/v2/SECRET", "server.rpc_url", "is gone"
            ),
            "failed: https://node.example:8545",
        ),
        (LakeError("key 0x" + "5EC" * 21 + "0"), "failed: key <hidden>"),
        (ValueError("SECRET"), "failed: ValueError"),
        (asyncio.CancelledError(), "failed: CancelledError"),
    ],
)
def test_a_failure_is_told_without_what_may_be_secret(
    tmp_path: Path, error: BaseException, said: str
) -> None:
    with pytest.raises(type(error)), Publisher(tmp_path, "record"):
        raise error
    ended = last(tmp_path).ended
    assert ended.startswith(said)
    assert "SECRET" not in ended
    assert "pass" not in ended


def test_a_disk_that_refuses_is_one_line_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "gone"  # writing into it fails as on a full disk
    with caplog.at_level(logging.WARNING), Publisher(folder, "record") as publisher:
        asyncio.run(told_for(publisher, Source(), 2.5))
        assert publisher.unwritten >= 2
        folder.mkdir()  # there is room again
    assert last(folder).ended == "stopped"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_books_that_somebody_watches_are_asked_for_and_told(tmp_path: Path) -> None:
    source = Source(Report([1]))
    bulletin.write_watched(tmp_path, Watched(told_ns=wall_ns(), markets=[7, 8]))
    with Publisher(tmp_path, "record") as publisher:
        asyncio.run(told_for(publisher, source, 2.5))
    assert source.asked == [[7, 8]], "once, as long as they are the same"
    assert last(tmp_path).books == [BOOK]


def test_latencies_add_up_over_a_companion_that_was_started_again(tmp_path: Path) -> None:
    source = Source()
    with Publisher(tmp_path, "record") as publisher:

        async def work() -> None:
            async with publisher.telling(source):  # type: ignore[arg-type]
                for took in ([5, 1], [5, 4], [2, 0], [2, 1]):
                    source.report = Report(took)
                    await asyncio.sleep(1.2 * PERIOD_NS / NS_PER_S)

        asyncio.run(work())
    (feed,) = last(tmp_path).latencies
    assert (feed.name, feed.count, feed.minute_count) == ("feed", 9 + 3, 9 + 3)
    assert feed.sum_ns == 10 * 12
    assert (feed.p50_ns, feed.max_ns) == tuple(BOUNDS_NS[:2].tolist())
    below = np.array([count for _, count in feed.buckets])
    assert below[0] == 7
    assert (below[1:] == 12).all()


def test_a_disk_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """Bulletins are left out meanwhile; the loop goes on."""
    hung = tmp_path / f"bulletin.json.{os.getpid()}.tmp"
    os.mkfifo(hung)  # opening it to write takes until somebody reads
    with Publisher(tmp_path, "record") as publisher:
        asyncio.run(told_for(publisher, Source(), 3.5))
        assert not bulletin.bulletin_path(tmp_path).exists()
        assert hung.read_bytes()
    assert last(tmp_path).serial == 2, "the first, and the last"


def test_a_recorder_that_tells_of_itself_loads_no_kernel() -> None:
    program = "import hfptm.cli.publishing, recorder.service, sys; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
