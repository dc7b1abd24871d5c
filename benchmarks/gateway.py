"""How fast orders are sent: `python -m benchmarks.gateway [--json]`."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import quantiles

import msgspec

from benchmarks.report import Figure, main
from hfptm import clock
from hfptm.drive.clob import Clob
from hfptm.drive.gateway import Gateway
from hfptm.drive.order_log import OrderLog
from hfptm.records import Side, Token
from hfptm.registry import Market
from hfptm.sandbox.faults_kinds import Slow
from hfptm.sandbox.opening import list_universe
from hfptm.sandbox.rate_limits import Tier
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.sandbox.universe import make_universe
from hfptm.secrets import Secret, Secrets
from hfptm.units import NS_PER_MS, ONE_E6
from hfptm.venue.account import Account, Placement, Posting, SignedOrder, TimeInForce
from hfptm.venue.client import secure_client
from hfptm.venue.signing import Signer

ABOUT = """A sandbox on loopback, in a thread of the same process: its work, which checks every
signature, is in every figure of a batch and of requests in parallel. Resting orders of 10 shares;
connections warm; medians of 50, with the middle nine tenths. `late` adds 20 ms to every answer, as
a network would."""

REPETITIONS = 50
LATE_MS = 20
KEY = "0x" + "11" * 32
FUNDS_E6 = 10_000_000 * ONE_E6

Send = Callable[[Clob, Sequence[Posting]], Awaitable[None]]


class Bench:
    """Signs and sends; every order is another one."""

    def __init__(self, server: Server, market: Market) -> None:
        self.account = Account(server.run(_secrets))
        self._server, self._market = server, market
        self._orders = 0

    def placements(self, count: int) -> list[Placement]:
        self._orders += count
        return [
            Placement(
                order=self._orders - number,
                decided_ns=clock.wall_ns(),
                market=self._market,
                token=Token.YES,
                side=Side.BID,
                price_e4=3_000,
                size_e6=10 * ONE_E6,
                time_in_force=TimeInForce.GTC,
            )
            for number in range(count)
        ]

    def sign(self, count: int) -> list[SignedOrder]:
        return [self.account.sign(p, clock.wall_ns()) for p in self.placements(count)]

    def signing(self) -> Figure:
        spans = [_span_ns(lambda: self.sign(1)) for _ in range(REPETITIONS)]
        return _figure("sign_ms", spans, "build and sign one order")

    def syncing(self) -> Figure:
        """What waiting for the disk before each order would add."""
        spans = []
        (signed,) = self.sign(1)
        with (
            tempfile.TemporaryDirectory(prefix="hfptm-benchmark-") as folder,
            OrderLog(Path(folder)) as log,
        ):
            for _ in range(4 * REPETITIONS):
                log.write([signed])
                spans.append(_span_ns(log.sync))
        return _figure("sync_ms", spans, "fdatasync after the line of an order")

    async def sending(self, name: str, send: Send, legs: int, note: str) -> Figure:
        spans = []
        async with Clob(self._server.clob_url, self.account) as clob:
            for _ in range(REPETITIONS + 1):
                postings = [self.account.posting(order) for order in self.sign(legs)]
                began_ns = clock.monotonic_ns()
                await send(clob, postings)
                spans.append(clock.monotonic_ns() - began_ns)
        return _figure(f"{name}_ms_{legs}", spans[1:], f"{legs} legs {note}")

    async def client(self) -> Figure:
        """The same by the exchange's own client, with the market's metadata in its cache."""
        secrets, spans = self._server.run(_secrets), []
        client = await secure_client(
            self._server.servers, private_key=KEY, wallet=secrets.funder_address
        )
        async with client:
            for _ in range(REPETITIONS + 1):
                began_ns = clock.monotonic_ns()
                await client.create_limit_order(
                    asset_id=self._market.yes_token, price="0.3", size=10, side="BUY"
                )
                spans.append(clock.monotonic_ns() - began_ns)
        return _figure("client_create_ms", spans[1:], "polymarket-client's create_limit_order")


class Socket(asyncio.Protocol):
    """Whoever listens at the other end: when a request was whole, and an answer that says nothing.

    Gateways then know of no end of their orders, which is no matter here.
    """

    whole_ns = 0

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, _, body = self._received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if length and len(body) >= int(length):
            Socket.whole_ns, self._received = clock.monotonic_ns(), b""
            assert isinstance(self._transport, asyncio.Transport)
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")


async def to_socket(bench: Bench, legs: int) -> Figure:
    """From the call of `Gateway.send` to the request's last byte at a socket of this process."""
    loop, spans = asyncio.get_running_loop(), []
    listening = await loop.create_server(Socket, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, Clob(url, bench.account) as clob:
        for _ in range(REPETITIONS + 1):
            # A gateway each: no order of the last one holds the market.
            gateway = Gateway(clob, bench.account, lambda _: None, lambda _: None)
            began_ns = clock.monotonic_ns()
            await gateway.send(bench.placements(legs))
            spans.append(Socket.whole_ns - began_ns)
    return _figure(f"to_socket_ms_{legs}", spans[1:], f"{legs} legs signed and sent, journal apart")


async def batch(clob: Clob, postings: Sequence[Posting]) -> None:
    await _post(clob, "/orders", postings)


async def parallel(clob: Clob, postings: Sequence[Posting]) -> None:
    await asyncio.gather(*(_post(clob, "/order", posting) for posting in postings))


async def _post(clob: Clob, path: str, posting: object) -> None:
    reply = await clob.request("POST", path, msgspec.json.encode(posting))
    if reply.status != 200:
        raise RuntimeError(f"{path} was answered {reply.status} ({reply.body!r})")


def measure() -> list[Figure]:
    sandbox = Sandbox(seed=1)
    now_ns = clock.wall_ns()
    sandbox.advance(now_ns, now_ns)
    list_universe(sandbox, make_universe(1), now_ns)
    address = Signer(KEY).address
    sandbox.fund(address, FUNDS_E6)
    sandbox.limits.assign(address, Tier.ELITE)
    market = sandbox.catalogue.markets[0].listed.market
    with Server(sandbox) as server:
        return asyncio.run(_measure(server, Bench(server, market)))


async def _measure(server: Server, bench: Bench) -> list[Figure]:
    figures = [bench.signing(), bench.syncing(), await bench.client()]
    figures += [await to_socket(bench, legs) for legs in (2, 10)]
    for legs in (2, 10):
        figures.append(await bench.sending("batch", batch, legs, "in one request"))
        figures.append(await bench.sending("parallel", parallel, legs, "in a request each"))
    server.run(lambda s: s.faults.start(Slow(delay_ms=(LATE_MS, LATE_MS))))
    for legs in (2, 10):
        figures.append(await bench.sending("batch_late", batch, legs, "in one request"))
        figures.append(await bench.sending("parallel_late", parallel, legs, "in a request each"))
    return figures


def _secrets(sandbox: Sandbox) -> Secrets:
    address = Signer(KEY).address
    made = sandbox.keys.create(address, 0) or sandbox.keys.derive(address, 0)
    if made is None:
        raise RuntimeError("the sandbox gave no credentials")
    return Secrets(
        private_key=Secret(KEY),
        api_key=Secret(made.api_key),
        api_secret=Secret(made.secret),
        api_passphrase=Secret(made.passphrase),
        funder_address=address,
        signature_type=0,
    )


def _span_ns(use: Callable[[], object]) -> int:
    began_ns = clock.monotonic_ns()
    use()
    return clock.monotonic_ns() - began_ns


def _figure(name: str, spans_ns: list[int], note: str) -> Figure:
    """The median, and the middle nine tenths."""
    cuts = [cut / NS_PER_MS for cut in quantiles(spans_ns, n=20)]
    return Figure(name, cuts[9], "ms", (cuts[0], cuts[18]), note)


if __name__ == "__main__":
    main("gateway", ABOUT, measure)
