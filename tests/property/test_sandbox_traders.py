"""What holds of the sandbox's traders for any seed, at any speed, over any time."""

import pytest

from hfptm.kernel.jit import as_records
from hfptm.records import BUY, SELL, EventKind, MarketState, Token
from hfptm.sandbox.books import print_book
from hfptm.sandbox.catalogue import MarketEntry
from hfptm.sandbox.market_frames import MarketFrames, Published
from hfptm.units import NS_PER_MS
from hfptm.venue.market_feed import MarketFeed
from tests.kernels import Kernel, market
from tests.living import CANCELS, ORDERS, TRADES, EdgeWatch, Living


@pytest.mark.parametrize("seed", range(4))
def test_no_book_is_crossed_and_no_group_leaves_an_edge(seed: int) -> None:
    """An hour of the world in a minute."""
    living = Living(seed, markets=60, speed=60)
    watch = EdgeWatch(living)
    living.run(60)
    assert watch.checked > 1_000
    kinds = living.kinds
    assert kinds[ORDERS] > kinds[CANCELS] > 10 * kinds[TRADES] > 1_000


def test_the_same_seed_acts_the_same_however_often_time_is_told() -> None:
    digests = set()
    for step_ms in (1, 10, 777):
        living = Living(3, markets=40, rate=2_000, speed=50)
        living.run(10, step_ms)
        digests.add(living.digest())
    assert len(digests) == 1
    other = Living(4, markets=40, rate=2_000, speed=50)
    other.run(10)
    assert other.digest() not in digests


class BookFollower:
    """Our own decoder and book behind the sandbox's frames, markets coming and going."""

    SLOTS = 200

    def __init__(self, living: Living) -> None:
        self.living = living
        self.kernel = Kernel(markets=self.SLOTS)
        self.feed = MarketFeed([])
        self.slots: dict[int, int] = {}
        self.free = list(range(self.SLOTS))
        self.frames = self.compared = 0
        frames = MarketFrames(living.sandbox)
        frames.listeners.append(self._on_frames)
        living.sandbox.listing_listeners.append(self._add)
        for entry in living.sandbox.catalogue.markets:
            self._add(entry)

    def _add(self, entry: MarketEntry) -> None:
        rules = entry.listed.market
        self.slots[rules.market] = self.free.pop()
        self.feed.add_market(rules)
        self.kernel.apply([market(self.slots[rules.market], tick_e4=rules.tick_e4)])
        dump = ",".join(print_book(entry, token).frame() for token in Token)
        self.feed.receive(f"[{dump}]".encode(), self.living.sandbox.now_ns)
        self.frames += 1

    def _on_frames(self, batch: list[Published]) -> None:
        for frame in batch:
            self.frames += 1
            self.feed.receive(frame.payload, frame.ts_ms * NS_PER_MS)

    def audit(self) -> None:
        """Apply what came; every book then equals the exchange's."""
        rows = self.feed.take()
        ends = rows[(rows["kind"] == EventKind.STATE) & (rows["aux"] == MarketState.RESOLVED)]
        gone = [int(market_id) for market_id in ends["market"]]
        rows["market"] = [self.slots[int(number)] for number in rows["market"]]
        assert self.kernel.run(as_records(rows), 0, len(rows)) == len(rows)
        counters = self.kernel.counters()
        assert counters["mismatches"] == counters["off_grid"] == 0
        for quoter in self.living.floor.quoters.values():
            published = quoter.listed.book.published_levels
            levels = tuple(dict(published(side)) for side in (BUY, SELL))
            assert self.kernel.levels(self.slots[quoter.listed.market.market]) == levels
            self.compared += 1
        for market_id in gone:
            self.free.append(self.slots.pop(market_id))


def follow(seconds: int, *, speed: int, rate: int) -> BookFollower:
    living = Living(5, markets=60, rate=rate, speed=speed)
    follower = BookFollower(living)
    for _ in range(seconds):
        living.run(1)
        follower.audit()
    troubles = follower.feed.counters
    assert troubles.frames == follower.frames
    return follower


def test_our_book_follows_an_hour_of_the_world() -> None:
    """In a minute: books of windows and games come and go, and none is ever wrong."""
    follower = follow(60, speed=60, rate=500)
    assert follower.frames > 25_000
    assert len(follower.living.sandbox.catalogue.markets) > 100


@pytest.mark.soak
def test_our_book_follows_an_hour() -> None:
    follower = follow(3_600, speed=20, rate=200)
    assert follower.frames > 700_000
