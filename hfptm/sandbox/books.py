"""Books of one token, as the exchange prints them: best level last, with their hash.

Source: exchange reference, sections 1.3 and 1.4.
"""

from functools import lru_cache

from hfptm.records import BUY, SELL, Token
from hfptm.sandbox.catalogue import MarketEntry
from hfptm.units import NS_PER_MS, PRICE_ONE_E4, format_e4, format_e6
from hfptm.venue.book_hash import HashedBook, book_hash
from hfptm.venue.messages import Level

price_text = lru_cache(maxsize=1 << 16)(format_e4)
size_text = lru_cache(maxsize=1 << 16)(format_e6)


def token_book(entry: MarketEntry, token: Token) -> HashedBook:
    """The full book of one of a market's tokens; a NO book is the mirrored YES book."""
    listed = entry.listed
    book = HashedBook(
        market=entry.clob_condition(),
        asset_id=listed.tokens()[token],
        timestamp=str(entry.tape.changed_ns // NS_PER_MS),
        bids=_levels(entry, token, SELL if token else BUY),
        asks=_levels(entry, token, BUY if token else SELL),
        min_order_size=size_text(listed.market.min_size_e6),
        tick_size=price_text(listed.market.tick_e4),
        neg_risk=listed.market.neg_risk,
        last_trade_price=entry.tape.last_trade_text(),
    )
    book.hash = book_hash(book)
    return book


def _levels(entry: MarketEntry, token: Token, side: int) -> list[Level]:
    return [
        Level(price_text(PRICE_ONE_E4 - price_e4 if token else price_e4), size_text(size_e6))
        for price_e4, size_e6 in reversed(entry.listed.book.published_levels(side))
    ]


def best_e4(entry: MarketEntry, token: Token) -> tuple[int, int]:
    """(bid, ask) of a token as published; 0 and 10000 where a side is empty."""
    book = entry.listed.book
    bid_e4, ask_e4 = book.published_best_e4(BUY), book.published_best_e4(SELL)
    return (PRICE_ONE_E4 - ask_e4, PRICE_ONE_E4 - bid_e4) if token else (bid_e4, ask_e4)
