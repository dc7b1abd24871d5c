"""Faults of requests, met by a plain client over HTTP."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hfptm import clock
from hfptm.sandbox.faults_kinds import (
    ClockSkew,
    Fault,
    GhostBook,
    RateLimit,
    Restart,
    Slow,
    Timeout,
)
from hfptm.sandbox.faults_log import Deed
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.units import NS_PER_MS, NS_PER_S
from tests.sandbox_api import (
    FUNDS_E6,
    STANDARD_SLUG,
    Api,
    Trader,
    encode,
    entry_of,
    make_sandbox,
    post_body,
)

KEY = "0x" + "11" * 32


class Desk:
    """A server and a trader who calls it over HTTP."""

    def __init__(self, server: Server, http: httpx.Client) -> None:
        self.server, self.http = server, http
        self.deeds: list[Deed] = []
        self.trader = server.run(self._open)

    def _open(self, sandbox: Sandbox) -> Trader:
        sandbox.faults.tell = self.deeds.append
        trader = Trader(Api(sandbox), KEY)
        sandbox.fund(trader.signer.address, FUNDS_E6)
        return trader

    def start(self, fault: Fault) -> int:
        return self.server.run(lambda sandbox: sandbox.faults.start(fault))

    def stop(self, number: int) -> None:
        self.server.run(lambda sandbox: sandbox.faults.stop(number))

    def order(self, **client: Any) -> httpx.Response:
        """POST /order, a resting bid."""
        body = encode(post_body(self.trader, STANDARD_SLUG))
        self.trader.api.now_ns = clock.wall_ns()
        headers = self.trader.headers("POST", "/order", body)
        url = f"{self.server.clob_url}/order"
        return self.http.post(url, content=body, headers=headers, **client)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(f"{self.server.clob_url}{path}", params=query)

    def open_orders(self) -> list[str]:
        address = self.trader.signer.address
        return self.server.run(lambda s: list(s.exchange.accounts[address].open_orders))


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Server(make_sandbox()) as server, httpx.Client(timeout=5) as http:
        yield Desk(server, http)


def test_a_restart_is_425_in_plain_text_and_then_over(desk: Desk) -> None:
    number = desk.start(Restart())
    reply = desk.order()
    assert (reply.status_code, reply.text) == (425, "service not ready")
    assert reply.headers["content-type"] == "text/plain"
    desk.stop(number)
    assert desk.order().status_code == 200


def test_a_client_gives_up_on_an_order_that_was_placed(desk: Desk) -> None:
    desk.start(Timeout(method="POST", path="/order"))
    with pytest.raises(httpx.ReadTimeout):
        desk.order(timeout=0.2)
    (deed,) = desk.deeds
    assert deed.order_ids == desk.open_orders()
    assert desk.get("/ok").status_code == 200


def test_a_server_stops_while_a_client_waits_for_an_answer() -> None:
    with Server(make_sandbox()) as server, httpx.Client() as http:
        desk = Desk(server, http)
        desk.start(Timeout())
        port = int(server.clob_url.rpartition(":")[2])
        waiting = socket.create_connection(("127.0.0.1", port), timeout=5)
        waiting.sendall(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
        while not desk.deeds:
            desk.server.run(lambda _: None)
    with waiting:
        assert waiting.recv(100) == b""


def test_slow_answers_do_not_hold_up_others(desk: Desk) -> None:
    desk.start(Slow(path="/order", delay_ms=(400, 400)))
    began_ns = clock.monotonic_ns()
    with pytest.raises(httpx.ReadTimeout):
        desk.order(timeout=0.1)
    assert desk.get("/ok").status_code == 200
    assert clock.monotonic_ns() - began_ns < 400 * NS_PER_MS
    assert desk.order().status_code == 200
    assert clock.monotonic_ns() - began_ns >= 500 * NS_PER_MS
    assert len(desk.open_orders()) == 2


def test_a_gateway_answers_instead(desk: Desk) -> None:
    desk.start(Timeout(status=502))
    reply = desk.order()
    assert (reply.status_code, reply.headers["content-type"]) == (502, "text/html")
    assert desk.deeds[0].order_ids == desk.open_orders()


@pytest.mark.parametrize("has_headers", [True, False])
def test_too_many_requests(desk: Desk, has_headers: bool) -> None:
    desk.start(RateLimit(has_headers=has_headers, retry_after_s=3))
    reply = desk.get("/book")
    assert reply.status_code == 429
    assert reply.headers.get("Retry-After") == ("3" if has_headers else None)
    reply = httpx.get(f"{desk.server.gamma_url}/markets/keyset")
    assert reply.status_code == 429


def test_a_ghost_book(desk: Desk) -> None:
    token = desk.server.run(lambda s: entry_of(s, STANDARD_SLUG).listed.market.yes_token)
    assert desk.order().status_code == 200
    desk.start(GhostBook())
    book = desk.get("/book", token_id=token).json()
    assert [level["price"] for level in book["bids"] + book["asks"]] == ["0.01", "0.99"]


@pytest.mark.parametrize("skew_ms", [90_000, -90_000])
def test_a_clock_that_is_off_tells_so_and_refuses_good_signatures(desk: Desk, skew_ms: int) -> None:
    desk.start(ClockSkew(skew_ms=skew_ms))
    off_s = desk.get("/time").json() - clock.wall_ns() // NS_PER_S
    assert abs(off_s - skew_ms // 1_000) <= 1
    assert desk.order().status_code == 401
