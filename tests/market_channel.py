"""A market channel on loopback that does what a test says, and remembers what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from hfptm.registry import Market
from hfptm.venue.listings import clob_condition
from recorder.writer import RawRow
from tests.sandbox import make_market

PATIENCE_S = 10


class Channel:
    """One that answers PING, and each subscription with books, unless `has_books` is off."""

    def __init__(self) -> None:
        self.lines: list[ServerConnection] = []
        """In the order of their opening; those that ended too."""
        self.asked: list[list[dict[str, Any]]] = []
        """What each was asked, in order."""
        self.opened_s: list[float] = []
        self.has_books = True
        self.refusal: HTTPStatus | None = None
        self.address = ""

    async def meet(self, line: ServerConnection) -> None:
        asked: list[dict[str, Any]] = []
        self.lines.append(line)
        self.asked.append(asked)
        try:
            async for text in line:
                if text == "PING":
                    await line.send("PONG")
                    continue
                request = json.loads(text)
                asked.append(request)
                if self.has_books and request.get("operation") != "unsubscribe":
                    await line.send(books(request["assets_ids"]))
        except ConnectionClosed:
            return

    def refuse(self, line: ServerConnection, _: Request) -> Response | None:
        self.opened_s.append(asyncio.get_running_loop().time())
        return line.respond(self.refusal, "no\n") if self.refusal else None

    def held(self, number: int) -> set[str]:
        """The tokens that a connection asked for and did not give up."""
        tokens: set[str] = set()
        for request in self.asked[number]:
            named = set(request["assets_ids"])
            if request.get("operation") == "unsubscribe":
                assert named <= tokens
                tokens -= named
            else:
                assert tokens.isdisjoint(named), "what is subscribed twice is refused"
                tokens |= named
        return tokens


@asynccontextmanager
async def channel() -> AsyncIterator[Channel]:
    made = Channel()
    server: Server
    async with serve(
        made.meet, "127.0.0.1", 0, process_request=made.refuse, close_timeout=1
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        made.address = f"ws://127.0.0.1:{port}/ws/market"
        yield made


def condition(number: int) -> str:
    return clob_condition(make_market(number).condition_id)


def books(tokens: list[str]) -> str:
    """Of markets as `tests.sandbox.make_market` makes them: "Y7" and "N7" are of number 7."""
    made = [
        {"market": condition(int(token[1:])), "asset_id": token, "event_type": "book"}
        for token in tokens
    ]
    return json.dumps(made, separators=(",", ":"))


def change(number: int, size: int = 1) -> str:
    """A frame of one market, as the exchange begins it."""
    body = {"price_changes": [{"asset_id": f"Y{number}", "size": str(size)}]}
    tail = json.dumps({**body, "event_type": "price_change"}, separators=(",", ":"))
    return f'{{"market":"{condition(number)}",{tail[1:]}'


def markets(*numbers: int) -> list[Market]:
    return [make_market(number) for number in numbers]


def ids(*numbers: int) -> list[int]:
    return [market.market for market in markets(*numbers)]


async def until(is_true: Any) -> None:
    """Fails if it does not come true in time."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_true():
            await asyncio.sleep(0.005)


def payloads(rows: list[RawRow], *kinds: int) -> list[bytes]:
    return [row[6] for row in rows if row[5] in kinds]
