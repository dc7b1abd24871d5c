"""A wire file over real sockets: every subscriber gets every frame of its assets, in order."""

import asyncio
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from hfptm.clock import monotonic_ns
from hfptm.errors import ConfigError, HfptmError, InputError
from hfptm.sandbox.market_frames import EventType
from hfptm.sandbox.resend import Sent, resend
from tests.wire_files import Line, written

LINES = [Line("12" if n % 3 else "34") for n in range(3_000)]
PATIENCE_S = 20


class Resending:
    """A resender in a thread of its own, which outlives no test run."""

    def __init__(self, path: Path, **options: Any) -> None:
        self._address: Future[str] = Future()
        self._ended: Future[Sent] = Future()
        self._options = options
        threading.Thread(target=self._run, args=(path,), daemon=True).start()

    def _run(self, path: Path) -> None:
        try:
            self._ended.set_result(resend(path, on_ready=self._address.set_result, **self._options))
        except HfptmError as error:
            self._ended.set_exception(error)

    @property
    def address(self) -> str:
        return self._address.result(PATIENCE_S)

    @property
    def sent(self) -> Sent:
        return self._ended.result(PATIENCE_S)


async def subscribe(line: ClientConnection, *assets: str, **more: object) -> None:
    request = {"type": "market", "assets_ids": assets, **more}
    await line.send(msgspec.json.encode(request), text=True)


async def everything(address: str, *assets: str, **more: object) -> list[bytes]:
    """All frames until the other side closes, which it has to do properly."""
    async with asyncio.timeout(PATIENCE_S), connect(address, max_size=None) as line:
        await subscribe(line, *assets, **more)
        frames = [frame async for frame in line]
    assert line.close_code == 1000
    return [frame.encode() for frame in frames if isinstance(frame, str)]


def test_a_subscriber_of_everything_gets_the_file(tmp_path: Path) -> None:
    payloads = written(tmp_path / "run.jsonl", LINES)
    resending = Resending(tmp_path / "run.jsonl")
    assert asyncio.run(everything(resending.address, "1", "4")) == payloads
    sent = resending.sent
    assert (sent.subscribers, sent.frames) == (1, len(payloads))
    assert sent.size_bytes == sum(map(len, payloads)) + 2 * len(payloads)
    assert sent.frames_per_s == len(payloads) * 10**9 // sent.took_ns


def test_each_subscriber_gets_its_own_assets_from_the_beginning(tmp_path: Path) -> None:
    lines = [Line("12", EventType.NEW_MARKET), *LINES]
    payloads = written(tmp_path / "run.jsonl", lines)
    resending = Resending(tmp_path / "run.jsonl", subscribers=3)

    async def run() -> list[list[bytes]]:
        first = await everything(resending.address, "2")
        custom = [
            everything(resending.address, asset, custom_feature_enabled=True) for asset in "39"
        ]
        return [first, *await asyncio.gather(*custom)]

    ones = [p for line, p in zip(LINES, payloads[1:], strict=True) if line.tokens == "12"]
    threes = [p for line, p in zip(LINES, payloads[1:], strict=True) if line.tokens == "34"]
    assert asyncio.run(run()) == [ones, [payloads[0], *threes], payloads[:1]]
    assert (resending.sent.subscribers, resending.sent.frames) == (3, len(lines) + 1)


def test_at_a_rate_it_takes_its_time_and_answers_pings(tmp_path: Path) -> None:
    payloads = written(tmp_path / "run.jsonl", LINES[:200])
    resending = Resending(tmp_path / "run.jsonl", rate_frames_per_s=400)

    async def run() -> list[str | bytes]:
        async with connect(resending.address) as line:
            await line.send("PING")
            assert await line.recv() == "PONG"
            await line.send("no JSON")
            await subscribe(line, "1", "3")
            await line.send("PING")
            return [frame async for frame in line]

    began_ns = monotonic_ns()
    frames = asyncio.run(run())
    assert 0.45 < (monotonic_ns() - began_ns) / 1e9 < PATIENCE_S
    assert "PONG" in frames[:-1]
    assert [frame for frame in frames if frame != "PONG"] == [p.decode() for p in payloads]
    assert resending.sent.frames == 200


def test_whoever_leaves_early_does_not_count(tmp_path: Path) -> None:
    payloads = written(tmp_path / "run.jsonl", LINES * 3)
    resending = Resending(tmp_path / "run.jsonl")

    async def leave() -> None:
        async with connect(resending.address) as line:
            await subscribe(line, "1")
            assert await line.recv() == payloads[1].decode()
            line.transport.abort()

    async def never_read() -> None:
        async with connect(resending.address) as line:
            line.transport.pause_reading()
            await subscribe(line, "3")
            await asyncio.sleep(0.1)
            line.transport.abort()

    asyncio.run(leave())
    asyncio.run(never_read())
    assert len(asyncio.run(everything(resending.address, "1", "3"))) == len(payloads)
    assert resending.sent.subscribers == 1


def test_the_file_is_read_as_fast_as_the_subscriber_reads(tmp_path: Path) -> None:
    """More than all buffers hold: what is cut off meanwhile was not read ahead."""
    path = tmp_path / "run.jsonl"
    payloads = written(path, [Line("12", padding=20_000)] * 3_000)
    resending = Resending(path)

    async def run() -> list[str | bytes]:
        async with connect(resending.address, max_size=None) as line:
            await subscribe(line, "1")
            await asyncio.sleep(0.3)
            with path.open("rb+") as file:
                file.truncate(path.read_bytes().index(b'{"n":2001,'))
            return [frame async for frame in line]

    assert asyncio.run(run()) == [payload.decode() for payload in payloads[:2_000]]


def test_other_paths_are_not_served(tmp_path: Path) -> None:
    written(tmp_path / "run.jsonl", LINES[:1])
    resending = Resending(tmp_path / "run.jsonl")

    async def run() -> None:
        with pytest.raises(InvalidStatus, match="404"):
            await connect(resending.address.replace("market", "user"))

    asyncio.run(run())
    assert len(asyncio.run(everything(resending.address, "3"))) == 1


def test_a_damaged_file_is_an_error_of_the_run(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    written(path, LINES[:9])
    path.write_bytes(path.read_bytes()[:-9])
    resending = Resending(path)

    async def run() -> None:
        async with connect(resending.address) as line:
            await subscribe(line, "1")
            await line.wait_closed()

    asyncio.run(run())
    with pytest.raises(InputError, match="damaged at line 10: cut short"):
        str(resending.sent)


def test_no_wire_file_and_a_taken_port_are_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("{}\n")
    with pytest.raises(InputError, match="no wire file"):
        resend(path, on_ready=pytest.fail)
    written(path, LINES[:1])
    resending = Resending(path)
    port = int(resending.address.rpartition(":")[2].partition("/")[0])
    with pytest.raises(ConfigError, match=f"ws_port: {port} is taken"):
        resend(path, port=port, on_ready=pytest.fail)
    assert len(asyncio.run(everything(resending.address, "3"))) == 1
