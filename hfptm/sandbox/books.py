"""Books of one token, as the exchange prints them: best level last, with their hash.

Source: exchange reference, sections 1.3 and 1.4.
"""

import hashlib

import msgspec

from hfptm.records import BUY, SELL, Token
from hfptm.sandbox.book_text import price_text, size_text
from hfptm.sandbox.catalogue import MarketEntry
from hfptm.units import PRICE_ONE_E4


class PrintedBook(msgspec.Struct, frozen=True, gc=False):
    """The full book of one token, its JSON in pieces."""

    hash: str
    head: str
    """Market, token and time, up to where the hash begins."""
    levels: str
    rules: str
    tick: str
    last_trade: str

    def reply(self) -> msgspec.Raw:
        """As REST prints it."""
        return msgspec.Raw(f"{self.head}{self.hash}{self.rules}".encode())

    def frame(self) -> str:
        """As the WebSocket prints it: without the rules that never change."""
        return (
            f'{self.head}{self.hash}",{self.levels},"tick_size":"{self.tick}"'
            f',"event_type":"book","last_trade_price":"{self.last_trade}"}}'
        )


def print_book(entry: MarketEntry, token: Token) -> PrintedBook:
    """The full book of one of a market's tokens; a NO book is the mirrored YES book.

    Its hash is the SHA-1 of what REST prints with the hash left empty.
    """
    market, tape = entry.listed.market, entry.tape
    head = (
        f'{{"market":"{entry.clob_condition()}","asset_id":"{entry.listed.tokens()[token]}"'
        f',"timestamp":"{tape.changed_ms}","hash":"'
    )
    levels, tick, last_trade = (
        tape.book.text(token),
        price_text(market.tick_e4),
        tape.last_trade_text(),
    )
    rules = (
        f'",{levels},"min_order_size":"{size_text(market.min_size_e6)}","tick_size":"{tick}"'
        f',"neg_risk":{"true" if market.neg_risk else "false"},"last_trade_price":"{last_trade}"}}'
    )
    digest = hashlib.sha1((head + rules).encode(), usedforsecurity=False).hexdigest()
    return PrintedBook(digest, head, levels, rules, tick, last_trade)


def best_e4(entry: MarketEntry, token: Token) -> tuple[int, int]:
    """(bid, ask) of a token as published; 0 and 10000 where a side is empty."""
    book = entry.listed.book
    bid_e4, ask_e4 = book.published_best_e4(BUY), book.published_best_e4(SELL)
    return (PRICE_ONE_E4 - ask_e4, PRICE_ONE_E4 - bid_e4) if token else (bid_e4, ask_e4)
