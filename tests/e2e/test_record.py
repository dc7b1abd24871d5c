"""`hfptm record` and what follows, as a new user runs them, against a sandbox that keeps a wire
file.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hfptm import bulletin
from hfptm.bulletin import WATCHED_MAX, BookView, Watched
from hfptm.certificate import DISCOVERED_PREFIX
from hfptm.clock import monotonic_ns, wall_ns
from hfptm.config import environment
from hfptm.lake import Kind, Lake
from hfptm.parquet import read_rows
from hfptm.raw import RawKind
from hfptm.records import EVENT, GapReason
from hfptm.sandbox.service import Service
from hfptm.sandbox.session import Settings
from hfptm.units import NS_PER_S
from tests import planted
from tests.conftest import ROOT
from tests.e2e.command import Result, in_its_own_process, must, process
from tests.planted import options
from tests.recorded import Received, Sent, received, rows_of

RUN_S = 24
"""Time for windows of 5 s to end and to be removed, also where the start is slow."""
SETTLING_S = 5.0
"""After the exchange's clock has stopped: what it listed last is found (discovery looks every 2 s)
and received on both lines then."""

STOP_NS = 4 * NS_PER_S
"""Twice what a stop may take on a machine that has time for it."""

EVERYTHING = options(*planted.EVERYTHING)
MOVING = options("recorder.assets_per_connection=10", "recorder.reconnect_interval_s=4")
"""Several connections of each line, which are replaced all the time."""


RESOLVED = b'"event_type":"market_resolved"'


class Recorded(NamedTuple):
    data: Path
    wire: Path
    result: Result
    stop_ns: int
    books: list[BookView]
    """Told while it ran, of what was watched."""


def variables(service: Service) -> dict[str, str]:
    """Where it is, for a command."""
    servers = service.server.servers
    names = servers.__struct_fields__
    return {f"HFPTM_SERVER__{name.upper()}": getattr(servers, name) for name in names}


def record(folder: Path, run_s: int, **settings: Any) -> Recorded:
    """Until all that the exchange had to say is received."""
    wire, data = folder / "wire.jsonl", folder / "data"
    service = Service(Settings(wire=wire, **settings), duration_ns=run_s * NS_PER_S)
    arguments = ("record", "--data", data, "--json", *EVERYTHING, *MOVING)
    with service, process(*arguments, **variables(service)) as recorder:
        books: list[BookView] = []
        while not service.is_over and recorder.poll() is None:
            threading.Event().wait(0.1)
            books += looked_at(data)
        threading.Event().wait(SETTLING_S)
        stopped_ns = monotonic_ns()
        recorder.send_signal(signal.SIGTERM)
        result = Result(0, *recorder.communicate())._replace(code=recorder.returncode)
        return Recorded(data, wire, result, monotonic_ns() - stopped_ns, books)


def looked_at(data: Path) -> list[BookView]:
    """As the dashboard does it."""
    listed = [market.market for market in Lake(data).markets()][:WATCHED_MAX]
    told = bulletin.read(data)
    if told and listed:
        bulletin.write_watched(data, Watched(told_ns=wall_ns(), markets=listed))
    return told.books if told else []


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("record"), RUN_S, markets=12, rate=60, speed=60)


@pytest.fixture(scope="module")
def lines(recorded: Recorded) -> dict[int, Received]:
    return received(recorded.data, recorded.wire)


def test_sigterm_ends_it_at_once_with_everything_sealed(recorded: Recorded) -> None:
    assert recorded.result.code == 0
    assert "Traceback" not in recorded.result.err
    assert recorded.result.json["is_sealed"]
    assert recorded.stop_ns < STOP_NS
    assert not list(recorded.data.glob("lake/wal/*.wal"))


def test_it_tells_of_itself_and_of_the_books_that_are_watched(recorded: Recorded) -> None:
    told = bulletin.read(recorded.data)
    assert told is not None
    assert (told.mode, told.ended, told.trading) == ("record", "stopped", None)
    assert 0 < told.feed.frames <= recorded.result.json["frames"]
    (feed,) = told.latencies
    assert feed.count > 0
    slugs = {market.market: market.slug for market in Lake(recorded.data).markets()}
    known = [book for book in recorded.books if not book.is_bad and book.bids and book.asks]
    assert known
    for book in known:
        assert book.slug == slugs[book.market]
        prices_e4 = [price for price, _ in reversed(book.bids)] + [p for p, _ in book.asks]
        assert prices_e4 == sorted(set(prices_e4)), "bids below asks, best first"


def payouts(data: Path) -> set[int]:
    """Markets of which discovery stored one."""
    paths = Lake(data).files(Kind.EVENTS)
    rows = [read_rows(path, EVENT) for path in paths if path.stem.startswith(DISCOVERED_PREFIX)]
    return {int(market) for of in rows for market in of["market"]}


def check_frames(recorded: Recorded, lines: dict[int, Received]) -> int:
    """That each line holds what was sent, frame for frame; how many markets have come and gone."""
    sent, summary = Sent(recorded.wire), recorded.result.json
    assert set(lines) == {0, 1}
    assert sum(line.frames for line in lines.values()) == summary["frames"]
    assert summary["dropped_rows"] == 0
    assert lines[0].stretches.keys() == lines[1].stretches.keys()
    removed, paid = 0, payouts(recorded.data)
    for line in lines.values():
        for market in line.stretches.keys() - {0}:
            later = sent.of[market][line.covered(market).stop :]
            # One that closed is left at once; then its payout is asked for, and is in the lake.
            assert len(later) <= 1
            assert all(RESOLVED in frame and market in paid for frame in later)
        removed += len(line.left)
    return removed


def test_the_lake_holds_what_was_sent_frame_for_frame_on_both_lines(
    recorded: Recorded, lines: dict[int, Received]
) -> None:
    assert check_frames(recorded, lines) > 0
    for line in lines.values():
        assert line.causes.count(b"replaced") > 4
        assert set(line.causes) <= {b"replaced", b"merged", b"empty", b"stopped"}


def test_verify_finds_nothing_wrong(recorded: Recorded) -> None:
    for certificate in must("verify", "--data", recorded.data, "--json").json:
        total, sums = certificate["total"], certificate["checksums"]
        assert total["mismatches"] == total["hashes_bad"] == total["doubted"] == 0
        assert set(total["unseen_s_by_reason"]) <= {"stopped", "silence"}
        assert sums["wrong"] == sums["not_derivable"] == []
        assert set(certificate["lines"]["first"]) <= {"0", "1"}


def test_a_log_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    """A full pipe, as a terminal with Ctrl-S: the loop that receives never waits for it."""
    reading, writing = os.pipe()
    os.write(writing, bytes(fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)))
    with Service(Settings(markets=12, rate=50)) as service:
        command = [sys.executable, "-m", "hfptm.cli", "record", "--data", str(tmp_path)]
        command += ["--duration", "6s", "--json", *EVERYTHING, *MOVING]
        command += ["--set", "recorder.reconnect_interval_s=1"]
        env = {**environment(), **variables(service)}
        recorder = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=writing, text=True
        )
        try:
            summary = json.loads(recorder.communicate(timeout=30)[0])
        finally:
            recorder.kill()
            recorder.wait()
            os.close(writing)
    os.close(reading)
    assert recorder.returncode == 0
    rows = rows_of(tmp_path)
    # The duration counts from what was chosen; how long a start takes is the machine's matter.
    (chosen_ns,) = (row[0] for row in rows if row[5] == RawKind.CHOSEN)
    assert rows[-1][0] - chosen_ns < 10 * NS_PER_S
    assert sum(row[5] == RawKind.FRAME for row in rows) == summary["frames"] > 100


def test_a_duration_and_a_summary_for_people(tmp_path: Path) -> None:
    with Service(Settings(markets=12, rate=50)) as service:
        arguments = ("record", "--data", tmp_path, "--duration", "3s", *EVERYTHING)
        result = in_its_own_process(*arguments, **variables(service))
    assert result.code == 0
    assert result.out.startswith("Recorded")
    said = " ".join(result.out.split())
    assert ", and sealed" in said or ", and sealing goes on" in said  # on a busy machine
    assert must("normalize", "--data", tmp_path, "--json").json["gaps"] > 0  # it was stopped
    certificates = must("verify", "--data", tmp_path, "--json").json
    assert all(certificate["total"]["hashes_bad"] == 0 for certificate in certificates)
    # Every book is checked, the first ones of all twelve markets if nothing else: how many more
    # frames three seconds hold is the machine's speed.
    assert sum(certificate["total"]["hashes_ok"] for certificate in certificates) >= 2 * 12


def test_what_is_recorded_no_more_after_a_restart_is_missed_no_longer(tmp_path: Path) -> None:
    with Service(Settings(markets=12, rate=50)) as service:
        arguments = ("record", "--data", tmp_path, "--duration", "3s", *EVERYTHING)
        assert in_its_own_process(*arguments, **variables(service)).code == 0
        left = next(m for m in Lake(tmp_path).markets() if not m.group)
        without = ("--set", f"discovery.blacklisted_markets={left.condition_id}")
        assert in_its_own_process(*arguments, *without, **variables(service)).code == 0
    must("normalize", "--data", tmp_path, "--json")
    gaps = Lake(tmp_path).gaps()
    missed, meant = sorted(gap for gap in gaps if gap.market == left.market)
    assert (missed.reason, meant.reason) == (GapReason.STOPPED, GapReason.REMOVED)
    assert missed.from_ns < missed.to_ns == meant.from_ns
    assert meant.to_ns == 0
    again = {gap.market for gap in gaps if gap.reason is GapReason.STOPPED and gap.to_ns}
    assert len(again) >= 12


def test_without_a_network_one_error_says_so(tmp_path: Path) -> None:
    """And a duration that is over before the last try does not make a success of it. Both at once:
    they wait most of the time."""
    nowhere = {"HFPTM_SERVER__GAMMA_URL": "http://127.0.0.1:9"}
    ways: dict[str, tuple[str, ...]] = {"for ever": (), "a second": ("--duration", "1s")}

    def run(way: str) -> Result:
        return in_its_own_process("record", "--data", tmp_path / way, *ways[way], **nowhere)

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(run, ways))
    for way, result in zip(ways, results, strict=True):
        assert (result.code, result.out) == (5, "")
        line = result.err.splitlines()[-1]
        assert line.startswith("hfptm: http://127.0.0.1:9")
        assert line.endswith("check the network and server.gamma_url")
        assert "Traceback" not in result.err
        assert len(list((tmp_path / way).glob("lake/raw/*/*/*.parquet"))) == 1


@pytest.mark.soak
def test_ten_minutes_of_markets_that_come_and_go_frame_for_frame(tmp_path: Path) -> None:
    recorded = record(tmp_path, 600, markets=40, rate=100, speed=15)
    assert recorded.result.code == 0
    assert check_frames(recorded, received(recorded.data, recorded.wire)) > 50
