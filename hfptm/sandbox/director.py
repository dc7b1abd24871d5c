"""Plants opportunities and artefacts in a sandbox world, each at its time."""

import heapq
from collections.abc import Callable, Iterator
from functools import partial

from hfptm.records import Side
from hfptm.sandbox.plan import (
    REACTION_MS,
    Expected,
    Kind,
    Planted,
    Step,
    expect,
    net_edge_e4,
)
from hfptm.sandbox.world import Change, World
from hfptm.units import NS_PER_MS, PRICE_ONE_E4

Scene = Callable[[int], list[Step]]
"""Its time in ms to what happens then."""

_BTC, _ETH, _RATE, _GENERAL, _ALBUM = (0,), (1,), (2, 3, 4), (5, 6, 7, 8, 9), (10, 11)
"""Positions in the universe."""

_FINE_TICK_E4 = 10
_HALF_BATCH_MOVE_E4 = 600
_HALF_BATCH_GAP_NS = 4 * NS_PER_MS
_SHUFFLE_EVERY_MS = 250
_HIT_AFTER_MS = 600
"""Within the default window in which a print corroborates."""
_LOST_MOVE_E4 = 600


class Director:
    """Plays every scene at its time, from `start_ms` on; `planted` lists what it planted so far."""

    def __init__(self, world: World, start_ms: int, end_ms: int) -> None:
        self.planted: list[Planted] = []
        self._world = world
        self._agenda: list[tuple[int, int, Scene]] = []
        self._scheduled = 0
        for at_ms, scene in self._scenes():
            self._schedule(start_ms + at_ms, scene)
        self._note(Kind.YES_BASKET, _ALBUM, (start_ms, end_ms), Expected.NOT_EXCLUSIVE)

    def due(self, ts_ms: int) -> Iterator[Step]:
        """Steps of all scenes up to `ts_ms`; apply each before asking for the next."""
        while self._agenda and self._agenda[0][0] <= ts_ms:
            at_ms, _, scene = heapq.heappop(self._agenda)
            yield from scene(at_ms)

    def _scenes(self) -> list[tuple[int, Scene]]:
        binary, half_batch, lost = self._binary, self._half_batch, self._lost_delta
        no_basket = partial(self._basket, Kind.NO_BASKET)
        yes_basket = partial(self._basket, Kind.YES_BASKET)
        return [
            (5_000, partial(binary, _BTC, 800, 500)),
            (12_000, partial(no_basket, _RATE, 11_000, 3_000)),
            (20_000, partial(yes_basket, _GENERAL, 9_500, 4_000)),
            (28_000, partial(half_batch, _BTC)),
            (33_000, partial(no_basket, _ALBUM, 10_600, 1_200)),
            (38_000, partial(yes_basket, _RATE, 9_300, 2_500)),
            (45_000, partial(binary, _ETH, 200, 300)),
            (50_000, partial(no_basket, _GENERAL, 11_200, 25)),
            (55_000, partial(binary, _BTC, 800, 28)),
            (60_000, partial(self._tick_change, _ETH)),
            (70_000, partial(lost, _BTC, 4_000)),
            (90_000, partial(no_basket, _GENERAL, 10_300, 2_000)),
            (97_000, partial(yes_basket, _RATE, 9_700, 1_500)),
            (105_000, partial(binary, _ETH, 700, 700)),
            (112_000, partial(half_batch, _ETH)),
            (118_000, partial(yes_basket, _GENERAL, 9_400, 25)),
            (125_000, partial(lost, _ETH, 3_000)),
            (135_000, partial(no_basket, _RATE, 10_900, 900)),
        ]

    def _schedule(self, ts_ms: int, scene: Scene) -> None:
        heapq.heappush(self._agenda, (ts_ms, self._scheduled, scene))
        self._scheduled += 1

    def _binary(self, legs: tuple[int], cross_e4: int, lasts_ms: int, ts_ms: int) -> list[Step]:
        """A marketable order shows in its taker delay, then trades at the displayed ask."""
        (index,) = legs
        self._world.held.add(index)
        ask_e4 = self._world.books[index].best(Side.ASK)
        bid_e4 = ask_e4 + cross_e4
        size_e6 = self._world.draw_size_e6(low=120)
        ask, bid = (int(Side.ASK), ask_e4), (int(Side.BID), bid_e4)
        self._note_edge(Kind.BINARY, legs, (ts_ms, lasts_ms), [ask_e4, bid_e4], size_e6)

        def match(end_ms: int) -> list[Step]:
            self._world.held.discard(index)
            trade = (int(Side.BID), ask_e4, size_e6)
            changes = [(*bid, 0), (*ask, 0)]
            return [Step(ts_ms=end_ms, index=index, changes=changes, trades=[trade])]

        self._schedule(ts_ms + lasts_ms, match)
        return [Step(ts_ms=ts_ms, index=index, changes=[(*ask, size_e6), (*bid, size_e6)])]

    def _basket(
        self, kind: Kind, legs: tuple[int, ...], sum_e4: int, lasts_ms: int, ts_ms: int
    ) -> list[Step]:
        """Bids (asks) of every member move in one millisecond, and back when it ends."""
        side = Side.ASK if kind is Kind.YES_BASKET else Side.BID
        prices_e4 = self._shares_of(legs, sum_e4)
        size_e6 = self._world.draw_size_e6(low=150)
        self._note_edge(kind, legs, (ts_ms, lasts_ms), prices_e4, size_e6)
        self._world.held.update(legs)
        if lasts_ms > REACTION_MS:
            hit = partial(self._hit, legs[0], 1 - side)
            self._schedule(ts_ms + min(lasts_ms * 2 // 5, _HIT_AFTER_MS), hit)
        self._schedule(ts_ms + lasts_ms, partial(self._restore, legs))
        return [
            self._quote(index, side, price_e4, size_e6, ts_ms)
            for index, price_e4 in zip(legs, prices_e4, strict=True)
        ]

    def _quote(self, index: int, side: Side, price_e4: int, size_e6: int, ts_ms: int) -> Step:
        spread_e4 = 2 * self._world.ticks_e4[index]
        bid_e4 = price_e4 - spread_e4 if side is Side.ASK else price_e4
        changes = self._world.requote(index, bid_e4, bid_e4 + spread_e4, size_e6)
        return Step(ts_ms=ts_ms, index=index, changes=changes)

    def _hit(self, index: int, side: int, ts_ms: int) -> list[Step]:
        changes, trades = self._world.take(index, side)
        return [Step(ts_ms=ts_ms, index=index, changes=changes, trades=trades)]

    def _restore(self, legs: tuple[int, ...], ts_ms: int) -> list[Step]:
        self._world.held.difference_update(legs)
        quotes = [(index, *self._world.fair_quotes(index)) for index in legs]
        return [
            Step(ts_ms=ts_ms, index=index, changes=self._world.requote(index, bid_e4, ask_e4))
            for index, bid_e4, ask_e4 in quotes
        ]

    def _half_batch(self, legs: tuple[int], ts_ms: int) -> list[Step]:
        """The market jumps above its old ask, whose removal arrives last."""
        (index,) = legs
        changes = self._jump(index, _HALF_BATCH_MOVE_E4)
        changes.sort(key=lambda change: change[2] == 0)
        self._note(Kind.HALF_BATCH, legs, (ts_ms, ts_ms), Expected.ARTEFACT)
        return [Step(ts_ms=ts_ms, index=index, changes=changes, gap_ns=_HALF_BATCH_GAP_NS)]

    def _lost_delta(self, legs: tuple[int], lasts_ms: int, ts_ms: int) -> list[Step]:
        """The market jumps above its old ask, whose removal never arrives."""
        (index,) = legs
        changes = self._jump(index, _LOST_MOVE_E4)
        self._world.held.add(index)
        self._note(Kind.LOST_DELTA, legs, (ts_ms, ts_ms + lasts_ms), Expected.ARTEFACT)
        for after_ms in range(_SHUFFLE_EVERY_MS, lasts_ms, _SHUFFLE_EVERY_MS):
            self._schedule(ts_ms + after_ms, partial(self._shuffle, index))
        self._schedule(ts_ms + lasts_ms, partial(self._resend, index))
        lost = sum(size_e6 == 0 for _, _, size_e6 in changes)
        return [Step(ts_ms=ts_ms, index=index, changes=changes, lost=lost)]

    def _jump(self, index: int, move_e4: int) -> list[Change]:
        """Quote anew from `move_e4` above the old ask on."""
        tick_e4 = self._world.ticks_e4[index]
        bid_e4 = self._world.books[index].best(Side.ASK) + move_e4
        self._world.fairs_e4[index] = bid_e4 + tick_e4
        return self._world.requote(index, bid_e4, bid_e4 + 2 * tick_e4)

    def _shuffle(self, index: int, ts_ms: int) -> list[Step]:
        changes = self._world.shuffle(index, depth=4)
        return [Step(ts_ms=ts_ms, index=index, changes=changes)]

    def _resend(self, index: int, ts_ms: int) -> list[Step]:
        self._world.held.discard(index)
        return [Step(ts_ms=ts_ms, index=index, is_book=True)]

    def _tick_change(self, legs: tuple[int], ts_ms: int) -> list[Step]:
        (index,) = legs
        return [Step(ts_ms=ts_ms, index=index, tick_e4=_FINE_TICK_E4, is_book=True)]

    def _shares_of(self, legs: tuple[int, ...], sum_e4: int) -> list[int]:
        """Prices on the grid that sum to `sum_e4`, in proportion to the fair values."""
        fairs_e4 = [self._world.fairs_e4[index] for index in legs]
        tick_e4 = self._world.ticks_e4[legs[0]]
        prices_e4 = [sum_e4 * fair_e4 // sum(fairs_e4) // tick_e4 * tick_e4 for fair_e4 in fairs_e4]
        prices_e4[0] += sum_e4 - sum(prices_e4)
        return prices_e4

    def _note_edge(
        self,
        kind: Kind,
        legs: tuple[int, ...],
        when_ms: tuple[int, int],
        prices_e4: list[int],
        size_e6: int,
    ) -> None:
        """`when_ms` is the start and how long it lasts; BINARY has the prices of both orders."""
        start_ms, lasts_ms = when_ms
        gross_e4 = {
            Kind.BINARY: prices_e4[1] - prices_e4[0],
            Kind.NO_BASKET: sum(prices_e4) - PRICE_ONE_E4,
            Kind.YES_BASKET: PRICE_ONE_E4 - sum(prices_e4),
        }[kind]
        rate_e4 = self._world.universe.markets[legs[0]].fee_rate_e4
        net_e4 = net_edge_e4(gross_e4, rate_e4, prices_e4)
        paying = len(legs) - 1 if kind is Kind.NO_BASKET else 1
        outlay_e4 = paying * PRICE_ONE_E4 - net_e4
        self.planted.append(
            Planted(
                kind=kind,
                expected=expect(lasts_ms, net_e4, outlay_e4),
                slug=self._slug(legs),
                start_ts_venue_ns=start_ms * NS_PER_MS,
                end_ts_venue_ns=(start_ms + lasts_ms) * NS_PER_MS,
                gross_e4=gross_e4,
                net_e4=net_e4,
                outlay_e4=outlay_e4,
                size_e6=size_e6,
                is_printed=kind is Kind.BINARY or lasts_ms > REACTION_MS,
            )
        )

    def _note(
        self, kind: Kind, legs: tuple[int, ...], span_ms: tuple[int, int], expected: Expected
    ) -> None:
        self.planted.append(
            Planted(
                kind=kind,
                expected=expected,
                slug=self._slug(legs),
                start_ts_venue_ns=span_ms[0] * NS_PER_MS,
                end_ts_venue_ns=span_ms[1] * NS_PER_MS,
            )
        )

    def _slug(self, legs: tuple[int, ...]) -> str:
        market = self._world.universe.markets[legs[0]]
        if len(legs) == 1:
            return market.slug
        return next(g.slug for g in self._world.universe.groups if g.group == market.group)
