"""An HTTP server on loopback that answers as it is told, and says what it was asked."""

import asyncio
from collections.abc import Callable
from typing import Self

Answer = tuple[int, bytes, dict[str, str]]
"""Status, body and headers; a status of 0 cuts the connection instead."""


class ScriptedServer:
    """`answer` is given the number of the request, from 0, and its path with the query."""

    def __init__(self, answer: Callable[[int, str], Answer]) -> None:
        self.asked: list[str] = []
        self._answer = answer

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        self.asked.append(path)
        status, body, headers = self._answer(len(self.asked) - 1, path)
        if status:
            headers = {"content-length": str(len(body)), "connection": "close", **headers}
            lines = [f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
            writer.write("\r\n".join(lines).encode() + body)
            await writer.drain()
        writer.close()
        await writer.wait_closed()


def ok(body: bytes) -> Answer:
    return 200, body, {}
