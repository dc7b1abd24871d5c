"""An account as it is told, against plain readings of the kernel at the same moment."""

import numpy as np
import pytest

from hfptm.book_view import book_view
from hfptm.bulletin import LEVELS_MAX
from hfptm.drive import account_copy
from hfptm.drive.account_copy import copy_of
from hfptm.kernel.plans import Stage
from hfptm.opportunities import Reason
from hfptm.records import EventKind, Side
from hfptm.trading_status import LimitUse
from hfptm.units import NS_PER_S, ONE_E6
from replay.metrics import account
from tests.engines import Recorder, crossed_market, tape_of
from tests.tapes import START_NS, Row, make_market
from tests.unit.test_portfolio import ALONE, LEFT, ONE, book, going_on, level


def uses(engine: Recorder) -> dict[str, LimitUse]:
    return {use.name: use for use in account_copy.limit_uses(copy_of(engine))}


def test_what_is_held_counts_against_its_limits() -> None:
    engine = going_on("risk.position_timeout_h=2")
    engine.feed(book(0, ALONE))
    told = uses(engine)
    total, event, market = (
        told[f"max_exposure_{name}_usd"] for name in ("total", "per_event", "per_market")
    )
    assert (total.used, total.limit, total.of) == (12 * ONE_E6, 1_000 * ONE_E6, "")
    assert (event.used, event.limit, event.of) == (8 * ONE_E6, 500 * ONE_E6, "event")
    assert (market.used, market.limit, market.of) == (5 * ONE_E6, 200 * ONE_E6, "one")
    alone = told["position_timeout_h"]
    now_ns = int(engine.state.counters[0]["now_ns"])
    assert (alone.used, alone.of) == (now_ns - START_NS + NS_PER_S, "alone")
    assert alone.limit == 2 * 3_600 * NS_PER_S


def test_a_market_without_event_is_one_by_itself() -> None:
    engine = going_on()
    engine.feed(book(0, ALONE))
    engine.state.positions["cost_e6"][engine.state.positions["cost_e6"] == 4 * ONE_E6] = 9 * ONE_E6
    told = uses(engine)
    assert told["max_exposure_per_event_usd"].of == "alone"
    assert told["max_exposure_per_event_usd"].used == 9 * ONE_E6


def test_positions_are_told_by_cost_with_their_worth() -> None:
    engine = going_on()
    engine.feed(book(0, ALONE))
    views, count = account_copy.position_views(copy_of(engine))
    assert count == 3
    assert [view.slug for view in views] == ["one", "alone", "other"]
    held = {view.slug: view for view in views}
    assert (held["alone"].bid_e6, held["one"].bid_e6) == (6 * ONE_E6, None)
    assert (held["one"].locked_size_e6, held["alone"].locked_size_e6) == (10 * ONE_E6, 0)
    assert (held["one"].event_slug, held["alone"].event_slug) == ("event", "")
    assert {view.token for view in views} == {"yes"}
    assert held["alone"].alone_since_ns == LEFT.positions[0].alone_since_ns


def test_money_is_that_of_the_summary() -> None:
    engine = going_on()
    engine.feed(book(0, ALONE))
    money = account_copy.money(copy_of(engine), 7)
    summary = account(engine)
    assert money.residue_bid_e6 == round(float(str(summary["residue_bid_usd"])) * ONE_E6)
    assert money.residue_cost_e6 == round(float(str(summary["residue_cost_usd"])) * ONE_E6)
    assert (money.realised_before_e6, money.bankroll_e6) == (7, 1_000 * ONE_E6)
    assert (money.locked_e6, money.locked_payout_e6) == (8 * ONE_E6, 10 * ONE_E6)


def test_nothing_held_is_nothing_used() -> None:
    engine = Recorder([make_market("a")], [])
    told = uses(engine)
    assert {use.used for use in told.values()} == {0}
    assert {use.of for use in told.values()} == {""}
    assert account_copy.position_views(copy_of(engine)) == ([], 0)
    assert account_copy.money(copy_of(engine), 0).cash_e6 == 1_000 * ONE_E6


