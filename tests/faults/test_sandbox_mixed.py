"""Faults of all kinds at once, by seed, on a real socket: the log accounts for every frame."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from hfptm.records import BUY, SELL
from hfptm.sandbox.faults_kinds import (
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    Fault,
    Freeze,
    Lose,
    Malformed,
    Refuse,
    Reorder,
)
from hfptm.sandbox.faults_log import OPENED, Deed
from hfptm.sandbox.market_frames import MarketFrames, Published
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from tests.sandbox_api import Api, make_sandbox

ROUNDS = 30
LATE_MS = (0, 40)
WAIT_S = 10
AGAIN = "tests/faults/test_sandbox_mixed.py::test_the_log_accounts_for_every_frame"


def mixed(seed: int) -> list[Fault]:
    """Some of the kinds, each often enough to be met within a test."""
    rng = np.random.default_rng(seed)
    share = Decimal("0.15")
    window = {"start_s": Decimal("0.1"), "duration_s": Decimal("0.05"), "every_s": Decimal("0.2")}
    half = window | {"share": Decimal("0.5")}
    all_kinds: list[Fault] = [
        Drop(share=share),
        Duplicate(share=share),
        Malformed(share=share),
        Delay(share=share, delay_ms=LATE_MS),
        Reorder(share=share, delay_ms=LATE_MS),
        msgspec.convert(half | {"kind": "freeze"}, Freeze),
        msgspec.convert(half | {"kind": "lose"}, Lose),
        msgspec.convert(half | {"kind": "disconnect", "code": 1012}, Disconnect),
        msgspec.convert(half | {"kind": "disconnect"}, Disconnect),
        msgspec.convert(half | {"kind": "refuse", "status": 503}, Refuse),
        msgspec.convert(window | {"kind": "refuse"}, Refuse),
    ]
    return [fault for fault in all_kinds if rng.random() < 0.6]


class Exchange:
    """A server under faults, everything it published, and everything that faults did."""

    def __init__(self, server: Server, frames: MarketFrames, seed: int) -> None:
        self.server = server
        self.published: list[Published] = []
        self.deeds: list[Deed] = []
        self.numbers: dict[int, int] = {}
        """Connections by the client's port."""
        self._rng = np.random.default_rng(seed)
        server.run(lambda sandbox: setattr(sandbox.faults, "tell", self._hear))
        frames.listeners.append(self.published.extend)
        self._api = server.run(Api)
        self.tokens = server.run(_tokens)

    def _hear(self, deed: Deed) -> None:
        self.deeds.append(deed)
        if deed.kind == OPENED:
            self.numbers[int(deed.peer.rpartition(":")[2])] = deed.connection

    def start(self, faults: list[Fault]) -> None:
        def start(sandbox: Sandbox) -> None:
            for fault in faults:
                sandbox.faults.start(fault)

        self.server.run(start)

    def stop(self, faults: list[Fault]) -> None:
        def stop(sandbox: Sandbox) -> None:
            for number in range(1, len(faults) + 1):
                sandbox.faults.stop(number)

        self.server.run(stop)

    def trade(self) -> None:
        """A resting order or a trade, in one of the first markets."""
        slugs = [entry.listed.market.slug for entry in self._api.sandbox.catalogue.markets[:3]]
        slug, side = slugs[int(self._rng.integers(3))], (BUY, SELL)[int(self._rng.integers(2))]
        price_e4 = 100 * int(self._rng.integers(30, 70))
        self.server.run(lambda _: self._api.rest(slug, side, price_e4, 10))


def _tokens(sandbox: Sandbox) -> list[str]:
    return [t for entry in sandbox.catalogue.markets[:3] for t in entry.listed.tokens()]


