"""`/health` and `/metrics` over HTTP, on this machine only."""

import asyncio
from typing import Self

import msgspec

from hfptm.errors import ConfigError
from hfptm.feed_status import FeedStatus
from recorder.metrics import metrics_text

HOST = "127.0.0.1"
REQUEST_S = 5.0
"""What a client may take to say what it wants."""

_JSON, _TEXT = "application/json", "text/plain; version=0.0.4"
Reply = tuple[str, str, bytes]


class Health:
    """Use as an async context manager; `note` a status now and then. Port 0 takes any free one.

    `/health` answers 200 and the status as JSON, or 503 if it has problems or there is none yet.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._status: FeedStatus | None = None

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(self._answer, HOST, self.port)
        except OSError as error:
            problem = f"{self.port} cannot be listened on ({error.strerror}); choose another"
            raise ConfigError("recorder", "recorder.status_port", problem) from error
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def note(self, status: FeedStatus) -> None:
        self._status = status

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_S)
            state, kind, body = self._reply(head.split(b"\r\n", 1)[0].decode("latin-1"))
            lines = (
                f"HTTP/1.1 {state}",
                f"content-type: {kind}",
                f"content-length: {len(body)}",
                "connection: close",
            )
            writer.write("\r\n".join((*lines, "", "")).encode() + body)
            await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            return  # whoever asked has gone, or does not speak HTTP
        finally:
            writer.close()

    def _reply(self, request: str) -> Reply:
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method != "GET" or path not in ("/health", "/metrics"):
            return "404 Not Found", _TEXT, b"GET /health or /metrics\n"
        status = self._status
        if path == "/metrics":
            return "200 OK", _TEXT, metrics_text(status).encode() if status else b""
        if status is None:
            return "503 Service Unavailable", _JSON, b'{"problems":["starting"]}\n'
        state = "503 Service Unavailable" if status.problems else "200 OK"
        return state, _JSON, msgspec.json.encode(status) + b"\n"
