"""Which payouts are asked for, and how often."""

from itertools import pairwise

from hfptm.units import NS_PER_S
from recorder.unresolved import Unresolved
from tests.tapes import make_market

END_NS = 10**18


def asked_s(unresolved: Unresolved, until_s: int, from_ns: int = END_NS) -> list[int]:
    """Seconds after `from_ns` at which something is due, looked at every second."""
    return [s for s in range(until_s) if unresolved.due(from_ns + s * NS_PER_S, limit=9)]


def test_a_window_is_asked_about_soon_after_its_end_and_then_ever_more_rarely() -> None:
    unresolved = Unresolved()
    unresolved.add([make_market(end_ts_ns=END_NS)])
    assert unresolved.due(END_NS - 1, limit=9) == []
    times_s = asked_s(unresolved, 7_200)
    assert times_s[:6] == [0, 15, 30, 45, 60, 75]
    waits_s = [after - before for before, after in pairwise(times_s)]
    assert waits_s == sorted(waits_s)
    assert 1_200 <= waits_s[-1] <= 1_500
    for _ in range(20):
        unresolved.due(END_NS + 10**15, limit=9)
    assert asked_s(unresolved, 3_700, END_NS + 10**15 + 1) == [3_600]


def test_without_an_end_it_is_asked_about_when_it_is_said_to_be_over() -> None:
    unresolved = Unresolved()
    market = make_market(end_ts_ns=0)
    unresolved.add([market])
    assert unresolved.due(2 * END_NS, limit=9) == []
    unresolved.hurry([market.market, 12345], 2 * END_NS)
    assert unresolved.due(2 * END_NS, limit=9) == [market]
    assert asked_s(unresolved, 40, 2 * END_NS + 1) == [15, 30]


def test_hurry_brings_a_scheduled_end_forward() -> None:
    unresolved = Unresolved()
    market = make_market(end_ts_ns=END_NS)
    unresolved.add([market])
    unresolved.hurry([market.market], 1_000)
    assert unresolved.due(1_000, limit=9) == [market]


def test_the_longest_waiting_come_first_and_the_rest_wait() -> None:
    unresolved = Unresolved()
    markets = [make_market(str(n), end_ts_ns=END_NS - n) for n in range(5)]
    unresolved.add(markets)
    assert unresolved.due(END_NS, limit=2) == [markets[4], markets[3]]
    assert unresolved.due(END_NS, limit=9) == [markets[2], markets[1], markets[0]]


def test_new_rules_keep_the_schedule_and_a_new_end_makes_another() -> None:
    unresolved = Unresolved()
    unresolved.add([make_market(end_ts_ns=END_NS)])
    assert len(unresolved.due(END_NS, limit=9)) == 1
    finer = make_market(end_ts_ns=END_NS, tick_e4=10)
    unresolved.add([finer])
    assert unresolved.due(END_NS, limit=9) == []
    assert unresolved.get(finer.market) == finer
    unresolved.add([make_market(end_ts_ns=END_NS + 5)])
    assert unresolved.due(END_NS + 4, limit=9) == []
    assert len(unresolved.due(END_NS + 5, limit=9)) == 1
    unresolved.remove(finer.market)
    unresolved.remove(finer.market)
    assert (len(unresolved), unresolved.get(finer.market)) == (0, None)
