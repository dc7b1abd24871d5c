"""The living sandbox: its calendar, its rate, its mixture, and that it does not grow."""

import resource
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from hfptm.records import BUY, SELL
from hfptm.sandbox import schedule
from hfptm.sandbox.catalogue import MarketEntry
from hfptm.sandbox.history import TradeRecord
from hfptm.sandbox.listings import Listing, Phase
from hfptm.sandbox.market_frames import EventType, MarketFrames, Published
from hfptm.sandbox.orders import OrderStatus
from hfptm.sandbox.population import populate
from hfptm.sandbox.reports import Action, MarketChanged, OrderCanceled, Trade
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.universe import make_universe
from hfptm.units import NS_PER_S, ONE_E6, PRICE_ONE_E4
from tests.living import CANCELS, ORDERS, TRADES, Living


class Diary:
    """When each market was listed and entered each phase."""

    def __init__(self, living: Living) -> None:
        self.phases: dict[str, list[tuple[Phase, int]]] = {}
        self.payouts_e4: dict[str, int] = {}
        self._sandbox = living.sandbox
        living.sandbox.listing_listeners.append(self._on_listing)
        living.sandbox.listeners.append(self._on_action)

    def _on_listing(self, entry: MarketEntry) -> None:
        self.phases[entry.listed.market.slug] = [(Phase.NOT_READY, entry.created_ns)]

    def _on_action(self, action: Action, _: list[TradeRecord]) -> None:
        for report in action.reports:
            if isinstance(report, MarketChanged):
                market = self._sandbox.exchange.markets[action.market].market
                self.phases.setdefault(market.slug, []).append((report.phase, action.ts_ns))
                self.payouts_e4[market.slug] = report.payout_e4


def test_rounds_run_through_their_calendar_each_at_its_time() -> None:
    living = Living(1, markets=60, rate=200, speed=60)
    diary = Diary(living)
    living.run(40)
    planned = {
        event.offers[0].listing.market.slug: event.times
        for series in living.universe.series
        for number in range(2, 9)
        for event in (series.round(series.round_at(living.start_ns) + number),)
    }
    over = 0
    for slug, phases in diary.phases.items():
        if slug in planned and phases[-1][0] is Phase.RESOLVED:
            times = planned[slug]
            expected = (times.lists_ns, times.opens_ns, times.ends_ns, times.resolves_ns)
            assert [ts_ns for _, ts_ns in phases] == list(expected)
            assert [phase for phase, _ in phases] == list(Phase)
            over += 1
    assert over > 10
    windows = [payout for slug, payout in diary.payouts_e4.items() if "-updown-" in slug]
    assert set(windows) == {0, PRICE_ONE_E4}


