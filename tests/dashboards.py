"""A dashboard on a real socket, in a thread, over a folder that tests write bulletins to."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import msgspec

from hfptm.alerts import Watch
from hfptm.bulletin import Bulletin, write
from hfptm.clock import wall_ns
from hfptm.config import Config
from hfptm.dash.access import Access
from hfptm.dash.app import Dashboard
from hfptm.dash.monitor import Monitor, Switch
from hfptm.dash.server import address_of, listen, serve
from hfptm.drive import kill_switch
from hfptm.secrets import Secret
from hfptm.units import NS_PER_S
from tests.bulletins import PAPER

TOKEN = "a-token-of-the-tests-0123456789"

STARTED_S = 10.0


class Served:
    """One that runs."""

    def __init__(self, data: Path, token: str | None) -> None:
        self.data = data
        self.access = Access(Secret(token) if token else None)
        switch = Switch(
            reason=lambda: kill_switch.reason_of(data),
            throw=lambda reason: kill_switch.throw(data, reason),
        )
        self.monitor = Monitor(data, switch, Watch(data, Config(), (), switch.reason))
        self._app = Dashboard(self.monitor, self.access).app()
        self._listening = listen("127.0.0.1", 0)
        self.url = address_of(self._listening)
        self.port = int(self.url.rpartition(":")[2])
        self._started = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(),), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(STARTED_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STARTED_S)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._started.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(serve(self._app, self._listening, self._stop))
            tasks.create_task(self.monitor.run(self._stop))
        self._listening.close()

    def tell(self, bulletin: Bulletin = PAPER, age_ns: int = 0) -> Bulletin:
        """As the running program would, now."""
        told = msgspec.structs.replace(bulletin, told_ns=wall_ns() - age_ns)
        self.data.mkdir(exist_ok=True)
        write(self.data, told)
        return told

    def wait(self) -> None:
        """Until there is a bulletin."""
        pause, end_ns = threading.Event(), wall_ns() + int(STARTED_S * NS_PER_S)
        while self.monitor.seen().bulletin is None:
            assert wall_ns() < end_ns
            pause.wait(0.02)

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers)

    def get(self, path: str, **headers: str) -> httpx.Response:
        with self.client(**headers) as client:
            return client.get(path)

    def raw(self, *sent: bytes, wait_s: float = 10.0) -> bytes:
        """All that is answered to these bytes, until the other end closes."""
        with self.connect() as connection:
            connection.settimeout(wait_s)
            for part in sent:
                connection.sendall(part)
            return read_all(connection)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


def read_all(connection: socket.socket) -> bytes:
    """Until the end, or until nothing came for the socket's own time."""
    read = b""
    with suppress(TimeoutError, ConnectionResetError):
        while part := connection.recv(1 << 16):
            read += part
    return read


@contextmanager
def dashboard(data: Path, token: str | None = None) -> Iterator[Served]:
    served = Served(data, token)
    served.start()
    try:
        yield served
    finally:
        served.stop()
