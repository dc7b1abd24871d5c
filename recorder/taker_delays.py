"""Which markets delay what would take, at all times: Gamma does not say, the CLOB does (`itode`).

Source: exchange reference, sections 3.1 and 3.6. There is no list of it, so each market is asked
about once, up or down windows first, and is unknown until then.
"""

import asyncio
from collections.abc import Iterable

import msgspec

from hfptm.errors import VenueError
from hfptm.market_names import is_up_or_down
from hfptm.records import TakerDelay
from hfptm.registry import Market
from recorder.rest import Rest

AT_ONCE = 200
"""Most questions of one call, one call every few seconds: the CLOB takes 9000 in 10 s."""


class Rules(msgspec.Struct, frozen=True):
    """What is read of a market's rules by which the CLOB trades."""

    itode: bool


_RULES = msgspec.json.Decoder(Rules)


class TakerDelays:
    def __init__(self, clob: Rest) -> None:
        self._clob = clob
        self._known: dict[int, TakerDelay] = {}

    async def ask(self, markets: Iterable[Market]) -> set[int]:
        """Ask about those of `markets` that were not asked about, `AT_ONCE` at most; their ids.

        Raises VenueError if the CLOB does not answer; what it answered before is kept.
        """
        unasked = [market for market in markets if market.market not in self._known]
        unasked.sort(key=lambda market: not is_up_or_down(market.slug))
        asked, problem = unasked[:AT_ONCE], None
        try:
            async with asyncio.TaskGroup() as tasks:  # the first that fails ends the others
                for market in asked:
                    tasks.create_task(self._ask(market))
        except* VenueError as failed:
            problem = failed.exceptions[0]
        if problem:
            raise problem
        return {market.market for market in asked}

    def noted(self, market: Market) -> Market:
        """The market with what is known of its delay."""
        known = self._known.get(market.market, TakerDelay.UNKNOWN)
        return msgspec.structs.replace(market, taker_delay=known)

    def forget(self, markets: Iterable[int]) -> None:
        """Markets that are not recorded any more."""
        for market in markets:
            self._known.pop(market, None)

    async def _ask(self, market: Market) -> None:
        payload = await self._clob.get(f"/clob-markets/{market.condition_id}")
        self._known[market.market] = of_clob(payload)


def of_clob(payload: bytes | None) -> TakerDelay:
    """From the reply of `/clob-markets/<condition>`; unknown without one, or without the field."""
    try:
        rules = _RULES.decode(payload or b"")
    except msgspec.DecodeError:
        return TakerDelay.UNKNOWN
    return TakerDelay.YES if rules.itode else TakerDelay.NO
