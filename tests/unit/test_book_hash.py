"""Hashes of the exchange: the verdicts of the checker over small streams."""

import json
from typing import Any

import pytest

from hfptm.venue.book_hash import HashChecker, HashedBook, Verdict, book_hash
from hfptm.venue.messages import Level
from tests.wire import CONDITION, TS_MS, YES, change, frame, levels, make_market


def hashed(
    ts_ms: int, bids: list[dict[str, str]], last_trade: str = "", tick_size: str = "0.01"
) -> str:
    return book_hash(
        HashedBook(
            market=CONDITION,
            asset_id=YES,
            timestamp=str(ts_ms),
            bids=[Level(**level) for level in bids],
            asks=[],
            min_order_size="5",
            tick_size=tick_size,
            neg_risk=False,
            last_trade_price=last_trade,
        )
    )


def book(ts_ms: int, bids: list[dict[str, str]], **fields: Any) -> bytes:
    claimed = {"hash": hashed(ts_ms, bids), "timestamp": str(ts_ms), "last_trade_price": ""}
    return frame("book", asset_id=YES, bids=bids, asks=[], **claimed | fields)


def delta(ts_ms: int, size: str, after: list[dict[str, str]], **claim: str) -> bytes:
    entry = change(YES, "BUY", "0.48", size, hash=hashed(ts_ms, after, **claim))
    return frame("price_change", price_changes=[entry], timestamp=str(ts_ms))


ONE = levels(("0.47", "30"))
TWO = levels(("0.47", "30"), ("0.48", "5"))


@pytest.fixture
def checker() -> HashChecker:
    """One that has reproduced enough to be trusted."""
    checker = HashChecker([make_market()])
    for ts_ms in range(TS_MS, TS_MS + 3):
        (check,) = checker.receive(book(ts_ms, ONE))
        assert (check.verdict, check.is_snapshot) == (Verdict.OK, True)
        assert check.ts_venue_ns == ts_ms * 1_000_000
    return checker


def settle(checker: HashChecker, *frames: bytes) -> list[Verdict]:
    found = [check for payload in frames for check in checker.receive(payload)]
    return [check.verdict for check in found + checker.disconnect()]


def test_a_batch_is_judged_when_the_next_time_comes(checker: HashChecker) -> None:
    assert checker.receive(delta(TS_MS + 9, "5", TWO)) == []
    (check,) = checker.receive(delta(TS_MS + 10, "0", ONE))
    assert (check.verdict, check.is_snapshot) == (Verdict.OK, False)
    assert settle(checker) == [Verdict.OK]


def test_frames_of_one_time_claim_the_state_after_all(checker: HashChecker) -> None:
    after = levels(("0.48", "5"))
    first = delta(TS_MS + 9, "5", after)
    second = json.loads(first)
    second["price_changes"][0] |= {"price": "0.47", "size": "0"}
    assert settle(checker, first, json.dumps(second).encode()) == [Verdict.OK]


def test_a_lost_delta_is_bad_once_and_unknown_until_the_next_book(checker: HashChecker) -> None:
    lost = [*TWO, *levels(("0.49", "1"))]
    changed = [ONE[0], *levels(("0.48", "6")), lost[2]]
    frames = [delta(TS_MS + 9, "5", lost), delta(TS_MS + 10, "6", changed), book(TS_MS + 11, ONE)]
    assert settle(checker, *frames) == [Verdict.BAD, Verdict.UNKNOWN, Verdict.OK]
    assert checker.counts == {Verdict.OK: 4, Verdict.BAD: 1, Verdict.UNKNOWN: 1}


def test_what_one_line_reproduced_is_proof_on_another(checker: HashChecker) -> None:
    """Not what it saw: a line that begins without a book has nothing to compare."""
    frames = [delta(TS_MS + 9, "5", [*TWO, *TWO]), delta(TS_MS + 10, "5", TWO)]
    assert settle(checker.of_other_line(), *frames) == [Verdict.UNKNOWN, Verdict.UNKNOWN]
    fresh = HashChecker([make_market()])
    for other, verdict in ((checker.of_other_line(), Verdict.BAD), (fresh, Verdict.UNKNOWN)):
        assert settle(other, book(TS_MS + 8, ONE), *frames)[:2] == [Verdict.OK, verdict]


