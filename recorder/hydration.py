"""New markets that the CLOB has no book of yet: asked about again until it has one.

Gamma lists a market minutes before the CLOB serves it; subscribed to in that time, it would stay
silent without a reason to be seen.
"""

import asyncio
from collections.abc import Iterable, Sequence

from hfptm.units import NS_PER_S
from hfptm.venue.listings import Listed
from recorder.rest import Rest

FRESH_NS = 600 * NS_PER_S
"""A market that has taken orders for longer has a book."""

FIRST_WAIT_NS = 5 * NS_PER_S
LONGEST_WAIT_NS = 60 * NS_PER_S
AT_ONCE = 50
"""Most questions of one call, far below the limit of 1500 in 10 s (reference, section 3.7)."""


class Hydration:
    def __init__(self, clob: Rest) -> None:
        self._clob = clob
        self._tries: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._tries)

    async def ready(self, wanted: Sequence[Listed], now_ns: int) -> list[Listed]:
        """Those of `wanted` that have a book; all others of former calls are forgotten.

        Raises VenueError if the CLOB does not answer; whoever was asked about is asked again.
        """
        fresh = {each.market.market: each for each in wanted if is_fresh(each, now_ns)}
        self._tries = {id_: self._tries.get(id_, (now_ns, 0)) for id_ in fresh}
        due = [fresh[id_] for id_, (due_ns, _) in self._tries.items() if due_ns <= now_ns][:AT_ONCE]
        with_book = await self._ask(due, now_ns)
        return [
            each for each in wanted if each.market.market not in self._tries or each in with_book
        ]

    async def _ask(self, due: Iterable[Listed], now_ns: int) -> list[Listed]:
        asked = list(due)
        for each in asked:
            self._postpone(each.market.market, now_ns)
        found = await asyncio.gather(*(self._has_book(each) for each in asked))
        with_book = [each for each, has_book in zip(asked, found, strict=True) if has_book]
        for each in with_book:
            del self._tries[each.market.market]
        return with_book

    async def _has_book(self, listed: Listed) -> bool:
        return await self._clob.get("/book", (("token_id", listed.market.yes_token),)) is not None

    def _postpone(self, market: int, now_ns: int) -> None:
        tries = self._tries[market][1]
        wait_ns = min(FIRST_WAIT_NS << min(tries, 10), LONGEST_WAIT_NS)
        self._tries[market] = now_ns + wait_ns, tries + 1


def is_fresh(listed: Listed, now_ns: int) -> bool:
    """Whether its book may be missing yet; so too if nobody says since when it takes orders."""
    return listed.accepting_from_ns == 0 or listed.accepting_from_ns > now_ns - FRESH_NS
