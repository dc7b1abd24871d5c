"""The taker delay: who sits in it, which book is met after it, and what the kernel makes of it."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hfptm.lake import MARKETS_SCHEMA, Lake
from hfptm.records import EventKind, MarketState, RejectReason, Side, TakerDelay
from hfptm.units import ONE_E6
from tests.engines import Recorder, crossed_market, tape_of
from tests.kernels import (
    ASK,
    MS,
    Venue,
    best,
    book,
    fee,
    game,
    level,
    market,
    row,
    timer,
    trade,
)
from tests.tapes import START_NS, Row, make_market


def sent(*rules: Row, price_e4: int = 5_000, **changes_ms: int) -> Venue:
    """An order for 10 YES that arrives at 70, where 10 are asked for at 0.50."""
    made = Venue({"bankroll_e6": 0}, **changes_ms)
    made.apply([market(0), *rules, *book(10, 0, {4_000: 10}, {5_000: 10})])
    made.send(20, 1, side=Side.BID, price_e4=price_e4, size_e6=10 * ONE_E6)
    made.apply([timer(20)])
    return made


def reports(made: Venue) -> list[tuple[int, int]]:
    """Kind, and ms."""
    return [(r["kind"], r["ts_recv_ns"] // MS) for r in made.reports]


def asks(ts_ms: int, shares: int) -> list[Row]:
    return [level(ts_ms, 0, ASK, 5_000, shares, flags=0), best(ts_ms, 0, 4_000, 5_000)]


def test_an_order_that_would_match_waits_and_meets_the_book_after_it() -> None:
    made = sent(taker_delay=150)
    made.apply([trade(100, 0, 4_000), *asks(219, 3), *asks(221, 40), timer(300)])
    assert reports(made) == [
        (EventKind.DELAYED, 100),
        (EventKind.FILL, 250),
        (EventKind.DONE, 250),
    ]
    assert [r["size_e6"] for r in made.reports] == [10 * ONE_E6, 3 * ONE_E6, 7 * ONE_E6]
    assert {r["aux"] for r in made.reports} == {1}


def test_an_order_that_would_not_match_dies_at_once() -> None:
    made = sent(price_e4=4_900, taker_delay=150)
    made.apply([trade(100, 0, 4_000), *asks(110, 3), timer(300)])
    assert reports(made) == [(EventKind.REJECT, 100)]


def test_what_went_while_it_waited_is_not_bought() -> None:
    made = sent(taker_delay=150)
    gone = [level(150, 0, ASK, 5_000, 0, flags=0), best(150, 0, 4_000, 10_000)]
    made.apply([*gone, trade(230, 0, 4_000), timer(300)])
    assert reports(made) == [(EventKind.DELAYED, 150), (EventKind.REJECT, 250)]
    assert made.reports[1]["price_e4"] == RejectReason.NO_MATCH


def test_a_market_that_closes_while_it_waits_refuses_it() -> None:
    made = sent(taker_delay=150)
    made.apply([trade(100, 0, 4_000), row(EventKind.STATE, 180, 0, aux=MarketState.CLOSED)])
    made.apply([timer(3_000)])
    assert reports(made)[0] == (EventKind.DELAYED, 100)
    assert made.reports[1]["price_e4"] == RejectReason.MARKET_CLOSED


@pytest.mark.parametrize(
    ("hidden", "reason"),
    [
        (row(EventKind.STATE, 60, 0, aux=MarketState.CLOSED), RejectReason.MARKET_CLOSED),
        (row(EventKind.GAP, 60, 0), RejectReason.NO_BOOK),
        (best(60, 0, 4_000, 4_500), RejectReason.NO_BOOK),
    ],
    ids=["closed", "gap", "half a batch"],
)
def test_without_a_book_at_its_arrival_nothing_waits(hidden: Row, reason: RejectReason) -> None:
    made = sent(taker_delay=150)
    made.apply([hidden, trade(100, 0, 4_000), timer(101)])
    assert reports(made) == [(EventKind.REJECT, 100)]
    assert made.reports[0]["price_e4"] == reason


def test_in_a_quiet_market_both_are_known_after_the_grace() -> None:
    made = sent(taker_delay=150, grace=400)
    made.apply([timer(5_000)])
    assert reports(made)[:2] == [(EventKind.DELAYED, 470), (EventKind.FILL, 620)]


@pytest.mark.parametrize(
    ("start_ms", "is_on"), [(0, True), (70, True), (71, False)], ids=["unknown", "on", "not yet"]
)
def test_a_game_delays_from_its_start_on(start_ms: int, is_on: bool) -> None:
    made = sent(game(0, 3_000, start_ms))
    made.apply([timer(9_000)])
    assert (made.reports[0]["kind"] == EventKind.DELAYED) == is_on


def test_the_longer_delay_holds() -> None:
    for rule_ms, game_ms in ((150, 40), (40, 150)):
        made = sent(game(0, game_ms), taker_delay=rule_ms)
        made.apply([trade(100, 0, 4_000), trade(219, 0, 4_000), trade(230, 0, 4_000), timer(300)])
        assert reports(made)[1] == (EventKind.FILL, 250)


def test_a_market_that_takes_a_slot_over_has_no_delay() -> None:
    made = sent(game(0, 3_000), market(0))
    made.apply([timer(9_000)])
    assert reports(made)[0][0] == EventKind.FILL


@pytest.mark.parametrize("said", TakerDelay)
def test_the_rule_delays_but_where_the_exchange_says_that_it_does_not(said: TakerDelay) -> None:
    made = sent(row(EventKind.DELAY, 0, 0, price_e4=said), taker_delay=150)
    made.apply([timer(9_000)])
    assert (made.reports[0]["kind"] == EventKind.DELAYED) == (said != TakerDelay.NO)


def test_a_game_delays_where_the_rule_does_not() -> None:
    made = sent(game(0, 40)._replace(price_e4=TakerDelay.NO), taker_delay=150)
    made.apply([trade(100, 0, 4_000), trade(120, 0, 4_000), timer(300)])
    assert reports(made)[:2] == [(EventKind.DELAYED, 100), (EventKind.FILL, 140)]


def test_a_market_that_takes_a_slot_over_is_not_known_to_have_none() -> None:
    made = sent(row(EventKind.DELAY, 0, 0, price_e4=TakerDelay.NO), market(0), taker_delay=150)
    made.apply([timer(9_000)])
    assert reports(made)[0][0] == EventKind.DELAYED


def test_a_plan_goes_on_after_the_delay_and_its_probe_looks_then() -> None:
    """Decided at 20; at 70 both legs are put off, and at 220 only YES is left."""
    made = Venue({}, taker_delay=150)
    made.apply([market(0), fee(0, 500), *book(20, 0, {6_000: 100}, {4_500: 100})])
    made.apply([*book(200, 0, {4_400: 500}, {4_500: 100}), trade(230, 0, 4_500)])
    promised_e6 = made.lane()["reserved_e6"]
    assert (made.lane()["delayed"], made.state.plans["open_orders"].sum()) == (2, 2)
    assert promised_e6 > 80 * ONE_E6
    made.apply([timer(9_000)])
    assert made.outcomes[0]["arrived"] == 0
    assert (made.lane()["fills"], made.lane()["partial"]) == (2, 1)
    assert made.lane()["delayed"] == 3  # its sale is a taker too
    made.check_accounts()
    assert not made.state.plans["stage"].any()


def test_a_delay_of_no_plan_is_counted_as_of_nobody() -> None:
    made = sent(taker_delay=150)
    made.apply([timer(9_000)])
    assert (made.lane()["delayed"], made.counters()["unused_rows"]) == (0, 3)


def test_the_engine_waits_for_the_last_delay() -> None:
    """An hour, after the tape's last row: the order still comes back, and the shares are paid."""
    game_on = make_market("a", game_delay_ms=3_600_000, game_start_ns=START_NS)
    rows = tape_of(crossed_market("a", START_NS)[:-2])
    engine = Recorder([game_on], []).run(rows)
    kinds = engine.rows_of("reports")["kind"].tolist()
    assert kinds.count(EventKind.DELAYED) == 2
    assert kinds.count(EventKind.DONE) == 2
    assert not engine.state.plans["stage"].any()


def test_of_markets_written_before_there_were_delays_none_is_known(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    rules = {"game_delay_ms": 1_000, "game_start_ns": START_NS, "taker_delay": TakerDelay.NO}
    lake.write_markets("made", [make_market("a", **rules)])
    [path] = lake.root.glob("markets/*.parquet")
    names = [name for name in MARKETS_SCHEMA.names if name not in rules]
    table = pq.read_table(path).select(names)
    pq.write_table(table, path)
    assert lake.markets() == [make_market("a")]
