"""Kernel and venue behind one call: names in every output, room made in time, any cut the same."""

from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from hfptm.config import limits, load
from hfptm.engine import Engine, Rows
from hfptm.errors import CapacityError
from hfptm.kernel.jit import records
from hfptm.kernel.result import DAY_NS
from hfptm.kernel.state import GRID_MAX, rows_reserve
from hfptm.lake import Lake
from hfptm.opportunities import DECISION, OUTCOME, OpportunityKind, Phase, Reason
from hfptm.parameters import params_of
from hfptm.records import EVENT, INTENT, Control, EventKind, IntentKind
from hfptm.registry import Group, Market, market_id
from hfptm.risk_state import RiskState
from hfptm.sandbox.recording import write_recording
from hfptm.sim.state import ITEM
from hfptm.slots import REST_NS
from replay.importers import ImportOptions, import_paths
from replay.reader import EventReader
from tests.engines import Recorder, crossed_market, tape_of
from tests.tapes import HOUR_NS, START_NS, make_market


class Tape(NamedTuple):
    rows: Rows
    markets: list[Market]
    groups: list[Group]

    def engine(self) -> "Recorder":
        return Recorder(self.markets, self.groups)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A sandbox recording with little noise between what is planted."""
    folder = tmp_path_factory.mktemp("recording")
    write_recording(folder, seed=11, rate=10)
    lake = Lake(folder / "data")
    import_paths("frames-jsonl", [folder], ImportOptions(), lake)
    return Tape(np.concatenate(list(EventReader(lake))), lake.markets(), lake.groups())


@pytest.fixture(scope="module")
def whole(tape: Tape) -> Recorder:
    return tape.engine().run(tape.rows)


def test_every_output_names_what_the_lake_names(tape: Tape, whole: Recorder) -> None:
    markets = {market.market for market in tape.markets}
    groups = {group.group for group in tape.groups}
    for kind in ("decisions", "outcomes"):
        rows = whole.rows_of(kind)
        is_binary = rows["kind"] == OpportunityKind.BINARY
        assert 0 < is_binary.sum() < len(rows)
        assert set(rows["market"][is_binary].tolist()) <= markets
        assert set(rows["market"][~is_binary].tolist()) <= groups
    intents, reports = whole.rows_of("intents"), whole.rows_of("reports")
    is_conversion = intents["kind"] == IntentKind.CONVERT
    assert set(intents["market"][is_conversion].tolist()) <= groups
    assert set(intents["market"][~is_conversion].tolist()) <= markets
    settled = reports["kind"] == EventKind.SETTLED
    is_of_group = settled & (reports["price_e4"] == OpportunityKind.NO_BASKET)
    assert is_of_group.any()
    assert set(reports["market"][is_of_group].tolist()) <= groups
    is_timer = reports["kind"] == EventKind.TIMER
    assert set(reports["market"][is_timer].tolist()) <= {0}
    assert set(reports["market"][~is_of_group & ~is_timer].tolist()) <= markets


@examples(max_examples=25)
@given(data=st.data())
def test_cuts_change_nothing(tape: Tape, whole: Recorder, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(tape.rows)), max_size=12))
    assert tape.engine().run(tape.rows, cuts).whole_digest() == whole.whole_digest()


def small_outbox(engine: Engine) -> None:
    room = rows_reserve(1) + 2
    engine.state = engine.state.replace(
        intents=records(INTENT, room), decisions=records(DECISION, room)
    )


def small_venue(engine: Engine) -> None:
    sim = engine.sim
    engine.sim = sim.replace(
        delivered=records(EVENT, len(sim.reports) + 2),
        outcomes=records(OUTCOME, len(sim.probes) + 2),
    )


@pytest.mark.parametrize("shrink", [small_outbox, small_venue])
def test_full_buffers_are_emptied_in_time(tape: Tape, whole: Recorder, shrink: Any) -> None:
    engine = tape.engine()
    shrink(engine)
    assert engine.run(tape.rows).whole_digest() == whole.whole_digest()
    assert len(engine.outputs) > len(whole.outputs)


def test_the_level_store_grows_and_changes_nothing(tape: Tape, whole: Recorder) -> None:
    engine = tape.engine()
    engine.state = engine.state.replace(levels=np.zeros(GRID_MAX, np.int64))
    assert engine.run(tape.rows).whole_digest() == whole.whole_digest()
    assert len(engine.state.levels) > GRID_MAX


def test_more_orders_than_the_venue_holds_is_an_error(tape: Tape) -> None:
    engine = tape.engine()
    engine.sim = engine.sim.replace(items=records(ITEM, 2 * rows_reserve(1) + 3))
    with pytest.raises(CapacityError, match="orders under way at once"):
        engine.run(tape.rows)


def test_a_slot_used_again_within_a_block_does_not_rename_what_came_before() -> None:
    """With two markets there are two slots, and the third one gets the first one's."""
    slugs = ["a", "b", "c"]
    later_ns = START_NS + REST_NS + 10_000_000_000
    starts_ns = [START_NS, START_NS + 5_000_000_000, later_ns]
    rows = [
        row
        for slug, start in zip(slugs, starts_ns, strict=True)
        for row in crossed_market(slug, start)
    ]
    engine = Recorder([make_market(slug) for slug in slugs], [])
    engine.slots._free_markets.remove(3)  # as if more markets had come and gone
    engine.run(tape_of(rows))
    decisions = engine.rows_of("decisions")
    begun = decisions[decisions["phase"] == 0]
    assert begun["market"].tolist() == [market_id(slug) for slug in slugs]
    assert set(engine.rows_of("reports")["market"].tolist()) == set(begun["market"].tolist())


