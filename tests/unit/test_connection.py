"""The connection to the market channel against a real server: rows, times, sights, ends."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
import uvloop
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from hfptm.clock import monotonic_ns, wall_ns
from hfptm.errors import VenueError
from hfptm.raw import RawKind
from recorder import connection as module
from recorder.connection import Connection, connect
from recorder.observations import LinkSight
from recorder.writer import RawRow
from tests.market_channel import (
    Channel,
    books,
    change,
    channel,
    ids,
    markets,
    payloads,
    until,
)


class Held:
    """A connection, and all that it has said."""

    def __init__(self) -> None:
        self.rows: list[RawRow] = []
        self.news: list[tuple[bytes, int]] = []
        self.ends: list[Connection] = []
        self.made: Connection

    async def open(self, address: str) -> None:
        sight = LinkSight(1, 7, monotonic_ns())
        hear: Callable[[bytes, int], None] = lambda *news: self.news.append(news)  # noqa: E731
        self.made = await connect(address, sight, self.rows.append, hear, self.ends.append)

    def frames(self) -> list[bytes]:
        return payloads(self.rows, RawKind.FRAME)

    def kinds(self) -> list[RawKind]:
        return [RawKind(row[5]) for row in self.rows]


@asynccontextmanager
async def held(*numbers: int) -> AsyncIterator[tuple[Held, Channel]]:
    """A connection that has the books of these markets."""
    async with channel() as server:
        one = Held()
        await one.open(server.address)
        one.made.subscribe(markets(*numbers))
        await until(lambda: one.frames())
        yield one, server
        one.made.close("stopped")


def run(test: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test)


def test_every_frame_is_a_row_as_it_came() -> None:
    async def test() -> None:
        async with held(1, 2) as (one, server):
            began_ns, began_mono_ns = wall_ns(), monotonic_ns()
            sent = [change(1 + n % 2, n) for n in range(500)] + ["[]", "no JSON", ""]
            for text in sent:
                await server.lines[0].send(text)
            await until(lambda: len(one.frames()) == 1 + len(sent))
            assert one.frames() == [
                books(["Y1", "N1", "Y2", "N2"]).encode(),
                *map(str.encode, sent),
            ]
            assert [row[2:5] for row in one.rows] == [(1, 7, n + 1) for n in range(len(one.rows))]
            times = [row[:2] for row in one.rows[2:]]
            assert times == sorted(times)
            assert times[0] >= (began_ns, began_mono_ns)
            assert times[-1] <= (wall_ns(), monotonic_ns())

    run(test())


def test_the_first_frame_begins_and_others_change_what_is_subscribed() -> None:
    async def test() -> None:
        async with held(1) as (one, server):
            one.made.subscribe(markets(2, 3))
            one.made.unsubscribe(ids(1, 3))
            one.made.resubscribe(*ids(2))
            await until(lambda: len(server.asked[0]) == 5)
            custom = {"custom_feature_enabled": True}
            assert server.asked[0] == [
                {"type": "market", "assets_ids": ["Y1", "N1"], **custom, "initial_dump": True},
                {"operation": "subscribe", "assets_ids": ["Y2", "N2", "Y3", "N3"], **custom},
                {"operation": "unsubscribe", "assets_ids": ["Y1", "N1", "Y3", "N3"]},
                {"operation": "unsubscribe", "assets_ids": ["Y2", "N2"]},
                {"operation": "subscribe", "assets_ids": ["Y2", "N2"], **custom},
            ]

    run(test())


def test_what_is_left_is_silent_once_its_stragglers_have_come() -> None:
    async def test() -> None:
        async with held(1, 2) as (one, server):
            one.made.unsubscribe(ids(2))
            left_ns = monotonic_ns()
            await server.lines[0].send(change(2))
            await until(lambda: len(one.frames()) == 2)
            one.made.settle(left_ns + module.STRAGGLERS_NS // 2)
            assert RawKind.SILENCE not in one.kinds()
            one.made.settle(left_ns + 2 * module.STRAGGLERS_NS)
            assert payloads(one.rows, RawKind.SILENCE) == [b'{"tokens":["Y2","N2"],"reason":7}']
            assert list(one.made.sight.markets) == ids(1)
            one.made.settle(left_ns + 9 * module.STRAGGLERS_NS)
            assert one.kinds().count(RawKind.SILENCE) == 1

    run(test())


def test_what_comes_back_at_once_was_away_all_the_same() -> None:
    async def test() -> None:
        async with held(1) as (one, _):
            one.made.unsubscribe(ids(1))
            one.made.subscribe(markets(1))
            await until(lambda: len(one.frames()) == 2)
            assert one.kinds()[2:] == [RawKind.SILENCE, RawKind.FRAME]
            one.made.settle(monotonic_ns() + 9 * module.STRAGGLERS_NS)
            assert one.kinds()[2:] == [RawKind.SILENCE, RawKind.FRAME]
            assert one.made.sight.markets[ids(1)[0]].book_ns > 0

    run(test())


def test_sights_say_when_each_market_was_seen() -> None:
    async def test() -> None:
        async with held(1, 2, 3) as (one, server):
            first, second, third = (one.made.sight.markets[m] for m in ids(1, 2, 3))
            assert first.frames == second.frames == 1
            book_ns = first.book_ns
            assert first.since_ns < book_ns == second.book_ns == second.last_ns
            await server.lines[0].send(change(2))
            spaced = change(3).replace('"market":', '"market" : ')
            await server.lines[0].send(f"[{spaced}]")
            await until(lambda: len(one.frames()) == 3)
            assert (first.frames, first.last_ns) == (1, book_ns)
            assert (second.frames, second.last_payload) == (2, change(2).encode())
            assert third.frames == 2
            assert book_ns < second.last_ns <= third.last_ns == one.made.sight.last_data_ns
            assert one.made.sight.frames == 3
            assert one.made.sight.size_bytes == sum(map(len, one.frames()))

    run(test())


def test_a_book_is_owed_until_it_comes() -> None:
    async def test() -> None:
        async with held(1) as (one, server):
            (sight,) = one.made.sight.markets.values()
            server.has_books = False
            one.made.resubscribe(sight.market)
            assert (sight.book_ns, sight.last_ns > 0) == (0, True)
            await server.lines[0].send(change(1))
            await until(lambda: sight.frames == 2)
            assert sight.book_ns == 0
            (book,) = json.loads(books(["Y1"]))
            text = json.dumps(book, separators=(",", ":"))
            await server.lines[0].send(text)
            await until(lambda: sight.frames == 3)
            assert sight.book_ns == sight.last_ns > sight.since_ns

    run(test())


def test_pong_is_no_frame() -> None:
    async def test() -> None:
        async with held(1) as (one, _):
            data_ns = one.made.sight.last_data_ns
            one.made.ping()
            await until(lambda: one.made.sight.last_pong_ns)
            assert one.made.sight.last_pong_ns > data_ns == one.made.sight.last_data_ns
            assert len(one.frames()) == 1

    run(test())


def test_news_are_told_and_kept() -> None:
    async def test() -> None:
        async with held(1) as (one, server):
            new = '{"id":"29","market":"0xc0","event_type":"new_market"}'
            over = '{"id":"29","market":"0xc0","event_type": "market_resolved"}'
            for text in (new, change(1), over):
                await server.lines[0].send(text)
            await until(lambda: len(one.frames()) == 4)
            assert [payload for payload, _ in one.news] == [new.encode(), over.encode()]
            assert one.news[0][1] == one.rows[2][0]

    run(test())


def test_fragments_and_binary_data_are_frames_and_a_ping_is_answered() -> None:
    async def test() -> None:
        async with held(1) as (one, server):
            line = server.lines[0]
            await line.send([change(1)[:50], change(1)[50:90], change(1)[90:]])
            await line.send(b"\x00\xff")
            async with asyncio.timeout(5):
                await (await line.ping(b"there?"))
            assert one.frames()[1:] == [change(1).encode(), b"\x00\xff"]
            assert [sight.frames for sight in one.made.sight.markets.values()] == [2]

    run(test())


def test_the_time_is_that_of_the_read_even_behind_a_ping() -> None:
    """A ping that ends a read must not make the next one bear an old time."""

    async def test() -> None:
        async with held(1) as (one, server):
            transport = server.lines[0].transport
            text = Frame(Opcode.TEXT, change(1).encode()).serialize(mask=False)
            ping = Frame(Opcode.PING, b"").serialize(mask=False)
            transport.write(text + text + ping)
            await until(lambda: len(one.frames()) == 3)
            await asyncio.sleep(0.05)
            later_ns = monotonic_ns()
            transport.write(text)
            await until(lambda: len(one.frames()) == 4)
            stamps = [row[1] for row in one.rows[2:]]
            assert stamps[0] == stamps[1] < later_ns <= stamps[2]

    run(test())


@pytest.mark.parametrize(("code", "cause"), [(1001, b"closed 1001"), (4001, b"closed 4001")])
def test_an_end_with_a_code(code: int, cause: bytes) -> None:
    async def test() -> None:
        async with held(1) as (one, server):
            await server.lines[0].close(code, "maintenance")
            await until(lambda: one.ends)
            assert server.lines[0].close_code == 1000  # a close is answered
            assert payloads(one.rows, RawKind.LINK_DOWN) == [cause]
            assert one.kinds()[-1] == RawKind.LINK_DOWN

    run(test())


def test_a_reset_and_what_is_done_after_it() -> None:
    async def test() -> None:
        async with held(1) as (one, server):
            server.lines[0].transport.abort()
            await until(lambda: one.ends)
            assert payloads(one.rows, RawKind.LINK_DOWN) == [b"disconnect"]
            for late in (one.made.ping, lambda: one.made.close("stopped")):
                late()
            assert one.made.cause == "disconnect"
            assert one.ends == [one.made]

    run(test())


def test_an_end_of_ours_is_told_at_once_and_nothing_follows_it() -> None:
    async def test() -> None:
        async with held(1) as (one, server):
            await server.lines[0].send(change(1))
            one.made.close("silence")
            assert payloads(one.rows, RawKind.LINK_DOWN) == [b"silence"]
            await server.lines[0].wait_closed()
            assert one.kinds()[-1] == RawKind.LINK_DOWN
            assert one.ends == [one.made]

    run(test())


def test_nobody_there_and_a_refusal_say_what_to_look_at() -> None:
    async def test() -> None:
        async with channel() as server:
            server.refusal = HTTPStatus.TOO_MANY_REQUESTS
            with pytest.raises(VenueError, match=r"429.*server\.market_ws_url"):
                await Held().open(server.address)
            address = server.address
        with pytest.raises(VenueError, match=r"no connection .*server\.market_ws_url"):
            await Held().open(address)

    run(test())


def test_an_end_before_the_handshake_is_no_connection() -> None:
    async def test() -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(VenueError, match=r"before the handshake"):
                await Held().open(f"ws://127.0.0.1:{port}/")

    run(test())


def test_a_handshake_that_nobody_waits_for_makes_no_connection() -> None:
    async def test() -> None:
        arrived, answer, closed = (asyncio.Event() for _ in range(3))

        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = await reader.readuntil(b"\r\n\r\n")
            arrived.set()
            await answer.wait()
            key = re.search(rb"Sec-WebSocket-Key: (.*)\r\n", request, re.IGNORECASE)
            assert key
            accept = accept_key(key[1].decode())
            head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade"
            writer.write(f"{head}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
            await reader.read()
            writer.close()
            closed.set()

        one = Held()
        async with await asyncio.start_server(meet, "127.0.0.1", 0) as late:
            port = late.sockets[0].getsockname()[1]
            opening = asyncio.create_task(one.open(f"ws://127.0.0.1:{port}/"))
            await arrived.wait()
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            answer.set()
            await asyncio.wait_for(closed.wait(), 5)
        assert (one.rows, one.ends) == ([], [])

    run(test())


def test_what_is_being_left_when_a_connection_ends_is_no_loss() -> None:
    async def test() -> None:
        async with held(1, 2) as (one, _):
            one.made.unsubscribe(ids(2))
            one.made.close("silence")
            assert one.kinds()[-2:] == [RawKind.SILENCE, RawKind.LINK_DOWN]
            assert payloads(one.rows, RawKind.SILENCE) == [b'{"tokens":["Y2","N2"],"reason":7}']

    run(test())
