"""Everything that Gamma lists, as of the last look, with a memory for what is missing a moment.

A restart of the exchange or the start of a game takes markets off orders for a while: one that was
listed stays for `MISSES_MAX` looks without it, unless Gamma says that it is closed.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from hfptm.clock import format_utc, parse_utc_ns
from hfptm.errors import VenueError
from hfptm.registry import market_id
from hfptm.venue.gamma import EventPage, decode_events
from hfptm.venue.listings import Listed, clob_condition, read_event
from recorder.rest import Query, Rest
from recorder.selection import DEAD_NS

PAGE_EVENTS = 20
"""Reading a page holds up the loop; a whole one of 100 may have a thousand markets."""

PAGES_MAX = 2_000
SLUGS_MAX = 20
"""Events asked for at a time by name."""

MISSES_MAX = 3

_EVENTS = "/events/keyset"
_parse_time = lru_cache(1 << 14)(parse_utc_ns)


class _Look(msgspec.Struct):
    """What one walk through the pages has found."""

    listed: dict[int, Listed] = {}
    closed: set[int] = set()
    refused: Counter[str] = msgspec.field(default_factory=Counter)


class Catalogue:
    def __init__(self, gamma: Rest) -> None:
        self.listed: dict[int, Listed] = {}
        self.closed: set[int] = set()
        """Markets that the last look saw closed, of events that are not."""
        self.suspects: set[int] = set()
        """Markets that the last look was the first to miss or to see closed."""
        self.refused: Counter[str] = Counter()
        """Of the last look: entries that are no market to record, by reason."""
        self._misses: dict[int, int] = {}
        self._gamma = gamma

    async def refresh(self, now_ns: int) -> None:
        """Look through all open events. Raises VenueError, and then nothing has changed."""
        since = format_utc(now_ns - DEAD_NS).replace(" ", "T")
        # Without a bound on the end there are events of years ago that were never closed.
        query = (("closed", "false"), ("end_date_min", since))
        look = await self._walk(query, now_ns)
        self.suspects = look.closed - self.closed
        self._keep_missing(look)
        self.listed, self.closed, self.refused = look.listed, look.closed, look.refused

    async def look_up(self, slugs: Iterable[str], now_ns: int) -> None:
        """Look at these events only. Raises VenueError."""
        wanted = sorted(slugs)
        for start in range(0, len(wanted), SLUGS_MAX):
            query = tuple(("slug", slug) for slug in wanted[start : start + SLUGS_MAX])
            look = await self._walk(query, now_ns)
            self.suspects = look.closed - self.closed
            self.listed |= look.listed
            self.closed |= look.closed

    def drop(self, market: int) -> None:
        """It is over, and what a former look said of it is forgotten."""
        self.listed.pop(market, None)
        self._misses.pop(market, None)

    async def _walk(self, query: Query, now_ns: int) -> _Look:
        look, cursor = _Look(), ""
        for _ in range(PAGES_MAX):
            page = await self._page(query, cursor)
            look.refused["unreadable"] += page.unreadable
            for event in page.events:
                reading = read_event(event, now_ns, _parse_time)
                look.listed |= {each.market.market: each for each in reading.listed}
                closed = (clob_condition(market.condition_id) for market in reading.closed)
                look.closed |= {market_id(condition) for condition in closed}
                look.refused += reading.refused
            if not page.next_cursor:
                return look
            cursor = page.next_cursor
        raise VenueError(_EVENTS, "server.gamma_url", f"has no end after {PAGES_MAX} pages")

    async def _page(self, query: Query, cursor: str) -> EventPage:
        paging = (("limit", str(PAGE_EVENTS)), *((("after_cursor", cursor),) if cursor else ()))
        payload = await self._gamma.get(_EVENTS, (*query, *paging))
        page = decode_events(payload) if payload is not None else None
        if page is None:
            raise VenueError(_EVENTS, "server.gamma_url", "answered with no page of events")
        return page

    def _keep_missing(self, look: _Look) -> None:
        missing = self.listed.keys() - look.listed.keys() - look.closed
        self._misses = {market: self._misses.get(market, 0) + 1 for market in missing}
        self.suspects |= {market for market, misses in self._misses.items() if misses == 1}
        groups = {each.market.group: each.group for each in look.listed.values()}
        for market, misses in self._misses.items():
            if misses <= MISSES_MAX:
                kept = self.listed[market]
                group = groups.get(kept.market.group, kept.group)  # one group has one version
                look.listed[market] = msgspec.structs.replace(kept, group=group)
