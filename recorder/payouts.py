"""Asks the exchange what markets have paid: Gamma first, the CLOB where Gamma leaves it open."""

from collections.abc import Sequence

from hfptm.errors import VenueError
from hfptm.registry import Market, market_id
from hfptm.venue.gamma import GammaMarket, decode_markets
from hfptm.venue.listings import clob_condition
from hfptm.venue.resolutions import Resolution, is_consistent, of_clob, of_gamma
from recorder.rest import Rest

AT_ONCE = 50
"""Markets asked about in one request; Gamma takes 100."""

_MARKETS = "/markets/keyset"


class Payouts:
    def __init__(self, gamma: Rest, clob: Rest) -> None:
        self._gamma, self._clob = gamma, clob

    async def ask(self, markets: Sequence[Market]) -> dict[int, Resolution]:
        """The payouts, by market id, that are known by now; at most `AT_ONCE` markets.

        Raises VenueError.
        """
        by_id = {market.market: market for market in markets}
        found: dict[int, Resolution] = {}
        for closed in await self._closed(markets):
            market = by_id.get(market_id(clob_condition(closed.condition_id)))
            if market is None:
                continue
            resolution = of_gamma(closed, market.condition_id) or await self._of_clob(
                closed, market
            )
            if resolution:
                found[market.market] = resolution
        return found

    async def _closed(self, markets: Sequence[Market]) -> list[GammaMarket]:
        if not markets:
            return []
        conditions = tuple(("condition_ids", gamma_condition(market)) for market in markets)
        query = (("closed", "true"), ("limit", str(len(markets))), *conditions)
        payload = await self._gamma.get(_MARKETS, query)
        page = decode_markets(payload) if payload is not None else None
        if page is None:
            raise VenueError(_MARKETS, "server.gamma_url", "answered with no page of markets")
        return [market for market in page.markets if market.closed]

    async def _of_clob(self, closed: GammaMarket, market: Market) -> Resolution | None:
        """What the CLOB says, unless Gamma's prices say otherwise."""
        payload = await self._clob.get(f"/markets/{market.condition_id}")
        found = of_clob(payload, market.yes_token) if payload is not None else None
        return found if found and is_consistent(closed, found) else None


def gamma_condition(market: Market) -> str:
    """A condition id as Gamma has it: one of protocol V2 in 31 bytes."""
    return market.condition_id[:64] if market.version == "v2" else market.condition_id
