"""The watchdog in virtual time: what is frozen is found in time, and what is quiet left alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfptm.records import GapReason
from hfptm.units import NS_PER_S
from recorder.observations import LinkSight, Reconnect, Resubscribe, Sight, Verdict
from recorder.remedies import Remedies, Wrong
from recorder.rhythm import Rhythms
from recorder.watchdog import UNSURE_MAX, Finding, Patience
from tests.watched import Watched

SEEDS = st.integers(0, 2**32 - 1)
TARGET = 7
PATIENCE_S = Patience().quiet_ns // NS_PER_S


class Traffic:
    """Every market by its own mean time between changes, from a second to hours; bursts too.

    `TARGET` changes every `target_s` if that is given; then all others do it within half a minute.
    """

    def __init__(self, markets: int, seed: int, target_s: float = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._mean_s = 10 ** self._rng.uniform(0, 1.5 if target_s else 4, markets + 1)
        self._target_s = target_s
        self._next_s = self._rng.exponential(self._mean_s)
        self._second = 0

    def __call__(self, world: Watched) -> None:
        self._second += 1
        for market in np.flatnonzero(self._next_s <= self._second):
            if market and not (self._target_s and market == TARGET):
                world.change(int(market), 500)
            wait_s = self._rng.exponential(self._mean_s[market])
            self._next_s[market] = self._second + wait_s * self._rng.choice([0.1, 1, 1, 3])
        if self._target_s and self._second % self._target_s < 1:
            world.change(TARGET)


@settings(max_examples=4)
@given(SEEDS, st.sampled_from([1, 2]))
def test_an_hour_of_quiet_markets_is_no_alarm(seed: int, lines: int) -> None:
    world = Watched(100, lines=lines, seed=seed)
    world.run(3_600, Traffic(100, seed))
    assert world.orders == []
    assert 0 < world.dog.findings.total() < 100 * 3_600 / 100


@settings(max_examples=25)
@given(SEEDS, st.integers(1, 40), st.sampled_from([(0,), (1,), (0, 1)]), st.integers(0, 60))
def test_a_freeze_is_found_and_healed_within_30_s_of_the_usual_rhythm(
    seed: int, rhythm_s: int, lines: tuple[int, ...], begin_s: int
) -> None:
    world = Watched(40, seed=seed)
    traffic = Traffic(40, seed, rhythm_s)
    world.run(6 * rhythm_s + begin_s, traffic)
    begun = world.now_ns // NS_PER_S
    world.freeze(TARGET, lines)
    world.run(2 * rhythm_s + 30, traffic)
    found = world.verdicts(TARGET)
    assert found
    assert begun < found[0] <= begun + rhythm_s + 30
    assert {m for _, o in world.orders if isinstance(o, Verdict) for m in o.markets} == {TARGET}
    assert len([o for _, o in world.orders if isinstance(o, Resubscribe)]) == len(lines)
    assert not [o for _, o in world.orders if isinstance(o, Reconnect)]
    assert world.dog.remedies.counts["healed"] == len(lines)


@settings(max_examples=15)
@given(SEEDS, st.sampled_from([(0,), (0, 1)]))
def test_a_silent_connection_is_replaced_and_no_other(seed: int, lines: tuple[int, ...]) -> None:
    world = Watched(40, seed=seed)
    traffic = Traffic(40, seed, 3)
    world.run(60, traffic)
    frozen = {link.connection for link in world.links.values() if TARGET in link.markets}
    frozen = {c for c in frozen if world.links[c].line in lines}
    for connection in frozen:
        world.frozen.add((connection, 0))
    world.run(40, traffic)
    replaced = [o for _, o in world.orders if isinstance(o, Reconnect)]
    assert {order.connection for order in replaced} == frozen
    assert {order.reason for order in replaced} == {GapReason.SILENCE}
    assert [o for _, o in world.orders if isinstance(o, Verdict)]
    # Some are found in the seconds before so long a silence means that all of it is dead.
    assert len([o for _, o in world.orders if isinstance(o, Resubscribe)]) < 10 * len(lines)


def test_one_line_alone_is_watched_by_its_rhythm() -> None:
    world = Watched(40, lines=1)
    traffic = Traffic(40, 1, 5)
    world.run(120, traffic)
    begun = world.now_ns // NS_PER_S
    world.freeze(TARGET, [0])
    world.run(40, traffic)
    assert begun < world.verdicts(TARGET)[0] <= begun + 30


@pytest.mark.parametrize("lines", [1, 2])
def test_what_a_machine_that_slept_has_not_read_yet_is_no_silence(lines: int) -> None:
    world = Watched(40, lines=lines)
    traffic = Traffic(40, 1, 1)
    world.run(60, traffic)
    world.now_ns += 60 * NS_PER_S
    for market in range(1, 41):
        world.change(market, 2_000)
    world.without_pong.update(world.links)
    world.run(3, traffic)
    world.without_pong.clear()
    world.run(60, traffic)
    assert world.orders == []


def test_what_was_lacking_before_a_sleep_has_time_to_come_after_it() -> None:
    world = Watched(40)
    traffic = Traffic(40, 1, 1)
    world.run(60, traffic)
    world.freeze(TARGET, [1])
    world.run(8, traffic)
    world.now_ns += 60 * NS_PER_S
    world.run(7, traffic)
    world.frozen.clear()
    world.run(60, traffic)
    assert world.orders == []


def test_a_remedy_outlives_the_absence_of_its_market_for_a_minute() -> None:
    remedies, link = Remedies(10 * NS_PER_S), LinkSight(0, 1, 0)
    link.markets[TARGET] = Sight(TARGET, ("Y", "N"), 0)
    remedies.orders([Wrong(link, {TARGET: None})], NS_PER_S)
    for seconds, links, left in (
        *((2, [], 1), (61, [], 1), (62, [link], 1)),
        *((63, [], 1), (122, [], 1), (124, [], 0)),
    ):
        remedies.note_healed(links, seconds * NS_PER_S)
        assert len(remedies) == left, seconds


def test_a_connection_on_its_way_out_is_not_ordered_out_again_for_a_minute() -> None:
    remedies, link = Remedies(10 * NS_PER_S), LinkSight(0, 1, 0)

    def ordered(second: int) -> bool:
        wrong = Wrong(link, {TARGET: None}, GapReason.SILENCE)
        return bool(remedies.orders([wrong], second * NS_PER_S))

    assert [ordered(second) for second in (1, 2, 60, 61, 62)] == [True, False, False, True, False]
    remedies.forget_gone([])
    assert ordered(63)


def test_a_silence_that_is_no_ones_own_is_looked_at_after_ever_longer_waits() -> None:
    """Its age says nothing then; that of a silence of the market's own does."""
    rhythms = Rhythms(10 * NS_PER_S)
    slot = rhythms.enter(TARGET)

    def hear(second: int) -> None:
        last_ns = np.zeros(rhythms.size, np.int64)
        last_ns[slot] = second * NS_PER_S
        rhythms.hear(last_ns)

    def due_s(begin: int) -> int:
        """The first second from there on at which it is due; it is well then."""
        second = next(s for s in range(begin, begin + 1_000) if rhythms.due(s * NS_PER_S, 9))
        rhythms.postpone(TARGET, second * NS_PER_S)
        return second

    hear(1)
    assert [due_s(1), due_s(72), due_s(142)] == [71, 141, 281]
    hear(290)
    rhythms.forget_silence(TARGET)
    rhythms.look_at(TARGET, 300 * NS_PER_S)
    assert [due_s(291), due_s(301), due_s(311), due_s(331)] == [300, 310, 330, 370]
    hear(400)
    rhythms.forget_silence(TARGET)
    rhythms.look_at(TARGET, 500 * NS_PER_S)
    assert [due_s(401), due_s(501)] == [500, 510]


