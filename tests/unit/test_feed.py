"""The lines and their shards against a real server: who carries what, before, during and after."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from http import HTTPStatus
from itertools import pairwise
from typing import Any

import pytest
import uvloop

from hfptm.clock import monotonic_ns
from hfptm.raw import RawKind
from hfptm.records import GapReason
from hfptm.sections import Recorder
from hfptm.units import NS_PER_S
from recorder import dialling as dialling_module
from recorder import shard as shard_module
from recorder.feed import Feed
from recorder.observations import LinkSight, Order, Reconnect, Resubscribe, Verdict
from recorder.writer import RawRow
from tests.market_channel import Channel, channel, ids, markets, payloads, until

LATER_NS = 10_000 * NS_PER_S
"""Later than any planned reconnect."""


class Fed:
    """A feed with four markets a connection, its server, and the rows it has given."""

    def __init__(self, server: Channel, **settings: Any) -> None:
        fields = {"assets_per_connection": 8, "connections_per_s": 1_000, **settings}
        self.server = server
        self.rows: list[RawRow] = []
        section = Recorder(**fields)
        self.feed = Feed(section, server.address, self.rows.append, lambda *_: None, seed=1)

    def links(self, line: int) -> list[LinkSight]:
        return [link for link in self.feed.links() if link.line == line]

    def carried(self, line: int) -> Counter[int]:
        """How often each market has a full book on a line."""
        sights = (sight for link in self.links(line) for sight in link.markets.values())
        return Counter(sight.market for sight in sights if sight.book_ns)

    def has(self, *numbers: int) -> bool:
        """Whether each line carries exactly these, each once."""
        return all(self.carried(line.number) == Counter(ids(*numbers)) for line in self.feed.lines)

    async def settled(self, *numbers: int) -> None:
        await until(lambda: self.has(*numbers))

    def causes(self) -> Counter[bytes]:
        return Counter(payloads(self.rows, RawKind.LINK_DOWN))


@asynccontextmanager
async def fed(*numbers: int, **settings: Any) -> AsyncIterator[Fed]:
    async with channel() as server:
        one = Fed(server, **settings)
        async with one.feed:
            one.feed.add(markets(*numbers))
            await one.settled(*numbers)
            yield one
        assert not one.feed.links()
        ups, downs = (sum(row[5] == kind for row in one.rows) for kind in (3, 4))
        assert ups == downs, "every connection ends in the recording"


def run(test: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test)


def test_each_line_carries_every_market_once_on_full_connections() -> None:
    async def test() -> None:
        async with fed(*range(1, 23)) as one:
            for line in range(2):
                sizes = sorted(len(link.markets) for link in one.links(line))
                assert (len(sizes), sum(sizes), max(sizes)) == (6, 22, 4)
            assert {frozenset(one.server.held(n)) for n in range(12)} == {
                frozenset(t for s in link.markets.values() for t in s.tokens)
                for link in one.feed.links()
            }
            assert (one.feed.dialling.opened, one.feed.dialling.failed) == (12, 0)

    run(test())


def test_a_connection_of_one_line_has_no_twin_on_the_other() -> None:
    async def test() -> None:
        async with fed(*range(1, 41)) as one:
            first, second = ([set(link.markets) for link in one.links(line)] for line in range(2))
            assert all(mine != theirs for mine in first for theirs in second)

    run(test())


def test_a_market_that_is_there_already_stays_where_it_is() -> None:
    async def test() -> None:
        async with fed(1, 2, 3, redundancy=1) as one:
            one.feed.add(markets(3, 4))
            one.feed.remove(ids(1, 9))
            await one.settled(2, 3, 4)
            assert len(one.links(0)) == 1
            assert one.server.held(0) == {"Y2", "N2", "Y3", "N3", "Y4", "N4"}

    run(test())


def test_a_lost_connection_comes_back_and_disturbs_no_other() -> None:
    async def test() -> None:
        async with fed(*range(1, 9), redundancy=1) as one:
            numbers = [link.connection for link in one.links(0)]
            lost = one.server.held(0)
            one.server.lines[0].transport.abort()
            await until(lambda: not one.has(*range(1, 9)))
            await one.settled(*range(1, 9))
            assert one.server.held(2) == lost
            assert len({*numbers, *(link.connection for link in one.links(0))}) == 3
            assert one.causes() == {b"disconnect": 1}

    run(test())


def test_refusals_make_it_wait_longer_and_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling_module, "FIRST_WAIT_S", 0.04)

    async def test() -> None:
        async with fed(1, redundancy=1) as one:
            one.server.refusal = HTTPStatus.TOO_MANY_REQUESTS
            one.server.lines[0].transport.abort()
            await until(lambda: len(one.server.opened_s) == 5)
            one.server.refusal = None
            await one.settled(1)
            tries = one.server.opened_s[1:5]
            waits = [after - before for before, after in pairwise(tries)]
            for wait_s, least_s in zip(waits, (0.04, 0.08, 0.16), strict=True):
                assert least_s * 0.9 <= wait_s
            assert one.feed.dialling.failed >= 4

    run(test())


def test_connections_are_opened_one_after_the_other() -> None:
    async def test() -> None:
        began_s = asyncio.get_running_loop().time()
        async with fed(*range(1, 17), connections_per_s=20) as one:
            assert len(one.server.opened_s) == 8
            assert one.server.opened_s[-1] - began_s >= 7 / 20

    run(test())


def test_a_planned_reconnect_overlaps() -> None:
    async def test() -> None:
        async with fed(1, 2, redundancy=1) as one:
            one.feed.tick(monotonic_ns() + LATER_NS)
            await until(lambda: one.causes())
            assert one.has(1, 2)
            assert one.causes() == {b"replaced": 1}
            ending = [(row[3], RawKind(row[5])) for row in one.rows[-3:]]
            assert ending == [(2, RawKind.LINK_UP), (2, RawKind.FRAME), (1, RawKind.LINK_DOWN)]

    run(test())


@pytest.mark.parametrize("refusal", [None, HTTPStatus.SERVICE_UNAVAILABLE])
def test_a_planned_reconnect_that_fails_takes_nothing_away(
    monkeypatch: pytest.MonkeyPatch, refusal: HTTPStatus | None
) -> None:
    monkeypatch.setattr(shard_module, "OVERLAP_S", 5 * shard_module._LOOK_S)

    async def test() -> None:
        async with fed(1, 2, redundancy=1) as one:
            one.server.refusal, one.server.has_books = refusal, refusal is not None
            one.feed.tick(monotonic_ns() + LATER_NS)
            await until(lambda: one.feed.dialling.failed or len(one.feed.links()) == 2)
            if refusal is None:  # the second is cut before it has anything
                await until(lambda: len(one.server.lines) == 2)
                one.server.lines[1].transport.abort()
                await until(lambda: one.causes())
                await asyncio.sleep(4 * shard_module._LOOK_S)
            assert [link.connection for link in one.feed.links()] == [1]
            assert one.has(1, 2)
            one.server.refusal, one.server.has_books = None, True
            await asyncio.sleep(10 * shard_module._LOOK_S)
            one.feed.tick(monotonic_ns() + 2 * LATER_NS)
            await until(lambda: one.causes()[b"replaced"])
            assert one.has(1, 2)

    run(test())


def test_a_market_without_a_book_delays_a_planned_reconnect_no_longer_than_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shard_module, "OVERLAP_S", 0.2)

    async def test() -> None:
        async with fed(1, redundancy=1) as one:
            one.server.has_books = False
            began_s = asyncio.get_running_loop().time()
            one.feed.tick(monotonic_ns() + LATER_NS)
            await until(lambda: one.causes()[b"replaced"])
            assert asyncio.get_running_loop().time() - began_s >= 0.2

    run(test())


def test_what_comes_and_goes_meanwhile_is_carried_too() -> None:
    async def test() -> None:
        async with fed(1, 2, redundancy=1) as one:
            one.server.has_books = False
            one.feed.tick(monotonic_ns() + LATER_NS)
            await until(lambda: len(one.feed.links()) == 2)
            one.server.has_books = True
            one.feed.add(markets(3))
            one.feed.remove(ids(2))
            assert all(set(link.markets) == {*ids(1, 3)} for link in one.feed.links())

    run(test())


def test_half_empty_connections_merge_and_the_markets_are_never_away() -> None:
    async def test() -> None:
        async with fed(*range(1, 13), redundancy=1) as one:
            kept = [next(iter(link.markets)) for link in one.links(0)]
            numbers = [n for n in range(1, 13) if ids(n)[0] in kept]
            one.feed.remove(ids(*(n for n in range(1, 13) if n not in numbers)))
            one.feed.tick(monotonic_ns() + LATER_NS)
            await until(lambda: one.causes()[b"merged"])
            ending = [RawKind(row[5]) for row in one.rows[-2:]]
            assert ending == [RawKind.FRAME, RawKind.LINK_DOWN]
            assert one.has(*numbers)
            assert len(one.links(0)) == 2
            await asyncio.sleep(0)
            one.feed.tick(monotonic_ns() + LATER_NS)
            await until(lambda: one.causes()[b"merged"] == 2)
            assert one.has(*numbers)
            assert len(one.links(0)) == 1

    run(test())


def test_a_stop_in_the_middle_of_a_merge_or_a_reconnect_leaves_nothing() -> None:
    async def test(is_merge: bool) -> None:
        async with fed(*range(1, 13), redundancy=1) as one:
            gone = [n for link in one.links(0) for n in list(link.markets)[is_merge:]]
            one.feed.remove(gone if is_merge else [])
            one.server.has_books = False
            one.feed.tick(monotonic_ns() + LATER_NS)
            await asyncio.sleep(0.1)
            assert not one.causes()

    for is_merge in (True, False):
        began_ns = monotonic_ns()
        run(test(is_merge))
        assert monotonic_ns() - began_ns < shard_module.OVERLAP_S * NS_PER_S / 2


def test_markets_that_end_while_their_connection_is_renewed_leave_none() -> None:
    async def test() -> None:
        async with fed(1, 2, redundancy=1, connections_per_s=4) as one:
            one.feed.tick(monotonic_ns() + LATER_NS)
            await asyncio.sleep(0)
            one.feed.remove(ids(1, 2))
            await until(lambda: one.causes() == {b"empty": 2})
            assert not one.feed.links()

    run(test())


def test_a_market_that_is_removed_while_its_connection_is_away_is_said_to_be() -> None:
    async def test() -> None:
        async with fed(1, 2, redundancy=1) as one:
            one.feed.carry_out([Reconnect(1, GapReason.SILENCE)])
            one.feed.remove(ids(2))
            (row,) = [row for row in one.rows if row[5] == RawKind.SILENCE]
            assert row[2:5] == (0, 0, 0)
            assert row[6] == b'{"tokens":["Y2","N2"],"reason":7}'
            await one.settled(1)

    run(test())


def test_connections_that_are_half_full_do_not_merge() -> None:
    async def test() -> None:
        async with fed(*range(1, 9), redundancy=1) as one:
            one.feed.remove([market for link in one.links(0) for market in list(link.markets)[2:]])
            one.feed.tick(monotonic_ns() + LATER_NS)
            await until(lambda: one.causes())
            assert one.causes() == {b"replaced": 1}

    run(test())


def test_orders_of_a_watchdog() -> None:
    async def test() -> None:
        async with fed(1, 2, redundancy=1) as one:
            market, other = ids(1, 2)
            one.feed.carry_out([Verdict(1, (market,)), Resubscribe(1, market)])
            await one.settled(1, 2)
            assert payloads(one.rows, RawKind.SILENCE) == [b'{"tokens":["Y1","N1"]}']
            assert [r.get("operation") for r in one.server.asked[0][1:]] == [
                "unsubscribe",
                "subscribe",
            ]
            one.feed.carry_out([Verdict(1, (market, other)), Reconnect(1, GapReason.SILENCE)])
            assert one.causes() == {b"silence": 1}
            await one.settled(1, 2)
            too_late: list[Order] = [
                Verdict(1, (market,)),
                Resubscribe(1, market),
                Resubscribe(2, 99),
            ]
            before = len(one.rows)
            one.feed.carry_out([*too_late, Reconnect(1, GapReason.DISCONNECT)])
            assert len(one.rows) == before

    run(test())


def test_pings_every_ten_seconds_and_what_was_left_is_settled() -> None:
    async def test() -> None:
        async with fed(1, 2, redundancy=1, reconnect_interval_s=0) as one:
            one.feed.remove(ids(2))
            now_ns = monotonic_ns()
            one.feed.tick(now_ns)
            await until(lambda: all(link.last_pong_ns for link in one.feed.links()))
            pong_ns = one.feed.links()[0].last_pong_ns
            one.feed.tick(now_ns + 5 * NS_PER_S)
            assert payloads(one.rows, RawKind.SILENCE) == [b'{"tokens":["Y2","N2"],"reason":7}']
            one.feed.tick(now_ns + 11 * NS_PER_S)
            await until(lambda: one.feed.links()[0].last_pong_ns > pong_ns)
            one.feed.tick(now_ns + LATER_NS)
            await asyncio.sleep(0.1)
            assert not one.causes(), "reconnect_interval_s = 0 is never"

    run(test())


def test_a_stop_ends_what_is_still_waiting() -> None:
    async def test() -> None:
        async with channel() as server:
            server.refusal = HTTPStatus.TOO_MANY_REQUESTS
            one = Fed(server, connections_per_s=1)
            async with asyncio.timeout(5), one.feed:
                one.feed.add(markets(*range(1, 9)))
                await until(lambda: one.feed.dialling.failed)
            assert one.rows == []

    run(test())


def churn(rounds: int, size: int) -> None:
    async def test() -> None:
        async with fed(1, redundancy=2, assets_per_connection=200) as one:
            objects = []
            for number in range(rounds):
                numbers = range(2 + number * size, 2 + (number + 1) * size)
                one.feed.add(markets(*numbers))
                await one.settled(1, *numbers)
                one.feed.remove(ids(*numbers))
                one.feed.tick(monotonic_ns() + 3 * NS_PER_S)
                one.rows[:] = [row for row in one.rows if row[5] != RawKind.FRAME]
                one.server.asked.clear()
                one.server.lines.clear()
                gc.collect()
                objects.append(len(gc.get_objects()))
            assert len(one.feed.links()) <= 6
            assert objects[-1] - objects[2] < 2 * size

    run(test())


def test_markets_that_come_and_go_leave_nothing() -> None:
    churn(8, 150)


@pytest.mark.soak
def test_ten_thousand_markets_that_come_and_go_leave_nothing() -> None:
    churn(50, 200)