class Recorder:
    """What one connection got: what was published from `first` on, as far as faults let it."""

    def __init__(self, client: ClientConnection, first: int) -> None:
        self.client, self.first = client, first
        self.port = client.local_address[1]
        self.got: list[bytes] = []
        self.pongs = 0
        self.is_cut = False
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self.client:
                raw = message.encode() if isinstance(message, str) else message
                self.pongs += raw == b"PONG"
                if raw != b"PONG":
                    self.got.append(raw)
        self.is_cut = True

    async def pong(self) -> None:
        """Return once everything before now has been read, or the connection was cut."""
        wanted = self.pongs + 1
        with suppress(ConnectionClosed):
            await self.client.send("PING")
        while self.pongs < wanted and not self.is_cut:
            await asyncio.sleep(0.001)


async def record(exchange: Exchange) -> Recorder:
    """A new connection with its subscription in force, however long that takes."""
    while True:
        with suppress(OSError, InvalidHandshake):
            client = await connect(exchange.server.servers.market_ws_url, compression=None)
            recorder = Recorder(client, len(exchange.published))
            with suppress(ConnectionClosed):
                text = json.dumps({"type": "market", "assets_ids": exchange.tokens})
                await client.send(text)
            await recorder.pong()
            return recorder
        await asyncio.sleep(0.005)


async def drill(exchange: Exchange, faults: list[Fault]) -> list[Recorder]:
    """Trade through all faults with a recorder that reconnects at once."""
    recorders = [await record(exchange)]
    exchange.start(faults)
    for _ in range(ROUNDS):
        if recorders[-1].is_cut:
            recorders.append(await record(exchange))
        for _ in range(3):
            exchange.trade()
        await asyncio.sleep(0.01)
    exchange.stop(faults)
    await asyncio.sleep(2 * LATE_MS[1] / 1_000)
    await recorders[-1].pong()
    for recorder in recorders:
        await recorder.client.close()
        await recorder.reading
    return recorders


def account(exchange: Exchange, recorder: Recorder) -> None:
    """A connection got what was published, less and more what the log says of it."""
    connection = exchange.numbers[recorder.port]
    deeds = [deed for deed in exchange.deeds if deed.connection == connection]
    gone = {deed.n for deed in deeds if deed.kind in ("drop", "freeze", "lose")}
    bad = {deed.n for deed in deeds if deed.kind == "malformed"}
    twice = Counter(deed.n for deed in deeds if deed.kind == "duplicate")
    copies = {
        frame.payload: 1 + twice[frame.number]
        for frame in exchange.published[recorder.first :]
        if not frame.is_custom and frame.number not in gone | bad
    }
    got = Counter(recorder.got)
    others = sum(got.values()) - sum(got[payload] for payload in copies)
    # Beside the good frames: the bad ones, and the books on subscription, which have no number.
    others_sent = sum(1 + twice[n] for n in (bad | {0}) - gone)
    if any(deed.kind == "disconnect" for deed in deeds):
        assert all(got[payload] <= times for payload, times in copies.items())
        assert others <= others_sent
    else:
        assert {payload: got[payload] for payload in copies} == copies
        assert others == others_sent


def check(seed: int) -> None:
    sandbox = make_sandbox(seed)
    frames = MarketFrames(sandbox)
    with Server(sandbox, frames=frames) as server:
        exchange = Exchange(server, frames, seed)
        faults = mixed(seed)
        recorders = asyncio.run(asyncio.wait_for(drill(exchange, faults), WAIT_S))
    try:
        for recorder in recorders:
            account(exchange, recorder)
    except AssertionError as error:
        error.add_note(f"again: pytest '{AGAIN}[{seed}]' -m 'fuzz_long or not fuzz_long'")
        raise
    kinds = {fault.kind for fault in faults} - {"refuse", "disconnect", "freeze", "lose"}
    assert kinds <= {deed.kind for deed in exchange.deeds}


SEEDS = [*range(8), *(pytest.param(seed, marks=pytest.mark.fuzz_long) for seed in range(8, 108))]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_log_accounts_for_every_frame(seed: int) -> None:
    check(seed)