def test_new_subscriptions_of_one_line_are_no_news() -> None:
    """A connection replaced by plan brings the books of markets that say nothing for hours."""
    world = Watched(40)
    for _ in range(6):
        world.run(120)
        link = next(iter(world.links.values()))
        del world.links[link.connection]
        world.open(link.line, list(link.markets))
    assert world.orders == []


def test_a_connection_without_pong_is_replaced() -> None:
    world = Watched(40)
    traffic = Traffic(40, 1)
    world.run(60, traffic)
    world.without_pong.add(1)
    world.run(60, traffic)
    assert [o for _, o in world.orders] == [Reconnect(1, GapReason.DISCONNECT)]


def test_a_market_whose_book_never_comes_costs_ever_fewer_connections() -> None:
    world = Watched(40)
    traffic = Traffic(40, 1, 5)
    world.run(60, traffic)
    world.stubborn.add(TARGET)
    world.freeze(TARGET, [0])
    world.run(3_600, traffic)
    replaced = [ts_ns // NS_PER_S for ts_ns, o in world.orders if isinstance(o, Reconnect)]
    assert 5 <= len(replaced) <= 10
    waits = np.diff(replaced)
    assert (waits[1:] >= 1.7 * waits[:-1]).all()


def test_a_market_without_a_book_is_asked_about_and_left_alone() -> None:
    world = Watched(40)
    world.stubborn.add(41)
    for link in list(world.links.values())[::2]:
        world.subscribe(link, 41)
    world.run(3_600)
    assert world.orders == []
    assert 3 <= world.dog.findings[Finding.NO_BOOK] <= 12


def test_ghosts_prove_nothing_so_a_new_book_is_asked_for() -> None:
    world = Watched(40)
    traffic = Traffic(40, 1, 5)
    world.run(120, traffic)
    world.ghosts.add(TARGET)
    world.freeze(TARGET, [0, 1])
    world.run(120, traffic)
    assert len(world.verdicts(TARGET)) == 2
    assert world.dog.findings[Finding.UNSURE] == 3
    assert world.dog.remedies.counts["healed"] == 2


def test_a_book_that_is_wrong_is_asked_for_again_but_not_all_the_time() -> None:
    world = Watched(40)
    traffic = Traffic(40, 1, 5)
    world.run(60, traffic)
    world.run(3_600, lambda world: world.dog.doubt(TARGET))
    asked = [ts_ns // NS_PER_S for ts_ns, o in world.orders if isinstance(o, Resubscribe)]
    assert 5 <= len(asked) <= 12
    assert min(np.diff(asked)) >= PATIENCE_S


def test_ten_thousand_markets_that_come_and_go_leave_nothing() -> None:
    world = Watched(20)
    links = list(world.links.values())
    for market in range(100, 10_100, 10):
        for each in range(market, market + 10):
            for link in links[::2]:
                world.subscribe(link, each)
        world.run(2, lambda world, each=market: world.change(each))  # type: ignore[misc]
        for each in range(market, market + 10):
            world.remove(each)
    world.run(2)
    assert len(world.dog) == 20
    assert len(world.dog.remedies) == 0
    assert world.orders == []


def test_who_has_not_read_what_came_does_not_act() -> None:
    world = Watched(40)
    world.run(60, Traffic(40, 1, 5))
    for _ in range(200):
        world.run(1)
        for market in range(1, 41):
            world.dog.answer(market, Finding.UNREAD)
    assert world.dog.findings[Finding.UNREAD] > UNSURE_MAX * 40
    assert world.orders == []
