"""The shared capture of 2026-04-29 (its README has the provenance) decodes to its known truths."""

from collections import Counter
from pathlib import Path

import pytest

from hfptm.records import EventFlag, EventKind
from hfptm.units import pack_best
from hfptm.venue.book_hash import HashChecker, Verdict
from hfptm.venue.market_feed import MarketFeed
from tests.wire import Rows, capture_frames, capture_markets

REPORTED = EventFlag.BEST_YES | EventFlag.BEST_NO


@pytest.fixture(scope="module")
def feed(shared: Path) -> MarketFeed:
    feed = MarketFeed(capture_markets(shared))
    for payload, ts_recv_ns in capture_frames(shared):
        feed.receive(payload, ts_recv_ns)
    return feed


@pytest.fixture(scope="module")
def rows(feed: MarketFeed) -> Rows:
    return feed.take()


def test_every_frame_is_readable(feed: MarketFeed, rows: Rows) -> None:
    counters = {name: getattr(feed.counters, name) for name in feed.counters.__struct_fields__}
    assert {name: count for name, count in counters.items() if count} == {
        "frames": 447,
        "rows": len(rows),
        "new_markets": 17,
    }


def test_each_pair_of_books_of_one_frame_is_one_snapshot(rows: Rows) -> None:
    kinds = Counter(EventKind(kind) for kind in rows["kind"])
    rest_books, pairs_in_arrays, price_changes = 360, 30 * 3, 40
    assert set(kinds) == {EventKind.SNAPSHOT, EventKind.LEVEL}
    assert kinds[EventKind.SNAPSHOT] == rest_books + pairs_in_arrays
    closing = rows[rows["flags"] & EventFlag.LAST_IN_BATCH != 0]
    assert len(closing) == rest_books + pairs_in_arrays + price_changes


def test_80_best_prices_are_reported_and_agree_with_the_book_at_each_batch_end(rows: Rows) -> None:
    reported = rows[rows["flags"] & REPORTED != 0]
    assert len(reported) == 40
    assert all(row["flags"] & REPORTED == REPORTED for row in reported)
    agreeing: set[tuple[int, int]] = set()
    books: dict[int, tuple[dict[int, int], dict[int, int]]] = {}
    for row in rows:
        market, price_e4 = int(row["market"]), int(row["price_e4"])
        if row["kind"] == EventKind.SNAPSHOT:
            books[market] = ({}, {})
            continue
        books[market][row["side"]][price_e4] = int(row["size_e6"])
        if row["flags"] & REPORTED and row["aux"] == best_of(*books[market]):
            agreeing.add((market, int(row["ts_venue_ns"])))
    assert agreeing == {(int(row["market"]), int(row["ts_venue_ns"])) for row in reported}


def best_of(bids: dict[int, int], asks: dict[int, int]) -> int:
    live_bids, live_asks = ([p for p, size in side.items() if size] for side in (bids, asks))
    return pack_best(max(live_bids), min(live_asks))


def test_every_hash_reproduces(shared: Path) -> None:
    checker, checks = HashChecker(capture_markets(shared)), []
    for payload, _ in capture_frames(shared):
        if payload.startswith(b"["):  # a new connection begins with the array of all books
            checks += checker.disconnect()
        checks += checker.receive(payload)
    checks += checker.disconnect()
    rest_books, stream_books, ended_batches_of_both_tokens = 360, 180, 34 * 2
    assert Counter((check.is_snapshot, check.verdict) for check in checks) == {
        (True, Verdict.OK): rest_books + stream_books,
        (False, Verdict.OK): ended_batches_of_both_tokens,
    }


def test_a_lost_frame_shows_in_a_hash(shared: Path) -> None:
    frames = [payload for payload, _ in capture_frames(shared)]
    victim = next(i for i, payload in enumerate(frames) if b"price_changes" in payload)
    checker = HashChecker(capture_markets(shared))
    for payload in frames[:victim] + frames[victim + 1 : victim + 3]:
        checker.receive(payload)
    assert checker.counts[Verdict.BAD] == 2