def test_orders_under_way_count_as_the_kernel_counts_them() -> None:
    market = make_market("crossed")
    engine = Recorder([market], [], "trading.min_edge=0.001", "sim.entry_latency_ms=100")
    rows, seen = tape_of(crossed_market("crossed", START_NS)), set[tuple[int, int]]()
    for row in np.split(rows, len(rows)):
        engine.feed(row.copy())
        state, told = engine.state, uses(engine)
        promised_e6 = int(state.reserved[0].sum())
        held_e6 = int(state.positions[0]["cost_e6"].sum())
        running = sum(stage != Stage.FREE for stage in state.plans[0]["stage"])
        assert told["max_exposure_total_usd"].used == promised_e6 + held_e6
        assert told["max_exposure_per_market_usd"].used == promised_e6 + held_e6
        assert told["max_concurrent_arbs"].used == running
        assert told["max_order_burst"].used <= told["max_order_burst"].limit
        seen.add((running, int(promised_e6 > 0)))
    assert seen == {(0, 0), (1, 1)} or seen == {(0, 0), (1, 1), (1, 0)}


@pytest.mark.parametrize(
    ("fields", "name", "used"),
    [
        ({"day_start_e6": 30, "result_e6": 10, "peak_e6": 30}, "daily_loss_limit_usd", 20),
        ({"day_start_e6": 0, "result_e6": 10, "peak_e6": 10}, "daily_loss_limit_usd", 0),
        ({"result_e6": 10, "peak_e6": 35}, "max_drawdown_usd", 25),
        ({"failures": 4}, "max_consecutive_failures", 4),
        ({"slow_ns": 9}, "max_order_latency_ms", 9),
    ],
)
def test_losses_failures_and_slow_orders(fields: dict[str, int], name: str, used: int) -> None:
    engine = Recorder([make_market("a")], [])
    for field, value in fields.items():
        engine.state.risk[0][field] = value
    assert uses(engine)[name].used == used


def test_a_pause_is_told_while_it_lasts() -> None:
    engine = Recorder([make_market("a")], [])
    engine.state.counters["now_ns"] = 50
    assert account_copy.pause(copy_of(engine)) == ("", 0)
    engine.state.risk["slow_until_ns"] = 70
    assert account_copy.pause(copy_of(engine)) == (Reason.ORDER_LATENCY.name.lower(), 70)
    engine.state.risk["paused_until_ns"] = 60
    assert account_copy.pause(copy_of(engine)) == ("failures", 60)
    engine.state.counters["now_ns"] = 70
    assert account_copy.pause(copy_of(engine)) == ("", 0)


def test_a_book_is_told_best_first() -> None:
    market = make_market("a")
    engine = Recorder([market], [])
    begin = Row(START_NS, START_NS, market.market, 0, 0, 0, 2, EventKind.SNAPSHOT, 0)
    bids = [level(1, market, Side.BID, 100 * n, (100 * n, 10_000)) for n in range(1, 31)]
    asks = [level(2, market, Side.ASK, 9_900 - 100 * n, (3_000, 9_900 - 100 * n)) for n in range(9)]
    engine.feed(tape_of([begin, *bids, *asks]))
    view = book_view(engine.state, engine.slots, market.market, 7)
    assert view is not None
    assert len(view.bids) == LEVELS_MAX
    assert view.bids[:2] == [(3_000, 100 * ONE_E6), (2_900, 100 * ONE_E6)]
    assert [price for price, _ in view.asks] == [9_100 + 100 * n for n in range(9)]
    assert (view.slug, view.tick_e4, view.ts_recv_ns, view.is_bad) == ("a", 100, 7, False)


def test_a_book_that_is_not_known_is_bad_and_empty() -> None:
    engine = going_on()
    engine.feed(book(0, ALONE))
    assert book_view(engine.state, engine.slots, 5, 0) is None
    for unseen in (ONE, make_market("never")):
        engine.list_more([unseen], [])
        view = book_view(engine.state, engine.slots, unseen.market, 0)
        assert view is not None
        assert (view.is_bad, view.bids, view.asks) == (True, [], [])
