"""The loop: time that passes without rows, a clock that goes back, and trouble that is not lost."""

from pathlib import Path

import msgspec
import pytest

from hfptm.drive.inputs import InputLog, Start, read_inputs, read_start
from hfptm.drive.loop import Loop
from hfptm.errors import CapacityError, LakeError
from hfptm.raw import RawKind
from hfptm.records import EventKind, TakerDelay
from hfptm.registry import Market
from hfptm.units import FAR_NS, NS_PER_MS, NS_PER_S
from tests.engines import Recorder, crossed_market, tape_of
from tests.tapes import START_NS, make_market

FRAME = int(RawKind.FRAME)
START = Start(mode="paper")


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
