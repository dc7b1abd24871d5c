"""The frames of a generated tape, as the exchange would have sent them.

A snapshot is the books of both tokens in one array; a changed level is a frame with an entry for
each token, which reports the best prices that the whole batch ends with; a print is a frame of its
own (reference, section 1.3).
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.tape import Tape
from hfptm.records import BUY, EventFlag, EventKind, Side, Token
from hfptm.registry import Market
from hfptm.units import NS_PER_MS, PRICE_ONE_E4, format_e4, format_e6, unpack_best

Rows = npt.NDArray[np.void]
Json = dict[str, object]

_TOKENS = tuple(Token)
_HASH = "0f" * 20


class Frame(NamedTuple):
    payload: bytes
    ts_recv_ns: int


def with_tokens(markets: list[Market]) -> list[Market]:
    """The markets with token ids of the length that the exchange's have."""
    return [
        msgspec.structs.replace(
            market, yes_token=_token(market, Token.YES), no_token=_token(market, Token.NO)
        )
        for market in markets
    ]


def frames_of(tape: Tape, markets: list[Market]) -> Iterator[Frame]:
    """In the order of the tape's rows; `markets` are the tape's, with tokens."""
    ends = np.flatnonzero(tape.rows["flags"] & EventFlag.LAST_IN_BATCH) + 1
    start = 0
    for end in ends.tolist():
        rows = tape.rows[start:end].view(np.ndarray)
        market = markets[int(rows[0]["market"])]
        printed = _printed(market, rows)
        yield from (
            Frame(msgspec.json.encode(each), int(rows[0]["ts_recv_ns"])) for each in printed
        )
        start = end


def _printed(market: Market, rows: Rows) -> Iterator[object]:
    ts_ms = str(int(rows[0]["ts_venue_ns"]) // NS_PER_MS)
    head: Json = {"market": market.condition_id, "timestamp": ts_ms}
    levels = rows[rows["kind"] == EventKind.LEVEL]
    if rows[0]["flags"] & EventFlag.SNAPSHOT:
        yield [head | _book(market, levels, token) for token in _TOKENS]
        return
    for row in rows[rows["kind"] == EventKind.TRADE]:
        yield head | _trade(market, row)
    best = int(rows[-1]["aux"])
    for row in levels:
        entries = [_entry(market, row, token, best) for token in _TOKENS]
        yield head | {"price_changes": entries, "event_type": "price_change"}


def _book(market: Market, levels: Rows, token: Token) -> Json:
    sides: dict[int, list[Json]] = {Side.BID: [], Side.ASK: []}
    for row in levels:
        side = int(row["side"]) ^ token
        price_e4, size_e6 = _own_e4(int(row["price_e4"]), token), int(row["size_e6"])
        sides[side].append({"price": format_e4(price_e4), "size": format_e6(size_e6)})
    return {
        "asset_id": _asset(market, token),
        "bids": sides[Side.BID],
        "asks": sides[Side.ASK],
        "hash": _HASH,
        "event_type": "book",
    }


def _trade(market: Market, row: np.void) -> Json:
    return {
        "asset_id": market.yes_token,
        "price": format_e4(int(row["price_e4"])),
        "size": format_e6(int(row["size_e6"])),
        "side": "BUY" if row["side"] == BUY else "SELL",
        "fee_rate_bps": "0",
        "event_type": "last_trade_price",
    }


def _entry(market: Market, row: np.void, token: Token, best: int) -> Json:
    bid_e4, ask_e4 = sorted(_own_e4(price_e4, token) for price_e4 in unpack_best(best))
    if unpack_best(best)[0] > unpack_best(best)[1]:  # a planted cross
        bid_e4, ask_e4 = ask_e4, bid_e4
    return {
        "asset_id": _asset(market, token),
        "price": format_e4(_own_e4(int(row["price_e4"]), token)),
        "size": format_e6(int(row["size_e6"])),
        "side": "BUY" if int(row["side"]) ^ token == BUY else "SELL",
        "hash": _HASH,
        "best_bid": format_e4(bid_e4),
        "best_ask": format_e4(ask_e4),
    }


def _own_e4(price_e4: int, token: Token) -> int:
    return PRICE_ONE_E4 - price_e4 if token else price_e4


def _asset(market: Market, token: Token) -> str:
    return market.no_token if token else market.yes_token


def _token(market: Market, token: Token) -> str:
    """A number of 256 bits."""
    digest = hashlib.sha256(f"{market.condition_id}{int(token)}".encode()).digest()
    return str(int.from_bytes(digest, "big"))
