"""What runs beside the recorder: the growing log, questions, and a process that may die."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import msgspec
import pytest

from hfptm import sections
from hfptm.clock import wall_ns
from hfptm.errors import VenueError
from hfptm.lake import Lake
from hfptm.sandbox.server import Server
from hfptm.sandbox.session import Session, Settings
from hfptm.venue.messages import Book, Level
from recorder import talk
from recorder.companion import Companion
from recorder.log import LogFile
from recorder.questions import is_ghost
from recorder.tail import Tail
from recorder.writer import RawWriter, WriterSettings
from tests.recordings import START_NS, row


def written(data: Path, seqs: range, logs: list[Path]) -> None:
    writer = RawWriter(Lake(data).wal, WriterSettings(flush_interval_ms=10), logs.append)
    for seq in seqs:
        writer.append(row(seq))
    writer.close()


def read(tail: Tail) -> list[int]:
    return [seq for batch in tail.read() for seq in batch.column("seq").to_pylist()]


def test_the_tail_goes_on_from_log_to_log_and_knows_what_it_missed(tmp_path: Path) -> None:
    logs: list[Path] = []
    tail = Tail(Lake(tmp_path).wal, 0)
    assert read(tail) == []
    written(tmp_path, range(1, 50), logs)
    assert read(tail) == list(range(1, 50))
    written(tmp_path, range(50, 60), logs)
    assert read(tail) == list(range(50, 60))
    assert tail.lost_rows == 0
    written(tmp_path, range(70, 80), logs)
    assert read(tail) == list(range(70, 80))
    assert tail.lost_rows == 10
    tail.close()


def test_the_tail_waits_for_a_header_and_leaves_older_logs_alone(tmp_path: Path) -> None:
    log = LogFile(Lake(tmp_path).wal, START_NS)
    log.path.write_bytes(b"")
    tail, later = Tail(Lake(tmp_path).wal, 0), Tail(Lake(tmp_path).wal, START_NS + 10**9)
    assert read(tail) == []
    log.path.write_bytes(b"hfpt")
    assert read(tail) == []
    logs: list[Path] = []
    written(tmp_path / "other", range(5, 8), logs)
    log.path.write_bytes(logs[0].read_bytes())
    assert read(tail) == [5, 6, 7]
    assert read(tail) == []
    log.close()
    log.path.unlink()
    written(tmp_path, range(1, 3), [])
    assert read(later) == []
    later.close()
    tail.close()


@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        (["0.01"], ["0.99"], True),
        (["0.001", "0.01"], ["0.999", "0.99"], True),
        ([], [], True),
        (["0.02"], ["0.99"], False),
        (["0.01"], ["0.98"], False),
    ],
)
def test_ghosts(bids: list[str], asks: list[str], *, expected: bool) -> None:
    book = Book(
        asset_id="1", bids=[Level(p, "1") for p in bids], asks=[Level(p, "1") for p in asks]
    )
    assert is_ghost(book) is expected


def begin(data: Path, servers: sections.Servers) -> talk.Begin:
    return talk.Begin(
        data=data,
        servers=servers,
        discovery=sections.Discovery(min_volume_24h_usd=0, min_liquidity_usd=0),
        seed=1,
        since_ns=wall_ns(),
        settle_ns=10**9,
        storage=sections.Storage(flush_interval_ms=100),
    )


def test_a_companion_that_is_killed_is_there_again_and_changes_nothing(tmp_path: Path) -> None:
    session = Session(Settings(seed=3, rate=5), wall_ns())

    async def run(server: Server) -> list[talk.Found]:
        found: list[talk.Found] = []
        async with Companion(begin(tmp_path, server.servers)) as companion:
            async for told in companion.told():
                if isinstance(told, talk.Found):
                    found.append(told)
                    if len(found) == 2:
                        break
                    assert companion.pid is not None
                    os.kill(companion.pid, signal.SIGKILL)
            assert companion.restarts == 1
        return found

    with Server(session.sandbox, frames=session.feed) as server:
        first, second = asyncio.run(asyncio.wait_for(run(server), 60))
    assert len(first.add) > 10
    assert {m.market for m in first.add} == {m.market for m in second.add}
    assert [m.market for m in first.add] == first.chosen
    assert msgspec.structs.replace(first, waiting=[7]).chosen == [*first.chosen, 7]
    assert second.remove == {}


def test_no_answer_to_the_first_look_is_one_clear_error(tmp_path: Path) -> None:
    nowhere = sections.Servers(gamma_url="http://127.0.0.1:9", clob_url="http://127.0.0.1:9")

    async def run() -> None:
        async with Companion(begin(tmp_path, nowhere)) as companion:
            async for told in companion.told():
                assert not isinstance(told, talk.Found)

    with pytest.raises(VenueError, match=r"server\.gamma_url"):
        asyncio.run(asyncio.wait_for(run(), 60))


def test_it_ends_without_a_word_when_nobody_listens_any_more(tmp_path: Path) -> None:
    """As after a kill -9 of the recorder: what it reads may still be open, what it tells is not."""
    nowhere = sections.Servers(gamma_url="http://127.0.0.1:9", clob_url="http://127.0.0.1:9")
    command = (sys.executable, "-m", "recorder.aside")
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE) as aside:
        assert aside.stdin
        assert aside.stdout
        aside.stdout.close()
        aside.stdin.write(talk.packed(begin(tmp_path, nowhere)))
        aside.stdin.flush()
        assert aside.stderr
        assert aside.stderr.read() == b""
    assert aside.returncode == 0