def test_there_is_always_a_window_to_trade_and_the_next_one_listed() -> None:
    living = Living(1, markets=60, rate=200, speed=60)
    series = next(s for s in living.universe.series if s.period_s == 300 and not s.is_game)
    for _ in range(40 * 4):
        living.sandbox.advance(living.sandbox.now_ns + NS_PER_S // 4, living.start_ns)
        number = series.round_at(living.sandbox.now_ns)
        now, following = series.round(number), series.round(number + 1)
        listed = living.sandbox.exchange.markets[now.offers[0].listing.market.market]
        assert listed.phase is Phase.OPEN
        if living.sandbox.now_ns > following.times.lists_ns:
            assert living.sandbox.catalogue.of_slug(following.terms.slug)


def test_resolved_markets_leave_no_orders_and_no_shares_with_the_house() -> None:
    living = Living(1, markets=60, rate=300, speed=60)
    living.run(20)
    resolved = [e for e in living.sandbox.catalogue.markets if e.listed.phase is Phase.RESOLVED]
    assert len(resolved) > 10
    tokens = {token for entry in resolved for token in entry.listed.tokens()}
    for account in living.sandbox.exchange.accounts.all():
        assert not account.shares_e6.keys() & tokens
        assert not {order.token for order in account.open_orders.values()} & tokens


@pytest.mark.parametrize("rate", [50, 500, 4_000])
def test_the_rate_is_that_of_the_frames_printed(rate: int) -> None:
    living = Living(2, markets=40, rate=rate)
    printed: Counter[int] = Counter()

    def count(batch: list[Published]) -> None:
        printed[(batch[0].ts_ms * 1_000_000 - living.start_ns) // NS_PER_S] += len(batch)

    MarketFrames(living.sandbox).listeners.append(count)
    seconds = 10_000 // rate
    living.run(seconds)
    assert abs(printed.total() / seconds / rate - 1) < 0.05
    assert max(printed.values()) < 2 * rate + 200, "bursts are short, but for books that open"


def test_frames_are_counted_as_they_are_printed() -> None:
    living = Living(2, markets=40, rate=1_000)
    before = living.meter.frames
    printed: list[Published] = []
    MarketFrames(living.sandbox).listeners.append(printed.extend)
    living.run(8)
    assert {frame.event_type for frame in printed} == {
        *(EventType.PRICE_CHANGE, EventType.LAST_TRADE_PRICE),
        *(EventType.BOOK, EventType.BEST_BID_ASK),
    }
    assert living.meter.frames - before == len(printed)


def test_orders_of_every_kind_and_bursts() -> None:
    living = Living(2, markets=40, rate=1_000)
    stamps: list[int] = []
    kinds: Counter[str] = Counter()

    def hear(action: Action, records: list[TradeRecord]) -> None:
        stamps.append(action.ts_ns)
        orders = living.sandbox.exchange.orders
        for record in records:
            order = orders.get(record.trade.taker_order_id)
            kinds[order.time_in_force if order else "?"] += 1
            kinds.update(maker.match_type for maker in record.trade.makers)
        kinds["sweep"] += len(records) > 1

    living.sandbox.listeners.append(hear)
    living.run(20)
    assert {"FAK", "FOK", "GTC", "COMPLEMENTARY", "MINT", "MERGE"} < set(kinds)
    assert kinds["sweep"] > 0
    assert living.kinds[CANCELS] > 10 * living.kinds[TRADES]
    assert living.kinds[ORDERS] > living.kinds[CANCELS]
    gaps_ns = [later - earlier for earlier, later in pairwise(stamps)]
    mean_ns = sum(gaps_ns) / len(gaps_ns)
    square = sum(gap_ns * gap_ns for gap_ns in gaps_ns) / len(gaps_ns)
    assert square / mean_ns**2 > 3, "a process without memory has 2"


def test_held_markets_are_only_shuffled_behind_their_best_prices() -> None:
    living = Living(2, rate=500)
    for quoter in living.floor.quoters.values():
        quoter.held = True

    def best() -> list[list[tuple[int, int]]]:
        books = [quoter.listed.book for quoter in living.floor.quoters.values()]
        return [[book.published_levels(side)[0] for side in (BUY, SELL)] for book in books]

    before = best()
    living.run(10)
    assert best() == before
    assert living.kinds[ORDERS] > 1_000


def test_a_market_that_shows_delayed_orders_is_not_taken_from() -> None:
    """Every taker's order would look like an edge that nobody has planted."""
    universe = make_universe(1)
    sandbox = Sandbox(1)
    sandbox.advance(universe.start_ns, universe.start_ns)
    trades: list[Trade] = []
    sandbox.listeners.append(
        lambda action, _: trades.extend(r for r in action.reports if isinstance(r, Trade))
    )
    floor = populate(sandbox, universe, 500)
    for quoter in floor.quoters.values():
        rules = quoter.listed.listing
        quoter.listed.listing = Listing(
            market=rules.market, event=rules.event, itode_ms=100, shows_delayed=True
        )
    sandbox.advance(universe.start_ns + 30 * NS_PER_S, universe.start_ns)
    assert trades == []


def sizes(living: Living) -> dict[str, int]:
    """Of everything that could grow with the markets that were."""
    sandbox = living.sandbox
    markets, catalogue = sandbox.exchange.markets, sandbox.catalogue
    return {
        "markets": len(markets.all()),
        "books by token": len(vars(markets)["_by_token"]),
        "events": len(markets.events),
        "catalogue": len(catalogue.markets),
        "events of the catalogue": len(catalogue.events),
        "tokens": sum(len(vars(catalogue)[name]) for name in ("_by_token", "_by_condition")),
        "shares": sum(len(a.shares_e6) for a in sandbox.exchange.accounts.all()),
        "quoters": len(living.floor.quoters),
        "best prices": len(vars(living.meter)["_best_e4"]),
    }


def test_finished_events_stay_for_a_while_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "FINISHED_EVENTS_MAX", 10)
    living = Living(1, markets=30, rate=100, speed=100)
    diary = Diary(living)
    living.run(30)
    before, listed = sizes(living), len(diary.phases)
    living.run(120)
    assert len(diary.phases) > 3 * listed
    after = sizes(living)
    assert all(after[name] <= before[name] + 30 for name in before), (before, after)
    finished = [
        event
        for event in living.sandbox.catalogue.events
        if all(m.listed.phase is Phase.RESOLVED for m in event.markets)
    ]
    assert len(finished) == 10


def test_an_event_that_is_not_over_is_not_forgotten() -> None:
    living = Living(1)
    for slug in ("rate-decision-december", "never-listed"):
        with pytest.raises(ValueError, match=f"{slug} is not resolved"):
            living.sandbox.forget_event(slug)


def test_orders_of_strangers_are_cancelled_when_their_window_closes() -> None:
    """One of them at least: the window may end at the price of the other."""
    living = Living(1, rate=50, speed=100)
    living.sandbox.fund("stranger", 1_000 * ONE_E6)
    quoter = living.floor.quoters["btc-updown-15m-1795183200"]
    for side, price_e4 in ((BUY, 100), (SELL, 9_900)):
        living.floor.house.limit("stranger", quoter.listed, side, (price_e4, 10 * ONE_E6))
    ends: list[OrderCanceled] = []
    living.sandbox.listeners.append(
        lambda action, _: ends.extend(
            r for r in action.reports if isinstance(r, OrderCanceled) and r.account == "stranger"
        )
    )
    living.run(10)
    assert {end.status for end in ends} == {OrderStatus.CANCELED}
    assert not living.sandbox.exchange.accounts["stranger"].open_orders


def test_a_universe_begins_when_the_sandbox_does() -> None:
    with pytest.raises(ValueError, match="the sandbox is at 0"):
        populate(Sandbox(1), make_universe(1), 100)


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="rate=0 frames per second"):
        Living(1, rate=0)


@pytest.mark.soak
def test_ten_thousand_markets_come_and_go_in_the_same_memory() -> None:
    """What grows are caches and histories on the way to their bounds; a market takes ten kilobytes,
    so that a hundred megabytes would be missing if they stayed."""
    living = Living(1, markets=300, rate=300, speed=100)
    listed: Counter[str] = Counter()
    living.sandbox.listing_listeners.append(lambda _: listed.update(["markets"]))
    resident_pages = []
    for target in (6_000, 16_000):
        while listed["markets"] < target:
            living.run(1, step_ms=100)
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        resident_pages.append(int(pages))
    assert (resident_pages[1] - resident_pages[0]) * resource.getpagesize() < 25_000_000
