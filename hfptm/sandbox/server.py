"""The sandbox on the network: Gamma, CLOB and its channels on loopback, in a thread of their own.

Handlers run one at a time on that loop; while it runs, others reach the sandbox through `run`. What
is due happens before each call, and between calls soon after its time.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from typing import Self, TypeVar

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from hfptm import clock
from hfptm.errors import ConfigError
from hfptm.sandbox import node
from hfptm.sandbox.calls import Clock
from hfptm.sandbox.market_frames import FrameSource, MarketFrames
from hfptm.sandbox.routes import GEOBLOCK_PATH, as_routes, clob_table, gamma_table
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.sockets import MARKET_PATH, USER_PATH, Sockets
from hfptm.sections import Servers
from hfptm.units import NS_PER_S

HOST = "127.0.0.1"
"""It never listens anywhere else."""

LEAST_REST_S, MOST_REST_S = 0.004, 0.01
"""Between looking what is due. The shorter one lets a few things happen at once, and holds the loop
for well below a millisecond at thousands of frames a second; the longer one is for clients' clocks
and faults, which have no due time."""

_START_S = 10
_STOP_S = 10
_KEEP_ALIVE_S = 60
_GRACE_S = 1

Result = TypeVar("Result")


class Server:
    """Serves a sandbox from `start` to `stop`, or within a `with` block, once.

    `now_ns` is the exchange's clock, `wall_ns` that of its clients. Subscribers get what `frames`
    prints, if others listen to it too. Routes in `further` are served at the CLOB's address. A port
    of 0 becomes any free one.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        now_ns: Clock = clock.wall_ns,
        wall_ns: Clock = clock.wall_ns,
        clob_port: int = 0,
        gamma_port: int = 0,
        ws_port: int = 0,
        frames: FrameSource | None = None,
        further: Sequence[BaseRoute] = (),
    ) -> None:
        self.sandbox = sandbox
        self._true_ns = now_ns
        self._now_ns, self._wall_ns = _skewed(now_ns, sandbox), _skewed(wall_ns, sandbox)
        clob = as_routes(clob_table(sandbox), sandbox, self._now_ns, self._wall_ns)
        gamma = as_routes(gamma_table(sandbox), sandbox, self._now_ns, self._wall_ns)
        apps = (Starlette(routes=[*further, *clob]), Starlette(routes=gamma))
        self._channels = Sockets(
            sandbox, frames or MarketFrames(sandbox), self._advance, self._bind_channels
        )
        self._ports = (("clob_port", clob_port), ("gamma_port", gamma_port), ("ws_port", ws_port))
        self._started: Future[None] = Future()
        self._sockets: list[socket.socket] = []
        self._servers = [uvicorn.Server(_config(app)) for app in apps]
        self.clob_url = ""
        self.gamma_url = ""
        self.ws_url = ""

    @property
    def servers(self) -> Servers:
        """Its addresses, for clients; known once it has started."""
        return Servers(
            clob_url=self.clob_url,
            gamma_url=self.gamma_url,
            market_ws_url=self.ws_url + MARKET_PATH,
            user_ws_url=self.ws_url + USER_PATH,
            rpc_url=self.clob_url + node.PATH,
            geoblock_url=self.gamma_url + GEOBLOCK_PATH,
        )

    @property
    def connections(self) -> int:
        """How many WebSocket connections are open, of both channels."""
        return self._channels.connections

    @property
    def has_ended(self) -> bool:
        """Whether serving is over; if nobody stopped it, `stop` raises what did."""
        return self._ended.done()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Return once all addresses answer. Raises ConfigError for a port that is taken."""
        with ExitStack() as opened:
            self._sockets = [opened.enter_context(listen(*port)) for port in self._ports]
            opened.pop_all()
        clob, gamma, ws = (f"{HOST}:{s.getsockname()[1]}" for s in self._sockets)
        self.clob_url, self.gamma_url, self.ws_url = (
            f"http://{clob}",
            f"http://{gamma}",
            f"ws://{ws}",
        )
        # Made here and not before: a loop that never ran would have to be closed all the same.
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox", daemon=True)
        self._thread.start()
        self._ended = asyncio.run_coroutine_threadsafe(self._serve(), self._loop)
        wait([self._started, self._ended], _START_S, FIRST_COMPLETED)
        if not self._started.done():
            self.stop()

    def stop(self) -> None:
        """Return once nothing runs any more. Raises whatever has ended the serving early."""
        for server in self._servers:
            server.should_exit = True
        try:
            self._ended.result(_STOP_S)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_STOP_S)
            self._loop.close()

    def run(self, function: Callable[[Sandbox], Result]) -> Result:
        """Call a function with the sandbox, up to date, between two handlers."""

        async def call() -> Result:
            self._advance()
            return function(self.sandbox)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(_STOP_S)

    def _bind_channels(self) -> socket.socket:
        """The port of the channels, once nobody listens there."""
        return listen("ws_port", int(self.ws_url.rpartition(":")[2]))

    def _advance(self) -> None:
        self.sandbox.faults.advance(self._true_ns())
        self.sandbox.advance(self._now_ns(), self._wall_ns())

    def _rest_s(self) -> float:
        """Until something is due; none while the exchange is late, but calls go in between."""
        wait_ns = self.sandbox.due_ns() - self._now_ns()
        return min(max(wait_ns / NS_PER_S, LEAST_REST_S), MOST_REST_S) if wait_ns > 0 else 0

    async def _serve(self) -> None:
        """Until `stop`, or an error here, which must not leave the sockets to nobody."""
        *http_sockets, ws_socket = self._sockets
        pairs = zip(self._servers, http_sockets, strict=True)
        serving = [asyncio.create_task(s.serve(sockets=[listening])) for s, listening in pairs]
        await self._channels.serve(ws_socket)
        try:
            while not all(server.started for server in self._servers):
                await asyncio.sleep(LEAST_REST_S)
            self._started.set_result(None)
            while not any(task.done() for task in serving):
                self._advance()
                await self._channels.review()
                await asyncio.sleep(self._rest_s())
        finally:
            for server in self._servers:
                server.should_exit = True
                # An answer that a fault holds back is not waited for.
                for connection in server.server_state.connections:
                    connection.transport.close()
            await asyncio.gather(*serving, self._channels.close())


def listen(name: str, port: int) -> socket.socket:
    """A socket on loopback; a port of 0 is any free one. Raises ConfigError if it is taken."""
    # Named TCP, because asyncio sends small packets at once only on sockets that say so.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise ConfigError("sandbox", name, f"{port} is taken ({error}); use 0 for any") from error
    return listening


def _skewed(read_ns: Clock, sandbox: Sandbox) -> Clock:
    """A clock that is off by what a fault says."""
    return lambda: read_ns() + sandbox.faults.skew_ns


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        http="httptools",
        ws="websockets-sansio",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
