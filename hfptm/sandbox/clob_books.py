"""CLOB reads by token: books, best prices, last trades, and the rules of its market.

Source: exchange reference, section 3.1; texts are those of the exchange's page of error codes. What
it leaves open is decided so: a price for BUY is the best bid, one for SELL the best ask; a side
without orders is at 0 or 1, as in the feed; a last trade is told in the terms of the token asked
for, at 0.5 and without a side if there was none.
"""

import msgspec

from hfptm.records import BUY, Token
from hfptm.sandbox.book_text import price_text
from hfptm.sandbox.books import best_e4, print_book
from hfptm.sandbox.calls import ApiError, Call, Reply, as_json, decode_body
from hfptm.sandbox.catalogue import Catalogue, MarketEntry
from hfptm.sandbox.gamma_markets import LEGACY_BASE_FEE
from hfptm.sandbox.listings import Phase
from hfptm.units import PRICE_ONE_E4, format_scaled
from hfptm.venue.signing import parse_uint256

TOKENS_MAX = 500
"""In one request for many."""

_NO_BOOK = "No orderbook exists for the requested token id"
_SIDES = ("BUY", "SELL")


class _Asked(msgspec.Struct):
    token_id: str
    side: str = ""


_DECODER = msgspec.json.Decoder(list[_Asked])
_Found = tuple[MarketEntry, Token]


class BookReads:
    """Handlers over a catalogue. Replies to requests for many leave out unknown tokens."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def book(self, call: Call) -> Reply:
        return as_json(print_book(*self._one(call)).reply())

    def books(self, call: Call) -> Reply:
        return as_json([print_book(*found).reply() for _, found in self._many(call)])

    def price(self, call: Call) -> Reply:
        side = call.first("side").upper()
        if side not in _SIDES:
            raise ApiError(400, "Invalid side")
        return as_json({"price": _price(self._one(call), side)})

    def prices(self, call: Call) -> Reply:
        prices: dict[str, dict[str, str]] = {}
        for asked, found in self._many(call):
            if asked.side not in _SIDES:
                raise ApiError(400, "Invalid side")
            prices.setdefault(asked.token_id, {})[asked.side] = _price(found, asked.side)
        return as_json(prices)

    def midpoint(self, call: Call) -> Reply:
        return as_json({"mid": _midpoint(self._one(call))})

    def midpoints(self, call: Call) -> Reply:
        return as_json({asked.token_id: _midpoint(found) for asked, found in self._many(call)})

    def spread(self, call: Call) -> Reply:
        return as_json({"spread": _spread(self._one(call))})

    def spreads(self, call: Call) -> Reply:
        return as_json({asked.token_id: _spread(found) for asked, found in self._many(call)})

    def last_trade_price(self, call: Call) -> Reply:
        return as_json(_last_trade(*self._one(call)))

    def last_trades_prices(self, call: Call) -> Reply:
        """Of tokens whose market has traded."""
        return as_json(
            [
                {"token_id": asked.token_id} | _last_trade(*found)
                for asked, found in self._many(call)
                if found[0].tape.last_token
            ]
        )

    def tick_size(self, call: Call) -> Reply:
        tick_e4 = self._market(call).listed.market.tick_e4
        return as_json({"minimum_tick_size": tick_e4 / PRICE_ONE_E4})

    def neg_risk(self, call: Call) -> Reply:
        return as_json({"neg_risk": self._market(call).listed.market.neg_risk})

    def fee_rate(self, call: Call) -> Reply:
        """No rate at all: the same for every market with fees (reference, section 5)."""
        has_fees = self._market(call).listed.market.fee_rate_e4
        return as_json({"base_fee": LEGACY_BASE_FEE if has_fees else 0})

    def _one(self, call: Call) -> _Found:
        found = self._find(_token_of(call))
        if found is None:
            raise ApiError(404, _NO_BOOK)
        return found

    def _many(self, call: Call) -> list[tuple[_Asked, _Found]]:
        asked: list[_Asked] = decode_body(call.body, _DECODER, "Invalid payload")
        if len(asked) > TOKENS_MAX:
            raise ApiError(400, "Payload exceeds the limit")
        pairs = ((one, self._find(one.token_id)) for one in asked)
        return [(one, found) for one, found in pairs if found is not None]

    def _find(self, token: str) -> _Found | None:
        """A token's market while it has a book."""
        entry = self._catalogue.of_token(token)
        if entry is None or entry.listed.phase not in (Phase.OPEN, Phase.CLOSED):
            return None
        return entry, entry.index_of(token)

    def _market(self, call: Call) -> MarketEntry:
        """A token's market, with or without a book."""
        entry = self._catalogue.of_token(_token_of(call))
        if entry is None:
            raise ApiError(404, "market not found")
        return entry


def _token_of(call: Call) -> str:
    """From the path, or else from the query."""
    token = call.parts.get("token_id") or call.first("token_id")
    try:
        parse_uint256(token)
    except ValueError as error:
        raise ApiError(400, "Invalid token id") from error
    return token


def _price(found: _Found, side: str) -> str:
    return price_text(best_e4(*found)[_SIDES.index(side)])


def _midpoint(found: _Found) -> str:
    return format_scaled(sum(best_e4(*found)) * 5, 5)


def _spread(found: _Found) -> str:
    bid_e4, ask_e4 = best_e4(*found)
    return price_text(ask_e4 - bid_e4)


def _last_trade(entry: MarketEntry, token: Token) -> dict[str, str]:
    if not entry.tape.last_token:
        return {"price": "0.5", "side": ""}
    token_id = entry.listed.tokens()[token]
    side = "BUY" if entry.tape.last_side_of(token_id) == BUY else "SELL"
    return {"price": price_text(entry.tape.last_price_of_e4(token_id)), "side": side}
