"""The loop: time that passes without rows, a clock that goes back, and trouble that is not lost."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from hfptm.drive.inputs import InputLog, Start, read_inputs, read_start
from hfptm.drive.kill_switch import LOOK_NS, KillSwitch, _lifted_path, lift, reason_of, throw
from hfptm.drive.loop import Loop
from hfptm.drive.order_log import OrderLog, read_orders
from hfptm.engine import Rows
from hfptm.errors import CapacityError, LakeError
from hfptm.raw import RawKind
from hfptm.records import BUY, EVENT, Control, EventKind, IntentKind, TakerDelay, Token
from hfptm.registry import Market
from hfptm.secrets import Secret, Secrets
from hfptm.units import FAR_NS, NS_PER_MS, NS_PER_S, ONE_E6
from hfptm.venue.account import Account, Placement
from tests.engines import Recorder, crossed_market, tape_of
from tests.tapes import START_NS, make_market

FRAME = int(RawKind.FRAME)
START = Start(mode="paper")
SECRETS = Secrets(
    private_key=Secret("0x" + "11" * 32),
    api_key=Secret("k"),
    api_secret=Secret("c2VjcmV0"),
    api_passphrase=Secret("p"),
    funder_address="0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a",
    signature_type=0,
)


def frame(market: Market, ts_ns: int) -> tuple[int, int, int, int, int, int, bytes]:
    book = (
        f'{{"event_type":"book","asset_id":"{market.yes_token}","market":"{market.condition_id}",'
        f'"timestamp":"{ts_ns // 10**6}","bids":[{{"price":"0.4","size":"9"}}],"asks":[]}}'
    )
    return (ts_ns, 0, 0, 1, 1, FRAME, book.encode())


def test_inputs_are_those_that_were_fed_and_time_never_goes_back(tmp_path: Path) -> None:
    one, two = make_market("one"), make_market("two")
    engine = Recorder([], [], spare_slots=2)
    with InputLog(tmp_path, START) as inputs:
        loop = Loop(engine, inputs, START_NS)
        loop.list_more([one], [])
        loop.receive(frame(one, START_NS + 5))
        loop.list_more([two], [])
        loop.receive(frame(two, START_NS))
    steps = list(read_inputs(tmp_path))
    assert [[m.market for m in listing.markets] for listing, _ in steps] == [
        *([], [one.market], [two.market])
    ]
    assert [rows["market"].tolist() for _, rows in steps] == [
        *([], 2 * [one.market], 2 * [two.market])
    ]
    assert [set(rows["ts_recv_ns"].tolist()) for _, rows in steps[1:]] == 2 * [{START_NS + 5}]
    assert engine.slots.unlisted_markets == 0


def test_changed_rules_and_payouts_are_rows_of_markets_that_are_listed(tmp_path: Path) -> None:
    """They stand among the inputs, at the time of the loop, and reach the kernel's own market."""
    listed, other = make_market("one"), make_market("other")
    engine = Recorder([], [], spare_slots=2)
    dearer = msgspec.structs.replace(listed, fee_rate_e4=900)
    slower = msgspec.structs.replace(dearer, game_delay_ms=3_000, taker_delay=TakerDelay.YES)
    with InputLog(tmp_path, START) as inputs:
        loop = Loop(engine, inputs, START_NS)
        loop.list_more([listed], [])
        loop.update([dearer, msgspec.structs.replace(other, fee_rate_e4=1)], {})
        loop.receive(frame(listed, START_NS + 5))
        loop.update([slower], {})
        loop.update([slower], {other.market: 10_000})
        (market,) = engine.state.markets[engine.slots.market_ids == listed.market]
        assert (market["fee_rate_e4"], market["game_delay_ns"]) == (900, 3_000 * NS_PER_MS)
        assert market["taker_delay"] == TakerDelay.YES
        loop.update([], {listed.market: 10_000})
    assert engine.slots.unlisted_markets == 0
    assert engine.state.markets["payout_e4"].tolist().count(10_000) == 1
    (_, none), (_, rows) = read_inputs(tmp_path)
    assert len(none) == 0
    told = rows[rows["kind"] >= EventKind.STATE]
    kinds = [EventKind.FEE, EventKind.DELAY, EventKind.STATE]
    assert told["kind"].tolist() == kinds
    assert (told["ts_recv_ns"] - START_NS).tolist() == [0, 5, 5]
    assert set(told["market"].tolist()) == {listed.market}


