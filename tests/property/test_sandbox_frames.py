"""Frames of the sandbox followed from outside: every hash reproduces, and our own book agrees.

One market is plain, one shows its delayed orders (its feed looks crossed at times), one is a member
of a neg-risk event.
"""

from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.kernel.jit import as_records
from hfptm.records import BUY, SELL, Side, Token
from hfptm.sandbox.books import print_book
from hfptm.sandbox.catalogue import EventTerms, MarketEntry, MarketTerms
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.market_frames import EventType, MarketFrames, Published
from hfptm.sandbox.orders import OrderRequest
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6, format_e4, format_e6
from hfptm.venue.book_hash import HashChecker, HashedBook, Verdict, book_hash
from hfptm.venue.market_feed import MarketFeed
from hfptm.venue.messages import Level
from hfptm.venue.orders import limit_amounts
from tests.kernels import Kernel, market
from tests.sandbox import FAK, FOK, GTC, GTD, TRADERS, make_market

START_MS = 1_793_000_000_000
Draw = tuple[int, ...]
DRAW = st.tuples(*[st.integers(0, 999)] * 6)
TIMES_IN_FORCE = (GTC, GTC, GTC, GTD, GTD, FAK, FOK)
TICKS_E4 = (100, 10, 100, 50)
MARKETS = (
    Listing(market=make_market(1, fee_rate_e4=700)),
    Listing(market=make_market(2), itode_ms=30, shows_delayed=True),
    Listing(market=make_market(3, neg_risk=True), event="race"),
)


class Follower:
    """Both tokens of one market, rebuilt from decoded messages in the exchange's own strings."""

    def __init__(self, entry: MarketEntry) -> None:
        self.entry = entry
        self.sides: dict[tuple[str, str], dict[Decimal, Level]] = {}
        tick = format_e4(entry.listed.listing.market.tick_e4)
        self.ticks = dict.fromkeys(entry.listed.tokens(), tick)
        self.last_trade = ""
        self.claims: dict[str, str] = {}
        self.bests: dict[str, tuple[str, str]] = {}

    def side(self, asset: str, side: str) -> dict[Decimal, Level]:
        return self.sides.setdefault((asset, side), {})

    def book(self, asset: str, ts: str) -> HashedBook:
        bids, asks = self.side(asset, "BUY"), self.side(asset, "SELL")
        rules = self.entry.listed.market
        return HashedBook(
            market=rules.condition_id,
            asset_id=asset,
            timestamp=ts,
            bids=[bids[price] for price in sorted(bids)],
            asks=[asks[price] for price in sorted(asks, reverse=True)],
            min_order_size=format_e6(rules.min_size_e6),
            tick_size=self.ticks[asset],
            neg_risk=rules.neg_risk,
            last_trade_price=self.last_trade,
        )

    def on_price_change(self, message: dict[str, Any]) -> None:
        bought, sold = message["price_changes"]
        assert (bought["side"], sold["side"]) == ("BUY", "SELL")
        assert Decimal(bought["price"]) + Decimal(sold["price"]) == 1
        assert bought["size"] == sold["size"]
        for entry in (bought, sold):
            asset, levels = entry["asset_id"], self.side(entry["asset_id"], entry["side"])
            levels[Decimal(entry["price"])] = Level(entry["price"], entry["size"])
            if entry["size"] == "0":
                del levels[Decimal(entry["price"])]
            assert self.claims.setdefault(asset, entry["hash"]) == entry["hash"]
            best = (entry["best_bid"], entry["best_ask"])
            assert self.bests.setdefault(asset, best) == best

    def on_book(self, message: dict[str, Any]) -> None:
        """A full book tells nothing that the changes have not told."""
        book = self.book(message["asset_id"], message["timestamp"])
        assert message["hash"] == book_hash(book)
        plain = msgspec.to_builtins(book)
        shared = ("market", "asset_id", "bids", "asks", "tick_size", "last_trade_price")
        assert [message[key] for key in shared] == [plain[key] for key in shared]

    def on_last_trade_price(self, message: dict[str, Any]) -> None:
        self.last_trade = format(max(Decimal(message["price"]), Decimal("0.000")), ".3f")
        if len(message["price"]) == len("0.1234"):
            self.last_trade = message["price"]

    def on_tick_size_change(self, message: dict[str, Any]) -> None:
        assert message["old_tick_size"] == self.ticks[message["asset_id"]]
        self.ticks[message["asset_id"]] = message["new_tick_size"]

    def on_best_bid_ask(self, message: dict[str, Any]) -> None:
        best = (message["best_bid"], message["best_ask"])
        assert self.best(message["asset_id"]) == best
        assert Decimal(message["spread"]) == Decimal(best[1]) - Decimal(best[0])

    def best(self, asset: str) -> tuple[str, str]:
        bid = max(self.side(asset, "BUY"), default=Decimal(0))
        ask = min(self.side(asset, "SELL"), default=Decimal(1))
        return str(bid), str(ask)

    def end(self, ts: str) -> int:
        """What the changes of a batch said holds after the whole of it."""
        for asset, claim in self.claims.items():
            assert book_hash(self.book(asset, ts)) == claim
        for asset, best in self.bests.items():
            assert self.best(asset) == best
        checked = len(self.claims)
        self.claims, self.bests = {}, {}
        return checked


