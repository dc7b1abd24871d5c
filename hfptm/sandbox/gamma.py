"""The Gamma API: events and markets to look through, by offset or by keyset.

Source: exchange reference, section 6. Parameters that are not known are ignored, as there: `cursor`
is one of them.
"""

from collections.abc import Callable

from hfptm.sandbox import gamma_events, gamma_markets
from hfptm.sandbox.calls import Call, Reply, as_json
from hfptm.sandbox.catalogue import Catalogue, EventEntry, MarketEntry
from hfptm.sandbox.gamma_markets import Json
from hfptm.sandbox.gamma_query import Key, Selection
from hfptm.sandbox.listings import Phase

MARKETS_LIMIT_MAX = 100
EVENTS_LIMIT_MAX = 500
CONDITIONS_MAX = 100

_EVENT_ORDERS: dict[str, Callable[[EventEntry], int | str]] = {
    "id": lambda event: event.event_id,
    "slug": lambda event: event.terms.slug,
    "startDate": lambda event: event.terms.start_ns,
    "endDate": lambda event: event.terms.end_ns,
    "createdAt": lambda event: event.created_ns,
    "volume": gamma_events.volume_e6,
    "volume24hr": gamma_events.volume_e6,
    "liquidity": gamma_events.liquidity_e6,
}
_MARKET_ORDERS: dict[str, Callable[[MarketEntry], int | str]] = {
    "id": lambda market: market.market_id,
    "slug": lambda market: market.listed.market.slug,
    "startDate": lambda market: market.created_ns,
    "endDate": gamma_markets.end_ns,
    "createdAt": lambda market: market.created_ns,
    "volumeNum": lambda market: market.tape.volume_e6,
    "volume24hr": lambda market: market.tape.volume_e6,
    "liquidityNum": gamma_markets.liquidity_e6,
}


class Gamma:
    """Handlers over a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def events(self, call: Call) -> Reply:
        """GET /events: a page by offset."""
        selection, ordered = self._events(call)
        page = selection.by_offset(ordered, EVENTS_LIMIT_MAX)
        return as_json([gamma_events.event_json(event, call.ts_ns) for event in page])

    def events_keyset(self, call: Call) -> Reply:
        """GET /events/keyset."""
        selection, ordered = self._events(call)
        page, following = selection.by_keyset(ordered, EVENTS_LIMIT_MAX)
        events = [gamma_events.event_json(event, call.ts_ns) for event in page]
        return as_json({"events": events, **following})

    def markets(self, call: Call) -> Reply:
        """GET /markets: a page by offset."""
        selection, ordered = self._markets(call)
        page = selection.by_offset(ordered, MARKETS_LIMIT_MAX)
        return as_json([_market(market, call.ts_ns) for market in page])

    def markets_keyset(self, call: Call) -> Reply:
        """GET /markets/keyset."""
        selection, ordered = self._markets(call)
        page, following = selection.by_keyset(ordered, MARKETS_LIMIT_MAX)
        markets = [_market(market, call.ts_ns) for market in page]
        return as_json({"markets": markets, **following})

    def _events(self, call: Call) -> tuple[Selection[EventEntry], list[tuple[Key, EventEntry]]]:
        events = Selection(call, self._catalogue.events)
        events.flag("closed", gamma_events.is_closed)
        events.flag("active", gamma_events.is_active)
        events.one_of("id", lambda event: (str(event.event_id),))
        events.one_of("slug", lambda event: (event.terms.slug,))
        events.one_of("tag_id", gamma_events.tag_ids)
        events.one_of("tag_slug", lambda event: tuple(tag.slug for tag in event.terms.tags))
        events.between("start_date", lambda event: event.terms.start_ns)
        events.between("end_date", lambda event: event.terms.end_ns)
        return events, events.ordered(_EVENT_ORDERS, lambda event: event.event_id)

    def _markets(self, call: Call) -> tuple[Selection[MarketEntry], list[tuple[Key, MarketEntry]]]:
        markets = Selection(call, self._catalogue.markets)
        markets.flag("closed", lambda market: market.listed.phase is Phase.RESOLVED)
        markets.flag("active", lambda market: market.listed.phase is not Phase.NOT_READY)
        markets.one_of("id", lambda market: (str(market.market_id),))
        markets.one_of("slug", lambda market: (market.listed.market.slug,))
        markets.one_of(
            "condition_ids",
            lambda market: (market.gamma_condition(), market.clob_condition()),
            CONDITIONS_MAX,
        )
        markets.one_of("clob_token_ids", lambda m: () if m.is_v2() else m.listed.tokens())
        markets.one_of("position_ids", lambda m: m.listed.tokens() if m.is_v2() else ())
        markets.one_of("version", lambda market: ("v2" if market.is_v2() else "v1",))
        markets.one_of("tag_id", lambda market: gamma_events.tag_ids(market.event))
        markets.between("start_date", lambda market: market.created_ns)
        markets.between("end_date", gamma_markets.end_ns)
        return markets, markets.ordered(_MARKET_ORDERS, lambda market: market.market_id)


def _market(market: MarketEntry, ts_ns: int) -> Json:
    """A market by itself names its event."""
    head = gamma_events.event_head(market.event, ts_ns)
    return gamma_markets.market_json(market, ts_ns) | {"events": [head]}