def test_what_is_due_comes_by_a_timer_where_no_row_does(tmp_path: Path) -> None:
    """Alone in its market, an order is answered when the grace time of its book is over."""
    listed = make_market("quiet")
    engine = Recorder([listed], [])
    with InputLog(tmp_path, START) as inputs:
        loop = Loop(engine, inputs, START_NS)
        rows = tape_of(crossed_market("quiet", START_NS)[:4])
        engine.feed(rows)
        assert any(len(output.intents) for output in engine.outputs)
        assert START_NS < engine.wake_ns < FAR_NS
        due_ns = engine.wake_ns
        loop.tick(due_ns - 1)
        assert loop.status.timers == 0
        for ms in range(0, 120_000, 100):
            loop.tick(due_ns + ms * 10**6)
    kinds = [kind for output in engine.outputs for kind in output.reports["kind"].tolist()]
    assert EventKind.FILL in kinds
    assert 0 < loop.status.timers < 100
    ((_, timers),) = read_inputs(tmp_path)
    assert set(timers["kind"].tolist()) == {EventKind.TIMER}


def reports_of(intents: Rows, ts_ns: int, *kinds: EventKind) -> Rows:
    """The same for every order, filled whole at its limit."""
    rows = np.zeros((len(intents), len(kinds)), EVENT)
    for row, intent in zip(rows, intents, strict=True):
        row["kind"], row["aux"] = kinds, intent["order"]
        for name in ("market", "size_e6", "price_e4", "side"):
            row[name] = intent[name]
    rows["ts_recv_ns"] = rows["ts_venue_ns"] = ts_ns
    return rows.ravel()


def test_orders_that_leave_are_answered_by_rows_and_sets_are_held(tmp_path: Path) -> None:
    """The simulated venue fills none of them; it still measures what was there at arrival."""
    listed = make_market("one")
    engine = Recorder([listed], [], "trading.complete_sets=hold", orders_leave=True)
    with InputLog(tmp_path, START) as inputs:
        loop = Loop(engine, inputs, START_NS)
        engine.feed(tape_of(crossed_market("one", START_NS)[:-1]))
        intents = engine.rows_of("intents")
        placed = intents[intents["kind"] == IntentKind.PLACE]
        assert len(placed) == 2
        loop.tick(START_NS + 5 * NS_PER_S)
        assert engine.state.lanes[0]["fills"] == 0
        assert len(engine.rows_of("outcomes")) == 1
        kinds = (EventKind.FILL, EventKind.DONE, EventKind.FILL_CONFIRMED)
        loop.hear(reports_of(placed, START_NS + NS_PER_S, *kinds))
        assert loop.status.fills == 2
        assert loop.status.under_way == 0
        loop.tick(START_NS + 70 * NS_PER_S)
    intents = engine.rows_of("intents")
    assert IntentKind.MERGE not in intents["kind"]
    assert (intents["kind"] == IntentKind.PLACE).sum() == 2
    left = engine.portfolio().positions
    assert [position.size_e6 for position in left] == 2 * [placed["size_e6"][0]]
    ((_, rows),) = read_inputs(tmp_path)
    heard = rows[rows["kind"] >= EventKind.ACK]
    assert set(heard["ts_recv_ns"].tolist()) == {START_NS + 5 * NS_PER_S}, "time never goes back"
    told = engine.rows_of("reports")
    assert told[told["kind"] >= EventKind.ACK].tolist() == heard.tolist(), "for the journal"
    timers_ns = told["ts_recv_ns"][told["kind"] == EventKind.TIMER]
    assert (np.diff(told["ts_recv_ns"]) >= 0).all()
    assert len(timers_ns) > 0


def test_pairs_are_merged_where_they_may_and_cash_counts_once_that_is_told(tmp_path: Path) -> None:
    engine = Recorder([make_market("one")], [], "trading.complete_sets=merge", orders_leave=True)
    with InputLog(tmp_path, START) as inputs:
        loop = Loop(engine, inputs, START_NS)
        engine.feed(tape_of(crossed_market("one", START_NS)[:-1]))
        placed = engine.rows_of("intents")
        placed = placed[placed["kind"] == IntentKind.PLACE]
        kinds = (EventKind.FILL, EventKind.DONE, EventKind.FILL_CONFIRMED)
        loop.hear(reports_of(placed, START_NS + NS_PER_S, *kinds))
        before_e6 = loop.status.cash_e6
        (merge,) = [i for i in engine.rows_of("intents") if i["kind"] == IntentKind.MERGE]
        assert loop.status.under_way == 1
        loop.hear(reports_of(np.array([merge]), START_NS + NS_PER_S, EventKind.SETTLED))
    assert loop.status.cash_e6 - before_e6 == placed["size_e6"][0] == merge["size_e6"]
    assert (loop.status.under_way, engine.portfolio().positions) == (0, [])


