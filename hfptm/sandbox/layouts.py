"""The prices that make an opportunity: what each maker quotes, and which tokens to buy. Pure."""

import msgspec

from hfptm.records import BUY, SELL, Token
from hfptm.registry import Market
from hfptm.sandbox.catalogue import MarketEntry
from hfptm.sandbox.margins import MARGIN_E4
from hfptm.sandbox.planted import Edge, Kind, Leg, edge
from hfptm.sandbox.quoter import Quoter
from hfptm.sandbox.sites import Site
from hfptm.units import PRICE_ONE_E4

_SPREAD_TICKS = 2


class Quote(msgspec.Struct, frozen=True):
    """Best prices that a maker is to show."""

    quoter: Quoter
    bid_e4: int
    ask_e4: int


class Opportunity(msgspec.Struct, frozen=True):
    """A set of tokens that pays `payout_e4`, whatever it costs at the moment."""

    legs: list[tuple[MarketEntry, Token]]
    payout_e4: int

    def edge(self) -> Edge:
        """At the best prices that the feed shows."""
        return edge(self._priced(), self.payout_e4)

    def gross_e4(self) -> int:
        return self.payout_e4 - sum(price_e4 for _, _, price_e4 in self._priced())

    def shown_legs(self) -> list[Leg]:
        return [Leg(market.slug, token.name, price) for market, token, price in self._priced()]

    def changed_ms(self) -> int:
        """When the last of its books changed, as the feed says."""
        return max(entry.tape.changed_ms for entry, _ in self.legs)

    def _priced(self) -> list[tuple[Market, Token, int]]:
        return [(e.listed.market, token, _ask_e4(e, token)) for e, token in self.legs]


class Layout(msgspec.Struct, frozen=True):
    opportunity: Opportunity
    quotes: list[Quote]
    crossing_e4: int = 0
    """Limit of the marketable order that makes a BINARY."""


def lay_out(kind: Kind, site: Site, edge_e4: int) -> Layout | str:
    """What gives a set an edge of `edge_e4` before fees, or why the prices leave no room for it."""
    if kind is Kind.BINARY:
        return _binary(site, edge_e4)
    if kind is Kind.NESTED:
        return _nested(site, edge_e4)
    return _basket(kind, site, edge_e4)


def _ask_e4(entry: MarketEntry, token: Token) -> int:
    """What a share of a token costs."""
    book = entry.listed.book
    if token is Token.NO:
        return PRICE_ONE_E4 - book.published_best_e4(BUY)
    return book.published_best_e4(SELL)


def _binary(site: Site, edge_e4: int) -> Layout | str:
    """A bid above the ask: buy YES at the ask, NO at a dollar less the bid, merge."""
    (entry,), (quoter,) = site.entries, site.quoters
    bid_e4, ask_e4 = quoter.best_e4(BUY), quoter.best_e4(SELL)
    crossing_e4 = ask_e4 + edge_e4
    if not _is_quote(quoter, bid_e4, ask_e4) or not _is_on_grid(quoter, crossing_e4):
        return f"a bid {edge_e4} above the ask of {ask_e4} has no room"
    opportunity = Opportunity([(entry, Token.YES), (entry, Token.NO)], PRICE_ONE_E4)
    return Layout(opportunity, [Quote(quoter, bid_e4, ask_e4)], crossing_e4)


def _basket(kind: Kind, site: Site, edge_e4: int) -> Layout | str:
    """Asks (bids) of every member that sum up to a dollar less (more) the edge."""
    is_yes = kind is Kind.YES_BASKET
    sum_e4 = PRICE_ONE_E4 - edge_e4 if is_yes else PRICE_ONE_E4 + edge_e4
    quotes = []
    for quoter, price_e4 in zip(site.quoters, _shares_of(site, sum_e4), strict=True):
        spread_e4 = _SPREAD_TICKS * quoter.listed.market.tick_e4
        bid_e4 = price_e4 - spread_e4 if is_yes else price_e4
        if not _is_quote(quoter, bid_e4, bid_e4 + spread_e4):
            return f"{quoter.listed.market.slug} has no room at {price_e4}"
        quotes.append(Quote(quoter, bid_e4, bid_e4 + spread_e4))
    token = Token.YES if is_yes else Token.NO
    paying = 1 if is_yes else len(quotes) - 1
    legs = [(entry, token) for entry in site.entries]
    return Layout(Opportunity(legs, paying * PRICE_ONE_E4), quotes)


def _shares_of(site: Site, sum_e4: int) -> list[int]:
    """Prices on each grid that sum to `sum_e4`, in proportion to the fair values.

    What rounding left over goes to the dearest outcome of the finest grid.
    """
    fairs_e4 = [max(quoter.fair_e4, 1) for quoter in site.quoters]
    ticks_e4 = [quoter.listed.market.tick_e4 for quoter in site.quoters]
    prices_e4 = [
        sum_e4 * fair_e4 // sum(fairs_e4) // tick_e4 * tick_e4
        for fair_e4, tick_e4 in zip(fairs_e4, ticks_e4, strict=True)
    ]
    finest = [i for i, tick_e4 in enumerate(ticks_e4) if tick_e4 == min(ticks_e4)]
    prices_e4[max(finest, key=lambda i: prices_e4[i])] += sum_e4 - sum(prices_e4)
    return prices_e4


def _nested(site: Site, edge_e4: int) -> Layout | str:
    """Two neighbours, the earlier one bid above the later one's ask, between all others."""
    for place in range(len(site.entries) - 1):
        layout = _nested_at(site, place, edge_e4)
        if layout:
            return layout
    return f"no two neighbours have room for {edge_e4} between the other outcomes"


def _nested_at(site: Site, place: int, edge_e4: int) -> Layout | None:
    earlier, later = site.quoters[place : place + 2]
    tick_e4 = max(earlier.listed.market.tick_e4, later.listed.market.tick_e4)
    middle_e4 = (earlier.best_e4(SELL) + later.best_e4(BUY) - edge_e4) // 2
    ask_e4 = middle_e4 // tick_e4 * tick_e4
    bid_e4 = ask_e4 + edge_e4
    quotes = [
        Quote(earlier, bid_e4, bid_e4 + _SPREAD_TICKS * earlier.listed.market.tick_e4),
        Quote(later, ask_e4 - _SPREAD_TICKS * later.listed.market.tick_e4, ask_e4),
    ]
    before_e4 = max((q.best_e4(BUY) for q in site.quoters[:place]), default=-MARGIN_E4)
    after_e4 = min((q.best_e4(SELL) for q in site.quoters[place + 2 :]), default=2 * PRICE_ONE_E4)
    is_between = before_e4 + MARGIN_E4 <= ask_e4 and bid_e4 <= after_e4 - MARGIN_E4
    if not is_between or not all(_is_quote(q.quoter, q.bid_e4, q.ask_e4) for q in quotes):
        return None
    legs = [(site.entries[place + 1], Token.YES), (site.entries[place], Token.NO)]
    return Layout(Opportunity(legs, PRICE_ONE_E4), quotes)


def _is_quote(quoter: Quoter, bid_e4: int, ask_e4: int) -> bool:
    return bid_e4 < ask_e4 and _is_on_grid(quoter, bid_e4) and _is_on_grid(quoter, ask_e4)


def _is_on_grid(quoter: Quoter, price_e4: int) -> bool:
    tick_e4 = quoter.listed.market.tick_e4
    return tick_e4 <= price_e4 <= PRICE_ONE_E4 - tick_e4 and price_e4 % tick_e4 == 0
