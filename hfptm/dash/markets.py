"""Markets by what somebody types, as the catalog has them."""

import asyncio
from pathlib import Path

import msgspec

from hfptm.errors import LakeError
from hfptm.units import NS_PER_S

FOUND_MAX = 50
AGAIN_NS, MISSED_NS = 60 * NS_PER_S, 5 * NS_PER_S
"""What is recorded since is found after so long at most, and sooner by who finds nothing."""

_ALL = "SELECT market, slug, question, event_slug FROM markets ORDER BY valid_from_ns DESC"


class Found(msgspec.Struct, frozen=True):
    market: str
    """Lake id, as text: it has more bits than JavaScript's numbers."""
    slug: str
    question: str
    event_slug: str


class Markets:
    """All markets of a data folder, read when asked for."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._known: list[Found] = []
        self._ids: dict[str, int] = {}
        self._read_ns: int | None = None
        self._reading = asyncio.Lock()

    async def search(self, text: str, now_ns: int) -> list[Found]:
        """Those with every word in their names, the one of this very slug first, then the newest;
        at most `FOUND_MAX`. Raises LakeError."""
        await self._refresh(now_ns, AGAIN_NS)
        if not (found := self._found(text)):
            await self._refresh(now_ns, MISSED_NS)
            found = self._found(text)
        return sorted(found, key=lambda market: market.slug != text)[:FOUND_MAX]

    async def id_of(self, name: str, now_ns: int) -> int | None:
        """The lake id of a slug, or of itself; None if there is none."""
        if name.isascii() and name.isdecimal() and len(name) <= 19:
            return int(name)
        if name not in self._ids:
            await self._refresh(now_ns, MISSED_NS)
        return self._ids.get(name)

    def _found(self, text: str) -> list[Found]:
        words = text.lower().split()
        return [market for market in self._known if all(word in _text(market) for word in words)]

    async def _refresh(self, now_ns: int, after_ns: int) -> None:
        async with self._reading:
            if self._read_ns is None or now_ns - self._read_ns > after_ns:
                self._known = await asyncio.to_thread(_read, self._data)
                self._ids = {market.slug: int(market.market) for market in reversed(self._known)}
                self._read_ns = now_ns


def _read(data: Path) -> list[Found]:
    import duckdb  # it is large, and nobody may ever search

    from hfptm.catalog import connect

    try:
        with connect(data) as connection:
            connection.execute("SET threads = 1")
            rows = connection.execute(_ALL).fetchall()
    except duckdb.Error as error:
        raise LakeError(f"{data}: its markets cannot be read ({error})") from error
    return [Found(str(market), slug, question, event) for market, slug, question, event in rows]


def _text(market: Found) -> str:
    return f"{market.slug} {market.question} {market.event_slug}".lower()