class Watch:
    """A sandbox, and everything that follows it."""

    def __init__(self) -> None:
        self.sandbox = sandbox = Sandbox(1)
        self.frames = MarketFrames(sandbox)
        self.frames.listeners.append(self.see)
        self.kinds: Counter[EventType] = Counter()
        self.hashes = 0
        self.stamps: dict[int, int] = {}
        self.orders = 0
        self.followers: dict[int, Follower] = {}
        self.kernel = Kernel(markets=len(MARKETS))
        self.feed = MarketFeed([listing.market for listing in MARKETS])
        self.checker = HashChecker([listing.market for listing in MARKETS])
        self.kernel.apply([market(i, tick_e4=100) for i in range(len(MARKETS))])
        self.number = 0
        sandbox.advance(START_MS * NS_PER_MS, 0)
        for listing in MARKETS:
            self._list(listing)
        for trader in TRADERS:
            sandbox.fund(trader, 1_000_000 * ONE_E6)
            for listing in MARKETS:
                sandbox.exchange.split(trader, listing.market.market, 10_000 * ONE_E6)

    def _list(self, listing: Listing) -> None:
        sandbox, rules = self.sandbox, listing.market
        terms = EventTerms(
            slug=rules.slug, title="", tags=(), start_ns=0, end_ns=0, neg_risk_id=listing.event
        )
        sandbox.add_event(terms, sandbox.now_ns)
        entry = sandbox.add_market(rules.slug, listing, MarketTerms(), sandbox.now_ns)
        self.followers[rules.market] = Follower(entry)
        sandbox.open_market(rules.market, sandbox.now_ns)

    def see(self, batch: list[Published]) -> None:
        assert len({frame.market for frame in batch}) == 1
        market, ts_ms = batch[0].market, batch[0].ts_ms
        follower = self.followers.get(market)
        for frame in batch:
            self.number += 1
            assert (frame.number, frame.ts_ms) == (self.number, ts_ms)
            message = msgspec.json.decode(frame.payload)
            assert message["event_type"] == frame.event_type
            assert message["timestamp"] == str(ts_ms)
            self.kinds[frame.event_type] += 1
            if follower and frame.event_type not in (
                EventType.NEW_MARKET,
                EventType.MARKET_RESOLVED,
            ):
                getattr(follower, f"on_{frame.event_type}")(message)
            self.feed.receive(frame.payload, ts_ms * NS_PER_MS)
            self.checker.receive(frame.payload)
        if follower:
            assert ts_ms > self.stamps.get(market, 0)
            self.stamps[market] = ts_ms
            self.hashes += follower.end(str(ts_ms))

    def act(self, draw: Draw) -> None:
        which, *rest = draw
        sandbox = self.sandbox
        # Several actions within a millisecond, or some 20 ms apart; now and then all that end, end.
        step_ns = rest[0] * 25_000 if rest[0] < 970 else 3 * NS_PER_S
        sandbox.advance(sandbox.now_ns + step_ns, 0)
        listed = self.sandbox.exchange.markets.all()[rest[1] % len(MARKETS)]
        trader = TRADERS[rest[2] % len(TRADERS)]
        if which < 700:
            self._submit(trader, rest)
        elif which < 850:
            orders = list(sandbox.exchange.accounts[trader].open_orders)
            sandbox.cancel(trader, orders if rest[3] < 100 else orders[rest[3] % 5 :][:1])
        elif which < 950:
            sandbox.approve(trader, collateral=rest[3] % 4 > 0, shares=True)
        else:
            tick_e4 = TICKS_E4[rest[3] % len(TICKS_E4)]
            sandbox.change_tick(listed.market.market, tick_e4, sandbox.now_ns)

    def _submit(self, trader: str, rest: list[int]) -> None:
        listed = self.sandbox.exchange.markets.all()[rest[1] % len(MARKETS)]
        tick_e4 = listed.market.tick_e4
        side = Side(rest[3] % 2)
        price_e4 = (5_000 + (rest[4] % 30 - 15) * 40) // tick_e4 * tick_e4
        amounts = limit_amounts(side, price_e4, (500 + rest[3] * 7) * 10_000, tick_e4)
        self.orders += 1
        kind = TIMES_IN_FORCE[rest[0] % len(TIMES_IN_FORCE)]
        # Many end in one instant: some 2 s from now, a minute before what they state.
        ends_s = self.sandbox.now_ns // NS_PER_S + 62
        self.sandbox.submit(
            OrderRequest(
                order_id=f"o{self.orders}",
                account=trader,
                token=listed.tokens()[rest[4] % 2],
                side=side,
                maker_e6=amounts[0],
                taker_e6=amounts[1],
                time_in_force=kind,
                expiration_s=ends_s if kind is GTD else 0,
            )
        )

    def audit(self) -> None:
        """REST, the kernel's book and the hash checker agree with the matching engine."""
        rows = self.feed.take()
        slots = {listing.market.market: slot for slot, listing in enumerate(MARKETS)}
        rows["market"] = [slots[int(number)] for number in rows["market"]]
        self.kernel.run(as_records(rows), 0, len(rows))
        assert self.kernel.counters()["mismatches"] == 0
        assert self.kernel.counters()["stale_snapshots"] == 0
        assert self.checker.counts[Verdict.BAD] == 0
        for slot, follower in enumerate(self.followers.values()):
            published = follower.entry.listed.book.published_levels
            levels = tuple(dict(published(side)) for side in (BUY, SELL))
            assert self.kernel.levels(slot) == levels
            for token in Token:
                book = msgspec.json.decode(
                    print_book(follower.entry, token).reply(), type=HashedBook
                )
                claim, book.hash = book.hash, ""
                assert book_hash(book) == claim
                assert follower.book(book.asset_id, str(book.timestamp)) == book

    def finish(self) -> None:
        for listing in MARKETS:
            self.sandbox.resolve_market(listing.market.market, 0, self.sandbox.now_ns)
        self.audit()
        self.checker.disconnect()
        assert self.checker.counts[Verdict.BAD] == 0
        counters = self.feed.counters
        assert counters.frames == self.number
        assert counters.rows > 0
        assert counters.troubles == {}


@given(st.lists(DRAW, max_size=40))
def test_short_flows(draws: list[Draw]) -> None:
    watch = Watch()
    for draw in draws:
        watch.act(draw)
        watch.audit()
    watch.finish()


@pytest.mark.parametrize("seed", range(3))
def test_long_flows_print_everything(seed: int) -> None:
    watch = Watch()
    generator = np.random.default_rng(seed)
    for number, draw in enumerate(generator.integers(0, 1_000, (2_000, 6))):
        watch.act(tuple(int(part) for part in draw))
        if number % 20 == 0:
            watch.audit()
    watch.finish()
    assert min(watch.kinds[kind] for kind in EventType) >= len(MARKETS)
    assert watch.hashes > 2_000
