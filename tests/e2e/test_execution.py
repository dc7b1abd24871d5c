"""The benchmark from a frame to its orders: what its relay sees, and that it comes to its end."""

import asyncio

import pytest

from benchmarks.execution import Sizes, measure
from benchmarks.report import as_json
from benchmarks.tap import Seen, Tap
from hfptm import clock

KINDS = ("tick_to_order_ms_p50", "tick_to_order_ms_p99", "first_ms")


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1_000):
        writer.write(data)
    writer.close()


async def relayed(*parts: bytes) -> tuple[list[Seen], list[int], bytes]:
    """What the relay saw of requests in these parts, when each part was sent, and what came back
    from a server that repeats all it hears."""
    seen: list[Seen] = []
    sent_ns: list[int] = []
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    relay = await loop.create_server(lambda: Tap("127.0.0.1", port, seen), "127.0.0.1", 0)
    async with server, relay:
        reader, writer = await asyncio.open_connection(*relay.sockets[0].getsockname())
        for part in parts:
            sent_ns.append(clock.wall_ns())
            writer.write(part)
            await asyncio.sleep(0.05)
        back = await reader.readexactly(sum(map(len, parts)))
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.1)  # the other three ends close one after the other
    return seen, sent_ns, back


def test_the_relay_sees_a_request_when_its_last_byte_comes() -> None:
    head, body = b"POST /orders HTTP/1.1\r\nContent-Length: 5\r\n\r\n", b"abcde"
    get = b"GET /time HTTP/1.1\r\nHost: x\r\n\r\n"
    parts = (head[:20], head[20:] + body[:2], body[2:] + get, get + head + body)
    seen, sent_ns, back = asyncio.run(relayed(*parts))
    assert back == b"".join(parts)
    lines = [b"POST /orders", b"GET /time", b"GET /time", b"POST /orders"]
    assert [(request.line, request.body) for request in seen] == [
        (line, body if line.startswith(b"POST") else b"") for line in lines
    ]
    bounds = [(sent_ns[2], sent_ns[3])] * 2 + [(sent_ns[3], clock.NS_MAX)] * 2
    assert all(a <= request.ts_ns < b for (a, b), request in zip(bounds, seen, strict=True))


@pytest.mark.soak
def test_figures_have_the_documented_names() -> None:
    """`python -m pytest -m soak tests/e2e/test_execution.py`: half a minute."""
    figures = as_json("execution", measure(Sizes(baskets=10)))["figures"]
    assert isinstance(figures, dict)
    assert list(figures) == [f"{kind}_{legs}" for legs in (2, 10) for kind in KINDS]
    assert all(0 < value < 1_000 for value in figures.values())
