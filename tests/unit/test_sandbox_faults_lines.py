"""What faults make of a connection's frames, as properties of any traffic under any faults."""

from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hfptm.sandbox.faults import Faults
from hfptm.sandbox.faults_frames import FORMS, Sent, malformed, without_asset
from hfptm.sandbox.faults_kinds import (
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    Fault,
    Freeze,
    Lose,
    Malformed,
    Reorder,
)
from hfptm.sandbox.faults_lines import Line
from hfptm.sandbox.faults_log import Deed
from hfptm.units import NS_PER_MS

YES, NO, OTHER = "11", "12", "21"
MARKETS = {1: ("one", "0x01"), 2: ("two", "0x02")}
HALF = Decimal("0.5")
LATE = (0, 20)


def price_change(number: int, *assets: str) -> bytes:
    changes = [{"asset_id": asset, "price": "0.5"} for asset in assets]
    return msgspec.json.encode({"timestamp": str(number), "price_changes": changes})


class Wire:
    """A line with everything it sent, and every deed."""

    def __init__(self, *faults: Fault, seed: int = 1, connection: int = 1) -> None:
        self.faults = Faults(seed)
        self.deeds: list[Deed] = []
        self.faults.tell = self.deeds.append
        for fault in faults:
            self.faults.start(fault)
        self.faults.advance(0)
        self.subscribed_ns: dict[str, int] = {}
        self.line = self.open(connection)
        self.sent: list[Sent] = []

    def open(self, connection: int) -> Line:
        return Line(self.faults, connection, "market", MARKETS.__getitem__, self.subscribed_ns)

    def wait(self, ms: int) -> None:
        self.faults.advance(self.faults.now_ns + ms * NS_PER_MS)
        self.sent += self.line.due()

    def frames(self, count: int, market: int = 1, ms: int = 1) -> list[bytes]:
        """Frames of a market, one every `ms`."""
        assets = (YES, NO) if market == 1 else (OTHER,)
        first = self.line.frames + 1
        frames = [price_change(number, *assets) for number in range(first, first + count)]
        for number, frame in enumerate(frames, first):
            self.sent += self.line.take(frame, n=number + 1_000, market=market, assets=assets)
            self.wait(ms)
        return frames

    def payloads(self) -> list[bytes]:
        return [sent.payload for sent in self.sent]

    def of(self, kind: str) -> list[int]:
        """Numbers of the frames that a kind had to do with."""
        return [deed.frame for deed in self.deeds if deed.kind == kind]


def test_without_faults_a_line_is_clear_and_changes_nothing() -> None:
    wire = Wire()
    assert wire.line.is_clear
    assert wire.frames(3) == wire.payloads()
    wire.line.skip(5)
    assert (wire.line.frames, wire.deeds) == (8, [])


def test_other_channels_faults_leave_a_line_alone() -> None:
    wire = Wire(Drop(channel="user"), Freeze(channel="user"), Disconnect(channel="user"))
    assert wire.frames(3) == wire.payloads()
    assert wire.line.cut() is None


@given(st.integers(0, 2**32))
def test_what_is_dropped_is_told_and_the_rest_arrives_in_order(seed: int) -> None:
    wire = Wire(Drop(share=HALF), seed=seed)
    frames = wire.frames(40)
    gone = wire.of("drop")
    assert wire.payloads() == [f for n, f in enumerate(frames, 1) if n not in gone]
    assert [deed.n for deed in wire.deeds] == [1_000 + n for n in gone]
    assert all((deed.connection, deed.market) == (1, "0x01") for deed in wire.deeds)


@given(st.integers(0, 2**32))
def test_duplicates_come_at_once(seed: int) -> None:
    wire = Wire(Duplicate(share=HALF), seed=seed)
    frames = wire.frames(40)
    twice = wire.of("duplicate")
    expected = [f for n, f in enumerate(frames, 1) for _ in range(1 + (n in twice))]
    assert wire.payloads() == expected
    assert 0 < len(twice) < 40


@given(st.integers(0, 2**32), st.integers(0, 3))
def test_delay_keeps_order_and_loses_nothing(seed: int, ms: int) -> None:
    wire = Wire(Delay(delay_ms=LATE, share=HALF), seed=seed)
    frames = wire.frames(40, ms=ms)
    assert wire.payloads() == frames[: len(wire.sent)]
    wire.wait(LATE[1])
    assert wire.payloads() == frames


def test_a_delayed_frame_is_sent_no_sooner() -> None:
    wire = Wire(Delay(delay_ms=(10, 10)))
    first, second = wire.frames(2, ms=3)
    for _ in range(4):
        assert wire.sent == []
        wire.wait(1)
    assert wire.payloads() == [first]
    wire.wait(3)
    assert wire.payloads() == [first, second]
    assert [(deed.frame, deed.delay_ms) for deed in wire.deeds] == [(1, 10), (2, 10)]


