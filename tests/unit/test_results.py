"""What a lane holds, put to the event that it belongs to."""

import numpy as np
import pytest

from hfptm.units import ONE_E6
from replay.metrics import account
from replay.results import result_by_event
from tests.engines import Recorder, crossed_market, tape_of
from tests.tapes import START_NS, make_market

EVENT = 77


def carrying() -> Recorder:
    """One leg of a plan was gone, and for the other there is a bid of 0.3."""
    snapshot, bid, ask, cross, removal, _ = crossed_market("a", START_NS)
    gone_ns, later_ns = START_NS + 20_000_000, START_NS + 9_000_000_000
    gone = [(removal, 4_000 << 32 | 5_000), (bid._replace(size_e6=0), 5_000)]
    after = [row._replace(ts_recv_ns=gone_ns, ts_venue_ns=gone_ns, aux=best) for row, best in gone]
    engine = Recorder([make_market("a")], []).run(tape_of([snapshot, bid, ask, cross, *after]))
    offer = bid._replace(price_e4=3_000, aux=3_000 << 32 | 5_000)
    return engine.run(tape_of([offer._replace(ts_recv_ns=later_ns, ts_venue_ns=later_ns)]))


def test_what_is_carried_counts_at_the_bid_less_its_cost() -> None:
    engine = carrying()
    market = make_market("a").market
    realised = {market: np.array([-5], np.int64)}
    found = result_by_event(engine, realised, {market: EVENT})
    told = account(engine)
    carried_usd = float(str(told["residue_bid_usd"])) - float(str(told["residue_cost_usd"]))
    assert carried_usd == pytest.approx(30 - 51.75)
    assert {event: result.tolist() for event, result in found.items()} == {
        EVENT: [round(carried_usd * ONE_E6) - 5]
    }


def test_complete_sets_count_at_what_they_pay_at_least() -> None:
    """Of what is carried, shares for 5 dollars become part of a basket that pays 8: what
    `settlement.hold` writes."""
    engine = carrying()
    market, state = make_market("a").market, engine.state
    slot = engine.slots.market_ids.tolist().index(market)
    before = result_by_event(engine, {}, {market: EVENT})[EVENT]
    held = state.positions[0, slot]
    token = int(np.argmax(held["size_e6"]))
    assert held[token]["size_e6"] >= 8 * ONE_E6
    held[token]["locked_size_e6"], held[token]["locked_cost_e6"] = 8 * ONE_E6, 5 * ONE_E6
    state.lanes[0]["locked_e6"], state.lanes[0]["locked_payout_e6"] = 5 * ONE_E6, 8 * ONE_E6
    engine.slots.group_ids[0], state.locked_payouts[0, 0] = EVENT, 8 * ONE_E6
    after = result_by_event(engine, {}, {market: EVENT})[EVENT]
    bid_e6 = 8 * ONE_E6 * 3_000 // 10_000
    assert (after - before).tolist() == [8 * ONE_E6 - bid_e6]
    assert float(str(account(engine)["locked_profit_usd"])) == 3


def test_nothing_held_is_of_no_event() -> None:
    engine = Recorder([make_market("a")], [])
    assert result_by_event(engine, {}, {}) == {}
