"""Whoever asks for too much, too slowly, or for nothing at all: bounded, and in nobody's way."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import msgspec
import pytest

from hfptm.bulletin import write
from hfptm.clock import monotonic_ns, wall_ns
from hfptm.dash import connections
from hfptm.dash.streams import STREAMS_MAX
from hfptm.units import NS_PER_S
from tests.bulletins import PAPER, busy
from tests.dashboards import Served, dashboard, read_all
from tests.e2e.command import process

STREAMS = 1_000
MEMORY_KIB_MAX = 40_000
"""That 1,000 streams may add to the process."""

PATIENCE_S = 0.4
"""Instead of ten seconds."""

SOON_NS = 10 * NS_PER_S

EVENTS = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """With little patience."""
    monkeypatch.setattr(connections, "REQUEST_S", PATIENCE_S)
    monkeypatch.setattr(connections, "UNREAD_S", PATIENCE_S)
    with dashboard(tmp_path / "data") as served:
        yield served


@pytest.fixture
def _many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = STREAMS + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this process may open {hard} files, and {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


@pytest.mark.usefixtures("_many_files")
def test_a_thousand_streams_are_bounded(tmp_path: Path) -> None:
    """In a process of its own: its memory too. Whoever is refused reads /state; whoever asks after
    health is answered."""
    write(tmp_path, msgspec.structs.replace(busy(200), told_ns=wall_ns() + 3_600 * NS_PER_S))
    ran = process("dashboard", "--data", tmp_path, "--port", "0", "--json")
    assert ran.stdout is not None
    url = msgspec.json.decode(ran.stdout.readline())["url"]
    port = int(url.rpartition(":")[2])
    with ExitStack() as opened:
        opened.callback(ran.communicate)
        opened.callback(ran.terminate)
        assert httpx.get(f"{url}/health").status_code == 200
        before_kib = memory_kib(ran.pid)
        readers = [opened.enter_context(connect(port)) for _ in range(STREAMS)]
        for reader in readers:
            reader.sendall(EVENTS)
        answers = [status(reader) for reader in readers]
        assert answers.count(200) == STREAMS_MAX
        assert set(answers) == {200, 503, 0}
        for serial in range(4):
            told_ns = wall_ns() + 3_600 * NS_PER_S
            write(tmp_path, msgspec.structs.replace(busy(200), told_ns=told_ns, serial=serial))
            began_ns = monotonic_ns()
            assert httpx.get(f"{url}/health").status_code == 200
            assert monotonic_ns() - began_ns < 2 * NS_PER_S
        assert memory_kib(ran.pid) - before_kib < MEMORY_KIB_MAX
        for reader in readers:
            reader.close()
        end_ns = monotonic_ns() + SOON_NS
        while True:
            with httpx.stream("GET", f"{url}/events") as stream:
                if stream.status_code == 200:
                    break
            assert monotonic_ns() < end_ns


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def status(reader: socket.socket) -> int:
    """0 if the connection was closed without a word."""
    try:
        said = reader.recv(12)
    except ConnectionResetError:
        return 0
    return int(said[9:12]) if said else 0


def test_who_never_reads_is_dropped(served: Served) -> None:
    much = busy(2_000)
    with ExitStack() as opened:
        for _ in range(3):
            reader = opened.enter_context(served.connect())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            reader.sendall(EVENTS)
        with served.client() as client, client.stream("GET", "/events") as fast:
            lines = fast.iter_lines()
            end_ns = monotonic_ns() + SOON_NS
            while served.monitor.streams.open != 1:
                served.tell(much)
                while not next(lines).startswith("event:"):
                    continue
                assert monotonic_ns() < end_ns
            served.tell(PAPER)
            assert next(line for line in lines if line.startswith("event:"))


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET /health HT",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /kill HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
        b"GET /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
        HEALTH + b"GET /he",
    ],
)
def test_half_a_request_is_not_waited_for(served: Served, half: bytes) -> None:
    began_ns = monotonic_ns()
    served.raw(half)
    took_ns = monotonic_ns() - began_ns
    assert PATIENCE_S * NS_PER_S / 2 < took_ns < connections.IDLE_S * NS_PER_S


def test_a_request_by_the_drop_is_not_waited_for(served: Served) -> None:
    with served.connect() as dripping:
        dripping.settimeout(PATIENCE_S / 20)
        began_ns = monotonic_ns()
        for place in range(len(HEALTH) - 1):
            try:
                dripping.sendall(HEALTH[place : place + 1])
                if not dripping.recv(1):
                    break
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
        assert PATIENCE_S * NS_PER_S / 2 < monotonic_ns() - began_ns < 3 * PATIENCE_S * NS_PER_S


def test_a_stream_outlives_the_patience_with_requests(served: Served) -> None:
    with served.connect() as reader:
        reader.settimeout(5)
        reader.sendall(EVENTS)
        assert b"event: state" in until(reader, b"\n\n\r\n")
        began_ns = monotonic_ns()
        while monotonic_ns() - began_ns < 2 * PATIENCE_S * NS_PER_S:
            served.get("/health")
        served.tell()
        assert b'"mode":"paper"' in until(reader, b"\n\n\r\n")


def until(reader: socket.socket, end: bytes) -> bytes:
    said = b""
    while end not in said:
        part = reader.recv(1 << 16)
        assert part
        said += part
    return said


def test_the_idle_make_room(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest first, and no stream."""
    monkeypatch.setattr(connections, "CONNECTIONS_MAX", 8)
    monkeypatch.setattr(connections, "REQUEST_S", 60)
    with ExitStack() as opened:
        stream = opened.enter_context(served.connect())
        stream.sendall(EVENTS)
        until(stream, b"event: state")
        idle = [opened.enter_context(served.connect()) for _ in range(20)]
        assert served.get("/health").status_code == 503
        served.tell()
        assert b'"mode":"paper"' in until(stream, b'"mode":"paper"')
        for dropped in idle[:13]:
            assert read_all(dropped) == b""
        idle[-1].sendall(HEALTH)
        assert b"HTTP/1.1" in idle[-1].recv(100)