def test_a_batch_that_the_line_cut_off_proves_nothing(checker: HashChecker) -> None:
    assert settle(checker, delta(TS_MS + 9, "5", [*TWO, *TWO])) == [Verdict.UNKNOWN]
    assert settle(checker, delta(TS_MS + 10, "5", TWO)) == [Verdict.UNKNOWN]


def test_nothing_is_bad_before_the_market_was_reproduced() -> None:
    checker = HashChecker([make_market()])
    assert settle(checker, book(TS_MS, ONE, hash="00")) == [Verdict.UNKNOWN]
    assert settle(checker, delta(TS_MS, "5", TWO)) == [Verdict.UNKNOWN]


def test_the_last_trade_is_found_out(checker: HashChecker) -> None:
    ts = str(TS_MS + 9)
    trade = frame(
        "last_trade_price", asset_id=YES, price="0.48", size="1", side="SELL", timestamp=ts
    )
    frames = [
        trade,
        delta(TS_MS + 9, "5", TWO, last_trade="0.520"),
        delta(TS_MS + 10, "0", ONE, last_trade="0.520"),
        delta(TS_MS + 11, "5", [*ONE, *TWO], last_trade="0.520"),
        delta(TS_MS + 12, "0", ONE, last_trade="0.520"),
    ]
    assert settle(checker, *frames) == [Verdict.OK, Verdict.OK, Verdict.BAD, Verdict.UNKNOWN]


def test_a_second_trade_at_the_same_price_is_settled_by_the_same_hash(
    checker: HashChecker,
) -> None:
    frames = []
    for ts_ms, size, after in ((TS_MS + 9, "5", TWO), (TS_MS + 10, "0", ONE)):
        ts = str(ts_ms)
        frames.append(frame("last_trade_price", asset_id=YES, price="0.48", timestamp=ts))
        frames.append(delta(ts_ms, size, after, last_trade="0.480"))
    frames.append(delta(TS_MS + 11, "5", ONE, last_trade="0.480"))
    frames.append(delta(TS_MS + 12, "0", ONE, last_trade="0.480"))
    assert settle(checker, *frames) == [Verdict.OK, Verdict.OK, Verdict.BAD, Verdict.UNKNOWN]


def test_nothing_is_bad_while_the_last_trade_is_in_question(checker: HashChecker) -> None:
    ts = str(TS_MS + 9)
    trade = frame("last_trade_price", asset_id=YES, price="0.48", timestamp=ts)
    frames = [trade, delta(TS_MS + 9, "5", [*TWO, *TWO]), book(TS_MS + 10, ONE)]
    assert settle(checker, *frames) == [Verdict.UNKNOWN, Verdict.OK]


def test_a_book_brings_its_tick(checker: HashChecker) -> None:
    claimed = hashed(TS_MS + 9, ONE, tick_size="0.001")
    frames = [
        book(TS_MS + 9, ONE, tick_size="0.001", hash=claimed),
        delta(TS_MS + 10, "5", TWO, tick_size="0.001"),
    ]
    assert settle(checker, *frames) == [Verdict.OK, Verdict.OK]


def test_a_tick_change_is_hashed_and_hides_the_book(checker: HashChecker) -> None:
    fine = {"hash": hashed(TS_MS + 11, ONE, tick_size="0.001")}
    frames = [
        frame("tick_size_change", asset_id=YES, new_tick_size="0.001", timestamp=str(TS_MS + 9)),
        delta(TS_MS + 10, "5", TWO, tick_size="0.001"),
        book(TS_MS + 11, ONE, **fine),
    ]
    assert settle(checker, *frames) == [Verdict.UNKNOWN, Verdict.OK]


def test_an_unreadable_change_hides_the_book(checker: HashChecker) -> None:
    assert settle(checker, delta(TS_MS + 9, "many", TWO)) == [Verdict.UNKNOWN]


def test_unknown_tokens_and_frames_without_hashes_are_passed_over(checker: HashChecker) -> None:
    frames = [frame("book", asset_id=YES, bids=ONE, asks=[]), b"{", frame("book", asset_id="99")]
    assert settle(checker, *frames) == []