def test_what_is_due_goes_before_what_comes() -> None:
    wire = Wire(Delay(delay_ms=(5, 5), duration_s=Decimal("0.001")))
    first, second = price_change(1, YES, NO), price_change(2, YES, NO)
    assert wire.line.take(first) == []
    wire.faults.advance(5 * NS_PER_MS)
    assert wire.line.take(second) == [Sent(first), Sent(second)]


def test_a_line_is_not_clear_while_it_holds_a_frame() -> None:
    wire = Wire(Delay(delay_ms=(10, 10), duration_s=Decimal("0.005")))
    frames = wire.frames(1, ms=6)
    assert not wire.line.is_clear
    frames += wire.frames(1, ms=4)
    assert wire.payloads() == frames
    assert wire.line.is_clear


@given(st.integers(0, 2**32))
def test_reordered_frames_all_come(seed: int) -> None:
    wire = Wire(Reorder(delay_ms=LATE, share=HALF), seed=seed)
    frames = wire.frames(40)
    wire.wait(LATE[1])
    assert wire.payloads() != frames
    assert sorted(wire.payloads()) == sorted(frames)
    on_time = [f for n, f in enumerate(frames, 1) if n not in wire.of("reorder")]
    assert [f for f in wire.payloads() if f in on_time] == on_time


def test_what_was_held_when_a_line_closed_is_told() -> None:
    wire = Wire(Delay(delay_ms=(10, 10)))
    wire.frames(2)
    wire.line.close()
    wire.wait(100)
    assert wire.sent == []
    assert [(d.frame, d.detail) for d in wire.deeds[2:]] == [(1, "never sent"), (2, "never sent")]


def test_a_frozen_line_is_silent_and_a_newer_one_is_not() -> None:
    wire = Wire(Freeze(start_s=Decimal("0.01"), duration_s=Decimal("0.01")))
    frames = wire.frames(30)
    assert wire.payloads() == frames[:10] + frames[20:]
    assert wire.of("freeze") == list(range(11, 21))
    wire = Wire()
    wire.wait(1)
    wire.faults.start(Freeze())
    wire.wait(1)
    wire.line = wire.open(2)
    assert wire.frames(3) == wire.payloads()


def test_a_lost_market_comes_back_when_it_is_subscribed_anew() -> None:
    wire = Wire()
    wire.subscribed_ns |= dict.fromkeys([YES, NO, OTHER], 0)
    wire.wait(1)
    wire.faults.start(Lose(market="one"))
    wire.frames(3)
    assert wire.sent == []
    others = wire.frames(2, market=2)
    wire.sent += wire.line.take(b"[]")
    assert wire.payloads() == [*others, b"[]"]
    assert [(d.frame, d.detail) for d in wire.deeds] == [(1, "all"), (2, "all"), (3, "all")]
    wire.subscribed_ns |= dict.fromkeys([YES, NO], wire.faults.now_ns)
    wire.sent.clear()
    assert wire.frames(2) == wire.payloads()


def test_one_lost_token_leaves_the_other() -> None:
    wire = Wire(Lose(asset=NO))
    frames = wire.frames(1) + wire.frames(1, market=2)
    assert wire.payloads() == [price_change(1, YES), frames[1]]
    trade = msgspec.json.encode({"asset_id": NO, "price": "0.5"})
    assert wire.line.take(trade, market=1, assets=[NO]) == []
    assert [(d.frame, d.detail) for d in wire.deeds] == [(1, f"of {NO}"), (3, "all")]


@given(st.integers(0, 2**32))
def test_lose_without_a_name_loses_markets_by_share(seed: int) -> None:
    wire = Wire(Lose(share=HALF), seed=seed)
    wire.frames(3)
    wire.frames(3, market=2)
    lost = {deed.market for deed in wire.deeds}
    assert len(wire.sent) == 6 - 3 * len(lost)
    assert lost <= {"0x01", "0x02"}


def test_a_cut_is_wanted_once_and_of_lines_that_were_open() -> None:
    wire = Wire(Disconnect(code=1012, start_s=Decimal("0.01"), duration_s=Decimal("0.001")))
    assert wire.line.cut() is None
    wire.wait(10)
    fault = wire.line.cut()
    assert fault is not None
    assert fault.code == 1012
    assert [deed.detail for deed in wire.deeds] == ["code 1012"]
    wire.wait(1)
    assert wire.line.cut() is None


def test_half_of_the_connections_are_cut() -> None:
    cut = [Wire(Disconnect(share=HALF), connection=n).line.cut() is not None for n in range(100)]
    assert 30 < sum(cut) < 70


