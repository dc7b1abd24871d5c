"""Folding loses nothing, and nothing that the exchange could send makes a wrong row or raises."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.records import EVENT, EventFlag, EventKind, Side
from hfptm.units import PRICE_ONE_E4, TICKS_E4, format_e4, format_e6, unpack_best
from hfptm.venue.market_feed import MarketFeed
from tests.wire import (
    NO,
    RECV_NS,
    YES,
    Rows,
    apply_rows,
    capture_frames,
    capture_markets,
    change,
    decode_all,
    frame,
    make_market,
    message,
)

TICK_E4 = st.sampled_from(TICKS_E4)
SIZE_E6 = st.integers(0, 10**12)
LEVELS = st.dictionaries(
    st.tuples(st.sampled_from(list(Side)), st.integers(1, PRICE_ONE_E4 - 1)), SIZE_E6, max_size=12
)


def on_grid(book: dict[tuple[Side, int], int], tick_e4: int) -> dict[tuple[Side, int], int]:
    return {level: size_e6 for level, size_e6 in book.items() if level[1] % tick_e4 == 0}


def shown(book: dict[tuple[Side, int], int], token: str) -> dict[str, list[dict[str, str]]]:
    """Both sides of a YES book as the exchange shows them for one token."""
    sides: dict[str, list[dict[str, str]]] = {"bids": [], "asks": []}
    for (side, price_e4), size_e6 in book.items():
        is_ask = (side == Side.ASK) != (token == NO)
        own_e4 = PRICE_ONE_E4 - price_e4 if token == NO else price_e4
        level = {"price": format_e4(own_e4), "size": format_e6(size_e6)}
        sides["asks" if is_ask else "bids"].append(level)
    return sides


def shuffled(levels: list[dict[str, str]], seed: int) -> list[dict[str, str]]:
    rng = np.random.default_rng(seed)
    return [levels[place] for place in rng.permutation(len(levels))]


@given(LEVELS, TICK_E4, st.integers(0, 99))
def test_a_book_is_the_same_whichever_tokens_are_sent(
    book: dict[tuple[Side, int], int], tick_e4: int, seed: int
) -> None:
    book = on_grid(book, tick_e4)
    expected = {level: size_e6 for level, size_e6 in book.items() if size_e6}
    for tokens in ([YES], [NO], [YES, NO], [NO, YES]):
        parts = []
        for token in tokens:
            sides = shown(book, token)
            sides = {name: shuffled(levels, seed) for name, levels in sides.items()}
            parts.append(message("book", asset_id=token, tick_size=format_e4(tick_e4), **sides))
        feed = MarketFeed([make_market()])
        rows = decode_all(feed, json.dumps(parts).encode())
        assert apply_rows(rows) == expected
        assert np.count_nonzero(rows["kind"] == EventKind.SNAPSHOT) == 1
        closing = [bool(flags & EventFlag.LAST_IN_BATCH) for flags in rows["flags"].tolist()]
        assert closing == [False] * (len(rows) - 1) + [True]


@given(LEVELS.filter(bool), st.integers(0, 9_999), st.integers(0, 9_999))
def test_price_changes_are_the_same_whichever_tokens_are_sent(
    book: dict[tuple[Side, int], int], bid_e4: int, ask_e4: int
) -> None:
    results = set()
    for tokens in ([YES], [NO], [YES, NO], [NO, YES]):
        entries = []
        for token in tokens:
            own = (bid_e4, PRICE_ONE_E4 - ask_e4)
            own = own if token == YES else (PRICE_ONE_E4 - own[1], PRICE_ONE_E4 - own[0])
            best = {"best_bid": format_e4(own[0]), "best_ask": format_e4(own[1])}
            for name, side in (("bids", "BUY"), ("asks", "SELL")):
                entries += [
                    change(token, side, level["price"], level["size"], **best)
                    for level in shown(book, token)[name]
                ]
        feed = MarketFeed([make_market(tick_e4=1)])
        rows = decode_all(feed, frame("price_change", price_changes=entries))
        assert len(rows) == len(book)
        assert feed.counters.mirror_break == 0
        results.add((frozenset(apply_rows(rows).items()), int(rows[-1]["aux"])))
    assert len(results) == 1


def check_rows(rows: Rows) -> None:
    """What holds for every row, whatever came in."""
    assert rows.dtype == EVENT
    priced = rows[np.isin(rows["kind"], [EventKind.LEVEL, EventKind.TRADE])]
    assert np.all((priced["price_e4"] >= 1) & (priced["price_e4"] <= PRICE_ONE_E4 - 1))
    assert np.all(rows["size_e6"] >= 0)
    assert np.all(rows["side"] <= Side.ASK)
    assert np.all(rows["ts_recv_ns"] == RECV_NS)
    reported = rows[rows["flags"] & (EventFlag.BEST_YES | EventFlag.BEST_NO) != 0]
    for aux in reported["aux"].tolist():
        assert all(0 <= price_e4 <= PRICE_ONE_E4 for price_e4 in unpack_best(aux))


@given(st.binary(max_size=200))
def test_any_bytes(payload: bytes) -> None:
    feed = MarketFeed([make_market()])
    check_rows(decode_all(feed, payload))
    assert feed.counters.frames == 1


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([YES, NO, "BUY", "SELL", "0.5", "0.515", "1", "0", "-1", "", "1e5"])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
LEVEL_FIELDS = ("asset_id", "price", "size", "side", "hash", "best_bid", "best_ask")
LEVEL = st.dictionaries(st.sampled_from(LEVEL_FIELDS), JSON)
MESSAGE = st.builds(
    lambda event_type, fields: message(event_type) | fields,
    st.sampled_from(
        ["book", "price_change", "last_trade_price", "tick_size_change", "best_bid_ask"]
    ),
    st.dictionaries(
        st.sampled_from([*LEVEL_FIELDS, "timestamp", "tick_size", "new_tick_size", "market"]), JSON
    )
    | st.fixed_dictionaries(
        {"asset_id": st.just(YES)},
        optional={
            "bids": st.lists(LEVEL),
            "asks": st.lists(LEVEL),
            "price_changes": st.lists(LEVEL),
            "changes": st.lists(LEVEL),
        },
    ),
)


@given(st.lists(MESSAGE, max_size=4))
def test_any_field_of_any_message(messages: list[dict[str, object]]) -> None:
    check_rows(decode_all(MarketFeed([make_market()]), json.dumps(messages).encode()))


@pytest.mark.parametrize("seed", range(8))
def test_damaged_frames_of_the_capture(shared: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    feed = MarketFeed(capture_markets(shared))
    frames = capture_frames(shared)
    for payload, _ in frames:
        check_rows(decode_all(feed, damaged(payload, rng)))
    assert feed.counters.frames == len(frames)
    assert sum(getattr(feed.counters, name) for name in ("bad_json", "bad_message")) > 0


def damaged(payload: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed anywhere, and now and then the end cut off."""
    data = bytearray(payload)
    for place in rng.integers(0, len(data), rng.integers(1, 4)):
        data[place] = rng.integers(0, 256)
    return bytes(data[: rng.integers(1, len(data))] if rng.random() < 0.2 else data)
