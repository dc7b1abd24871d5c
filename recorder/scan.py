"""What a frame says about itself without being decoded: which markets it is of, and whether it is
a full book, or news. For the receive path, where a real decode costs more than all else together.
"""

import re

MARKET = slice(11, 77)
"""Where a frame of one market bears its condition id: `{"market":"0xd23f…`, 66 characters."""

_MARKETS = re.compile(rb'"market"\s*:\s*"([^"]*)"')
_BOOK = re.compile(rb'"event_type"\s*:\s*"book"')
_NEWS = re.compile(rb'"event_type"\s*:\s*"(?:new_market|market_resolved)"')


def markets_of(payload: bytes) -> list[bytes]:
    """Every condition id that an object of the frame names as its market, however it is spaced."""
    return _MARKETS.findall(payload)


def has_book(payload: bytes) -> bool:
    return _BOOK.search(payload) is not None


def is_news(payload: bytes) -> bool:
    """Whether a market was created or has resolved."""
    return _NEWS.search(payload) is not None