def test_the_kill_switch_halts_and_only_its_lifting_resumes(tmp_path: Path) -> None:
    engine = Recorder([make_market("one")], [])
    switch = KillSwitch(tmp_path)
    with InputLog(tmp_path, START) as inputs:
        loop = Loop(engine, inputs, START_NS)
        assert switch.look(LOOK_NS) is None
        throw(tmp_path, "why")
        throw(tmp_path, "again")
        assert reason_of(tmp_path) == "why"
        assert switch.look(2 * LOOK_NS - 1) is None
        assert switch.look(2 * LOOK_NS) is Control.HALT
        assert switch.look(3 * LOOK_NS) is None
        loop.control(Control.HALT)
        engine.feed(tape_of(crossed_market("one", START_NS)[:-1]))
        assert loop.status.latch == "halted"
        assert IntentKind.PLACE not in engine.rows_of("intents")["kind"]
        assert lift(tmp_path)
        assert not lift(tmp_path)
        assert switch.look(4 * LOOK_NS) is Control.RESUME
        loop.control(Control.RESUME)
        assert loop.status.latch == ""
        assert switch.look(5 * LOOK_NS) is None
    ((_, rows),) = read_inputs(tmp_path)
    assert rows["aux"][rows["kind"] == EventKind.CONTROL].tolist() == [3, 2]


def test_a_run_that_a_limit_has_stopped_is_told_to_go_on(tmp_path: Path) -> None:
    assert not lift(tmp_path)
    switch = KillSwitch(tmp_path)
    assert switch.look(LOOK_NS) is None  # what was said before it began
    assert not lift(tmp_path)
    assert switch.look(2 * LOOK_NS) is Control.RESUME
    assert switch.look(3 * LOOK_NS) is None
    throw(tmp_path, "why")
    assert switch.look(4 * LOOK_NS) is Control.HALT
    _lifted_path(tmp_path).touch()  # the first half of a lifting
    assert switch.look(5 * LOOK_NS) is None
    assert lift(tmp_path)
    assert switch.look(6 * LOOK_NS) is Control.RESUME
    assert switch.look(7 * LOOK_NS) is None


def test_orders_are_read_up_to_a_torn_line(tmp_path: Path) -> None:
    account = Account(SECRETS)
    placements = [
        Placement(
            order=number,
            decided_ns=START_NS,
            market=make_market("one", yes_token="1", no_token="2"),
            token=Token.NO,
            side=BUY,
            price_e4=5_000,
            size_e6=10 * ONE_E6,
        )
        for number in (7, 8)
    ]
    signed = [account.sign(placement, START_NS) for placement in placements]
    with OrderLog(tmp_path) as log:
        log.write(signed)
        size = (tmp_path / "orders.jsonl").stat().st_size
    path = tmp_path / "orders.jsonl"
    assert path.stat().st_size == size, "nothing waits in this process"
    lines = read_orders(tmp_path)
    assert [(line.order, line.order_id) for line in lines] == [
        (order.placement.order, order.order_id) for order in signed
    ]
    assert lines[0].fields == signed[0].fields
    path.write_bytes(path.read_bytes()[:-1])
    assert [line.order for line in read_orders(tmp_path)] == [7]


def test_what_goes_wrong_is_told_by_the_next_tick(tmp_path: Path) -> None:
    engine = Recorder([], [], spare_slots=1)
    with InputLog(tmp_path, START) as inputs:
        loop = Loop(engine, inputs, START_NS)
        loop.list_more([make_market("one"), make_market("two")], [])
        loop.receive(frame(make_market("one"), START_NS))
        loop.tick(START_NS)
        loop.receive(frame(make_market("two"), START_NS))
        with pytest.raises(CapacityError):
            loop.tick(START_NS)


def test_a_killed_run_keeps_its_inputs_up_to_the_last_whole_block(tmp_path: Path) -> None:
    """Nothing is closed; the last block and the last line are torn at any byte."""
    one, two = make_market("one"), make_market("two")
    inputs = InputLog(tmp_path, START)
    with inputs:
        loop = Loop(Recorder([], [], spare_slots=2), inputs, START_NS)
        sizes = []
        for second, market in enumerate((one, two), start=1):
            loop.list_more([market], [])
            loop.receive(frame(market, START_NS + second * NS_PER_S))
            loop.tick(START_NS + second * NS_PER_S)
            sizes.append((tmp_path / "inputs.wal").stat().st_size)
        written = (tmp_path / "inputs.wal").read_bytes()
        listed = (tmp_path / "listings.jsonl").read_bytes()
    assert len(written) == sizes[1] > sizes[0]
    killed = tmp_path / "killed"
    killed.mkdir()
    for size in range(sizes[0], sizes[1]):
        (killed / "inputs.wal").write_bytes(written[:size])
        (killed / "listings.jsonl").write_bytes(listed[: -1 - size % 9])
        (_, none), (listing, rows) = read_inputs(killed)
        assert len(none) == 0
        assert [market.market for market in listing.markets] == [one.market]
        assert rows["market"].tolist() == 2 * [one.market]
    damaged = bytearray(written)
    damaged[sizes[0] - 1] ^= 1
    (killed / "inputs.wal").write_bytes(damaged)
    with pytest.raises(LakeError, match="damaged in its middle"):
        list(read_inputs(killed))


def test_a_folder_without_inputs_says_so(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="kept no inputs"):
        read_start(tmp_path)
