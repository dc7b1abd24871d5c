"""The dashboard on a socket: uvicorn, with limits to connections and no signals of its own."""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from hfptm.clock import monotonic_ns
from hfptm.dash.connections import HEAD_BYTES_MAX, IDLE_S, Connection
from hfptm.errors import ConfigError
from hfptm.units import NS_PER_S

_BACKLOG = 1_024
_GRACE_S = 1
_LOOK_S = 0.1


def is_own(address: str) -> bool:
    """Whether only this machine reaches it. Raises ConfigError for what is no IP address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError as error:
        problem = f"{address} is no IP address; write 127.0.0.1, or 0.0.0.0 for all of this machine"
        raise ConfigError("dashboard", "dashboard.address", problem) from error


def listen(address: str, port: int, wait_s: float = 0.0) -> socket.socket:
    """A socket that listens; port 0 is any free one.

    Raises ConfigError if that cannot be, and still cannot `wait_s` later: whoever has the port may
    be about to end.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    end_ns = monotonic_ns() + int(wait_s * NS_PER_S)
    while True:
        # Named TCP, because asyncio sends small packets at once only on sockets that say so.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((address, port))
            listening.listen(_BACKLOG)
        except OSError as error:
            listening.close()
            if monotonic_ns() >= end_ns:
                problem = f"{address}:{port} cannot be listened on ({error.strerror})"
                advice = "end what has it, or choose another"
                raise ConfigError("dashboard", "dashboard.port", f"{problem}; {advice}") from error
        else:
            return listening
        threading.Event().wait(_LOOK_S)


def address_of(listening: socket.socket) -> str:
    """As a browser on this machine has it: "http://127.0.0.1:3000"."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


async def serve(app: ASGIApp, listening: socket.socket, stop: asyncio.Event) -> None:
    """Until `stop`; what is being answered then is given a second."""
    server = _Server(
        uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            h11_max_incomplete_event_size=HEAD_BYTES_MAX,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=_GRACE_S,
            backlog=_BACKLOG,
            log_config=None,
            log_level="error",  # below it, a line for every client that speaks no HTTP
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: whoever serves says when it ends."""
        yield
