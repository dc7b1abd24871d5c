"""Private requests to the CLOB: signed, with a deadline, over connections that stay open."""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from httpx import create_ssl_context

from hfptm import clock
from hfptm.drive.connection import Connection, Reply, connect
from hfptm.units import NS_PER_S
from hfptm.venue.account import Account

DEADLINE_S = 2.0
KEPT_NS = 60 * NS_PER_S
"""How long an idle connection is kept. The longest idle one is used first, so the heartbeat alone
keeps all of them."""

WARM = 4
"""Idle connections that are open before they are needed, however many wait for answers."""

_KEPT_MAX = 20
_log = logging.getLogger(__name__)


class NoReplyError(Exception):
    """Nothing came back in time. `is_sent` says whether the request may have arrived."""

    def __init__(self, problem: str, *, is_sent: bool) -> None:
        self.is_sent = is_sent
        super().__init__(problem)


class Clob:
    """One account at one address. Use as an async context manager."""

    def __init__(self, base_url: str, account: Account, deadline_s: float = DEADLINE_S) -> None:
        self.base_url = base_url
        self._address = urlsplit(base_url)
        self._account, self._deadline_s = account, deadline_s
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()
        self._warming: asyncio.Task[None] | None = None
        is_safe = self._address.scheme == "https"
        self._context = create_ssl_context() if is_safe else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._warming:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        for connection in (*self._idle, *self._busy):
            connection.close()
        await asyncio.sleep(0)  # transports are let go in the loop's next round

    def request(
        self, method: str, path: str, body: bytes = b"", query: Mapping[str, str] | None = None
    ) -> Coroutine[Any, Any, Reply]:
        """Send once, never again by itself: in this call, if a connection is there; once the
        deadline is over not at all. What it returns raises NoReplyError, and has to be awaited."""
        end_ns = clock.monotonic_ns() + round(self._deadline_s * NS_PER_S)
        text = self._text(method, path, body, query)
        connection = self._take()
        answer = connection.ask(text) if connection else None
        _log.debug("%s %s", method, path)
        return self._reply(text, end_ns, connection, answer)

    async def _reply(
        self,
        text: bytes,
        end_ns: int,
        connection: Connection | None,
        answer: "asyncio.Future[Reply] | None",
    ) -> Reply:
        reply = None
        try:
            async with asyncio.timeout(self._deadline_s):
                if connection is None or answer is None:
                    connection = await connect(self._address, self._context)
                    self._busy.add(connection)
                    if clock.monotonic_ns() > end_ns:  # this process was held up in between
                        raise TimeoutError
                    answer = connection.ask(text)
                reply = await answer
        except OSError as error:  # a TimeoutError is one
            is_sent = answer is not None
            problem = "no answer" if is_sent else "no connection"
            raise NoReplyError(f"{problem} ({_name(error)})", is_sent=is_sent) from error
        finally:
            if connection is not None:
                self._put_back(connection, is_answered=reply is not None)
        self._warm()
        return reply

    def _text(self, method: str, path: str, body: bytes, query: Mapping[str, str] | None) -> bytes:
        headers = self._account.headers(method, path, body, clock.wall_ns())
        headers |= {"Host": self._address.netloc, "Accept": "*/*", "User-Agent": "hfptm"}
        if body or method != "GET":
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        target = f"{self._address.path}{path}" + (f"?{urlencode(query)}" if query else "")
        lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def _take(self) -> Connection | None:
        """The one that was idle longest; those that were so for too long are closed."""
        while self._idle:
            connection = self._idle.popleft()
            if connection.is_open and clock.monotonic_ns() - connection.since_ns < KEPT_NS:
                self._busy.add(connection)
                return connection
            connection.close()
        return None

    def _put_back(self, connection: Connection, *, is_answered: bool) -> None:
        self._busy.discard(connection)
        if is_answered and connection.is_open and len(self._idle) < _KEPT_MAX:
            connection.since_ns = clock.monotonic_ns()
            self._idle.append(connection)
        else:
            connection.close()

    def _warm(self) -> None:
        """The exchange has just answered: open what is missing, beside everything else."""
        if len(self._idle) < WARM and self._warming is None:
            self._warming = asyncio.create_task(self._open_more())

    async def _open_more(self) -> None:
        try:
            while len(self._idle) < WARM:
                async with asyncio.timeout(self._deadline_s):
                    self._put_back(await connect(self._address, self._context), is_answered=True)
        except OSError as error:
            _log.info("no connection in advance: %s", _name(error))
        finally:
            self._warming = None


def _name(error: Exception) -> str:
    return str(error) or type(error).__name__
