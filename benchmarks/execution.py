"""How fast a frame becomes orders: `python -m benchmarks.execution [--json]`."""

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
import uvloop

from benchmarks.capture import UNBOUND
from benchmarks.child import Child, child
from benchmarks.exchange import LEGS, Deal, serve
from benchmarks.report import Figure, main
from benchmarks.tap import Seen, Tap
from hfptm.cli.live_run import traded
from hfptm.cli.recording import Pairs
from hfptm.config import load
from hfptm.drive.inputs import LIVE, Start
from hfptm.drive.order_log import read_orders
from hfptm.engine import compile_kernels
from hfptm.feed_status import FeedStatus
from hfptm.journal import read_run
from hfptm.kernel.plans import try_of
from hfptm.secrets import load as load_secrets
from hfptm.units import NS_PER_MS

ABOUT = """`hfptm live` whole, in a process of its own, at a sandbox in another one: from when the
frame that completes a basket was read off its socket, which its row bears, to the last
byte of the request at the other end of the order's socket, where a relay looks. Decoding, kernel,
signing, journal, recording and metrics are in it, and the recording of 200 other frames a second
beside it. The first basket of each size is a figure of its own."""

SETTINGS = (
    *UNBOUND,
    "trading.mode=live",
    "trading.complete_sets=merge",
    "trading.bankroll_usd=900000",
    "trading.max_arb_size_usd=1000",
    "discovery.min_volume_24h_usd=0",
    "discovery.min_liquidity_usd=0",
    "discovery.refresh_interval_s=2",
)
"""No limit binds; the last of them win."""

FEWEST = 3
"""Baskets of a size, for figures."""

STARTED_S, BASKET_S, ENDED_S = 180.0, 1.0, 120.0


class Sizes(NamedTuple):
    baskets: int = 100
    """Of each number of legs."""
    period_s: float = 0.25
    first_s: float = 3.0
    """Between the last first book and the first basket."""


def measure(sizes: Sizes) -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="hfptm-benchmark-") as folder,
        child(serve, sizes.baskets, sizes.period_s) as exchange,
    ):
        data = Path(folder)
        deal: Deal = exchange.hear(STARTED_S)
        seen: list[Seen] = []
        uvloop.run(_run(deal, data, sizes, seen, exchange))
        exchange.tell("end")
        (run,) = (data / "runs").iterdir()
        return list(_figures(data, run.name, seen))


async def _run(deal: Deal, data: Path, sizes: Sizes, seen: list[Seen], exchange: Child) -> None:
    address = urlsplit(deal.servers["clob_url"])
    loop = asyncio.get_running_loop()
    host, port = str(address.hostname), int(address.port or 0)
    tap = await loop.create_server(lambda: Tap(host, port, seen), host, 0)
    relay = tap.sockets[0].getsockname()[1]
    servers = deal.servers | {"clob_url": f"http://{host}:{relay}"}
    async with tap:
        with child(trade, servers, deal.secrets, str(data)) as trader:
            await asyncio.to_thread(trader.hear, STARTED_S, exchange)
            await asyncio.sleep(sizes.first_s)
            exchange.tell("go")
            lasts_s = sizes.baskets * len(LEGS) * (sizes.period_s + BASKET_S)
            await asyncio.to_thread(exchange.hear, lasts_s, trader)
            trader.tell("end")
            await asyncio.to_thread(trader.hear, ENDED_S, exchange)


def trade(pipe: Pipe, servers: dict[str, str], secrets: dict[str, str], data: str) -> None:
    """`hfptm live`, from where all that forbids a start was looked at; until it is told to end."""
    overrides = [f"server.{name}={address}" for name, address in servers.items() if address]
    settings = load(None, [*SETTINGS, *overrides], {})
    variables = {f"POLYMARKET_{name}": value for name, value in secrets.items()}
    account_of = (Start(mode=LIVE), load_secrets(Path("none"), variables))
    is_told = False
    compile_kernels()

    def shown(status: FeedStatus, more: Pairs = ()) -> None:
        nonlocal is_told
        if not is_told and status.markets and not status.waiting:
            is_told = True
            pipe.send("started")
        if more and pipe.poll():
            signal.raise_signal(signal.SIGTERM)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(traded(settings, Path(data), account_of, None, shown))
    pipe.send("ended")


class _Salted(msgspec.Struct):
    salt: int


class _Posted(msgspec.Struct):
    order: _Salted


def _figures(data: Path, run_id: str, seen: list[Seen]) -> Iterator[Figure]:
    spans = _spans_ns(data, run_id, seen)
    for legs in LEGS:
        if len(spans[legs]) < FEWEST:
            raise RuntimeError(f"only {len(spans[legs])} baskets of {legs} legs were bought")
        first, *later = spans[legs]
        cuts = [cut / NS_PER_MS for cut in quantiles(later, n=100, method="inclusive")]
        note = f"{legs} legs, {len(later)} baskets"
        middle = (cuts[4], cuts[94])
        yield Figure(f"tick_to_order_ms_p50_{legs}", cuts[49], "ms", middle, note)
        yield Figure(f"tick_to_order_ms_p99_{legs}", cuts[98], "ms", None, note)
        yield Figure(f"first_ms_{legs}", first / NS_PER_MS, "ms", None, "the first of the run")


def _spans_ns(data: Path, run_id: str, seen: list[Seen]) -> dict[int, list[int]]:
    """By number of legs, of each request of entry orders: from its frame to its last byte."""
    orders = {line.fields.salt: line.order for line in read_orders(data / "runs" / run_id)}
    intents = read_run(data, run_id).rows("intents")
    decided_ns = dict(zip(intents["order"].tolist(), intents["ts_ns"].tolist(), strict=True))
    spans: dict[int, list[int]] = {legs: [] for legs in LEGS}
    for request in seen:
        if request.line == b"POST /orders":
            posted = msgspec.json.decode(request.body, type=list[_Posted])
            numbers = [orders[each.order.salt] for each in posted]
            if len(numbers) in spans and not any(map(try_of, numbers)):
                spans[len(numbers)].append(request.ts_ns - decided_ns[numbers[0]])
    return spans


if __name__ == "__main__":
    main("execution", ABOUT, lambda: measure(Sizes()))