def test_every_window_cuts_other_connections() -> None:
    often = Disconnect(share=HALF, duration_s=Decimal("0.001"), every_s=Decimal("0.002"))
    wires = [Wire(often, connection=number) for number in range(32)]
    first = [wire.line.cut() is not None for wire in wires]
    for wire in wires:
        wire.wait(2)
    assert [wire.line.cut() is not None for wire in wires] != first


def test_a_malformed_frame_that_comes_twice_is_malformed_twice() -> None:
    wire = Wire(Malformed(form="cut"), Duplicate())
    (frame,) = wire.frames(1)
    assert wire.sent[0] == wire.sent[1]
    assert len(wire.sent[0].payload) < len(frame)


def any_fault() -> st.SearchStrategy[Fault]:
    shares = st.sampled_from([Decimal("0.1"), HALF, 1])
    windows = st.fixed_dictionaries(
        {"share": shares, "start_s": st.sampled_from([0, Decimal("0.01")])}
    )
    late = st.fixed_dictionaries({"share": shares, "delay_ms": st.just(LATE)})
    plain = [st.builds(lambda w, k=kind: k(**w), windows) for kind in (Drop, Duplicate, Malformed)]
    whole = [st.builds(lambda w, k=kind: k(**w), windows) for kind in (Freeze, Lose)]
    return st.one_of(
        *plain, *whole, *(st.builds(lambda v, k=k: k(**v), late) for k in (Delay, Reorder))
    )


@given(st.lists(any_fault(), max_size=5), st.integers(0, 2**32))
def test_the_deeds_account_for_every_frame(faults: list[Fault], seed: int) -> None:
    """Frames less those gone, plus those twice, with other bytes where malformed: what arrived."""
    wire = Wire(*faults, seed=seed)
    frames = wire.frames(10) + wire.frames(10, market=2) + wire.frames(10)
    wire.wait(3 * LATE[1])
    gone = set(wire.of("drop") + wire.of("freeze") + wire.of("lose"))
    twice, bad = Counter(wire.of("duplicate")), set(wire.of("malformed"))
    copies = {n: 1 + twice[n] for n in range(1, 31) if n not in gone}
    assert len(wire.sent) == sum(copies.values())
    expected = Counter({frames[n - 1]: copies[n] for n in copies if n not in bad})
    assert not expected - Counter(wire.payloads())


@given(st.lists(any_fault(), max_size=5), st.integers(0, 2**32))
def test_the_same_traffic_meets_the_same_faults(faults: list[Fault], seed: int) -> None:
    first, second = Wire(*faults, seed=seed), Wire(*faults, seed=seed)
    for wire in (first, second):
        wire.frames(20)
        wire.wait(LATE[1])
    assert (first.sent, first.deeds) == (second.sent, second.deeds)


def below_of(values: list[int]) -> Any:
    return lambda bound: values.pop() % bound


@given(st.sampled_from(FORMS), st.lists(st.integers(0, 255), min_size=80, max_size=80))
def test_malformed_frames_differ_and_are_what_they_are_called(form: str, values: list[int]) -> None:
    payload = b'{"event_type":"book","market":"0x01","bids":[]}'
    sent = malformed(payload, form, below_of(values))
    assert sent.payload != payload
    assert sent.is_binary == (form == "junk")
    if form == "cut":
        assert payload.startswith(sent.payload)
        assert sent.payload
    if form == "unknown":
        assert msgspec.json.decode(sent.payload)["event_type"] not in ("book", "")
    if form == "types":
        changed = msgspec.json.decode(sent.payload)
        kinds = Counter(type(value).__name__ for value in changed.values())
        assert changed.keys() == msgspec.json.decode(payload).keys()
        assert kinds["dict"] == 1


def test_a_frame_is_cut_short_by_a_byte_at_least() -> None:
    assert malformed(b"[{}]", "cut", lambda bound: bound - 1).payload == b"[{}"
    assert malformed(b"[{}]", "cut", lambda _: 0).payload == b"["


def test_malformed_arrays_stay_arrays() -> None:
    for form in ("types", "unknown"):
        sent = malformed(b'[{"event_type":"book"}]', form, lambda _: 0)
        assert isinstance(msgspec.json.decode(sent.payload)[0], dict)
        assert malformed(b"[]", form, lambda _: 0).payload == b"[]"


def test_a_token_is_taken_out_of_arrays_too() -> None:
    both = b"[" + price_change(1, YES, NO) + b"," + price_change(1, NO) + b"]"
    assert without_asset(both, NO) == b"[" + price_change(1, YES) + b"]"
    assert without_asset(both, OTHER) is both
    assert without_asset(price_change(1, NO), NO) is None
