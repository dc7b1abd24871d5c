"""GET requests to one address of the exchange, asked again where asking again may help."""

import asyncio
import logging
from types import TracebackType
from typing import Self

import httpx
import numpy as np

from hfptm.errors import VenueError

TIMEOUT_S = 10
TRIES = 6
"""With the waits in between, an address is given up after about 8 s of refusals."""

AT_ONCE = 10
"""Connections at most; more questions wait for one."""

KEPT_S = 120.0
"""How long an idle one is kept: opening one costs more than asking."""

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 30.0

_NOT_FOUND = 404
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Too slow, restarting, too many requests, or broken for a moment (reference, section 3.5)."""

Query = tuple[tuple[str, str], ...]
_log = logging.getLogger(__name__)


class Rest:
    """One address. Use as an async context manager.

    `setting` names the address in errors; `rng` spreads the waits, so that clients which failed
    together do not come back together.
    """

    def __init__(self, base_url: str, setting: str, rng: np.random.Generator) -> None:
        self.retries = 0
        self._base_url, self._setting, self._rng = base_url, setting, rng
        timeout = httpx.Timeout(TIMEOUT_S, pool=None)
        limits = httpx.Limits(max_connections=AT_ONCE, keepalive_expiry=KEPT_S)
        self._client = httpx.AsyncClient(base_url=base_url, timeout=timeout, limits=limits)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(kind, error, traceback)

    async def get(self, path: str, query: Query = ()) -> bytes | None:
        """The body of the reply, None for 404. Raises VenueError for any other failure."""
        for attempt in range(TRIES):
            wait_s = self._backoff_s(attempt)
            try:
                reply = await self._client.get(path, params=query)
            except httpx.RequestError as error:
                problem = f"no answer ({str(error) or type(error).__name__})"
            else:
                if reply.status_code == _NOT_FOUND:
                    return None
                if reply.is_success:
                    return reply.content
                problem = f"answered {reply.status_code} ({reply.text[:200]})"
                if reply.status_code not in _AGAIN:
                    break
                wait_s = max(wait_s, _retry_after_s(reply))
            if attempt + 1 < TRIES:
                self.retries += 1
                _log.info("%s%s: %s; again in %.1f s", self._base_url, path, problem, wait_s)
                await asyncio.sleep(wait_s)
        raise VenueError(f"{self._base_url}{path}", self._setting, problem)

    def _backoff_s(self, attempt: int) -> float:
        """Doubling, and anywhere in its upper half."""
        longest_s = min(FIRST_WAIT_S * (1 << attempt), LONGEST_WAIT_S)
        return longest_s * float(self._rng.uniform(0.5, 1.0))


def _retry_after_s(reply: httpx.Response) -> float:
    text = str(reply.headers.get("retry-after", ""))
    return min(float(text), LONGEST_WAIT_S) if text.isascii() and text.isdigit() else 0.0