def test_a_profit_is_the_market_s_whose_slot_it_was() -> None:
    """The third and the fourth get the slots of the first and the second, who keep what they made;
    nobody is asked before all of it is over."""
    slugs, shares = ["a", "b", "c", "d"], [100, 101, 102, 103]
    starts_ns = [START_NS + number * (REST_NS + 10_000_000_000) // 2 for number in range(4)]
    markets, made = [make_market(slug) for slug in slugs], {}
    days = []
    for market, start_ns, of_100 in zip(markets, starts_ns, shares, strict=True):
        rows = crossed_market(market.slug, start_ns)
        days.append([row._replace(size_e6=row.size_e6 * of_100 // 100) for row in rows])
        alone = Recorder([market], []).run(tape_of(days[-1]))
        made[market.market] = int(alone.state.lanes[0]["realised_e6"])
    engine = Recorder(markets, [])
    for slot in (3, 4):
        engine.slots._free_markets.remove(slot)  # as if more markets had come and gone
    engine.run(tape_of([row for day in days for row in day]))
    assert np.flatnonzero(engine.state.realised.any(axis=1)).tolist() == [1, 2]
    realised = engine.realised_by_market()
    assert {market: int(of_lanes[0]) for market, of_lanes in realised.items()} == made
    assert len(set(made.values())) == 4


def test_finish_waits_for_what_follows_from_what_was_sent() -> None:
    """One leg fills, the other is gone: the first is sold, each order a quiet second after it."""
    *book, removal, _ = crossed_market("a", START_NS)
    removal = removal._replace(ts_recv_ns=START_NS + 30_000_000, ts_venue_ns=START_NS + 30_000_000)
    engine = Recorder([make_market("a")], [], "sim.print_window_ms=0")
    engine.run(tape_of([*book, removal]))
    account = engine.state.lanes[0]
    assert (account["partial"], account["unwinds"]) == (1, 1)
    assert not engine.state.plans["stage"].any()
    assert not engine.state.positions["size_e6"].any()
    assert account["reserved_e6"] == 0


def test_parameters_follow_the_fee_model() -> None:
    charged = [
        params_of(limits(load(None, [f"fees.model={name}"], {})))[0]
        for name in ("published", "none", "seed_flat_2pct")
    ]
    assert [int(params["charge_fees"]) for params in charged] == [1, 0, 0]
    assert [int(params["payout_fee_e4"]) for params in charged] == [0, 0, 200]


def test_a_stop_outlives_the_engine_and_is_lifted_in_the_next() -> None:
    markets = [make_market("a"), make_market("b")]
    first = Recorder(markets, [])
    first.feed(tape_of(crossed_market("a", START_NS)))
    first.control(Control.STOP, START_NS + HOUR_NS // 2)  # the trades have settled
    left = first.risk_state()
    assert (left.latch, left.day) == ("stopped", START_NS // DAY_NS)
    assert left.lost_e6 < 0
    again = Recorder(markets, [], risk=msgspec.convert(msgspec.to_builtins(left), RiskState))
    for slug, after_ns, reason in (("a", HOUR_NS, Reason.STOPPED), ("b", DAY_NS, Reason.TAKEN)):
        again.outputs.clear()
        again.feed(tape_of(crossed_market(slug, START_NS + after_ns)))
        begun = [row for row in again.rows_of("decisions") if row["phase"] == Phase.BEGIN]
        assert [row["reason"] for row in begun] == [reason]
        again.control(Control.RESUME, again.last_row_ns)


def test_a_day_goes_on_where_the_last_engine_left_it() -> None:
    """49 dollars were lost that day, and 80 since the best result: one more ends trading."""
    before = RiskState(
        day=START_NS // DAY_NS,
        lost_e6=49_000_000,
        fallen_e6=80_000_000,
        failures=3,
        paused_until_ns=START_NS + 1,
        proven_plans=4,
    )
    engine = Recorder([make_market("a")], [], risk=before)
    assert engine.risk_state() == before
    engine.feed(tape_of(crossed_market("a", START_NS))[:1])
    assert engine.risk_state() == before
