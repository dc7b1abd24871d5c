"""Private requests to the CLOB: signed, with a deadline, over connections that stay open."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self

import httpx

from hfptm import clock
from hfptm.venue.account import Account

DEADLINE_S = 2.0
KEPT_S = 60
"""How long an idle connection is kept; the heartbeat uses one every few seconds anyway."""

_CONNECTIONS = 20
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class NoReplyError(Exception):
    """Nothing came back in time. `is_sent` says whether the request may have arrived."""

    def __init__(self, problem: str, *, is_sent: bool) -> None:
        self.is_sent = is_sent
        super().__init__(problem)


class Clob:
    """One account at one address. Use as an async context manager."""

    def __init__(self, base_url: str, account: Account, deadline_s: float = DEADLINE_S) -> None:
        self.base_url = base_url
        self._account, self._deadline_s = account, deadline_s
        limits = httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=KEPT_S)
        self._http = httpx.AsyncClient(base_url=base_url, limits=limits, timeout=deadline_s)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def request(
        self, method: str, path: str, body: bytes = b"", query: Mapping[str, str] | None = None
    ) -> Reply:
        """Send once, never again by itself. Raises NoReplyError."""
        headers = self._account.headers(method, path, body, clock.wall_ns())
        if body:
            headers["Content-Type"] = "application/json"
        try:
            async with asyncio.timeout(self._deadline_s):
                reply = await self._http.request(
                    method, path, content=body, headers=headers, params=query
                )
        except _NEVER_LEFT as error:
            raise NoReplyError(f"no connection ({_name(error)})", is_sent=False) from error
        except (httpx.RequestError, TimeoutError) as error:
            raise NoReplyError(f"no answer ({_name(error)})", is_sent=True) from error
        return Reply(reply.status_code, reply.headers, reply.content)


def _name(error: Exception) -> str:
    return str(error) or type(error).__name__
