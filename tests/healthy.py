"""Bulletins of programs that never ran: healthy, but for what a test changes."""

from typing import Any

from msgspec.structs import replace

from hfptm.bulletin import Bulletin, LatencyStatus
from hfptm.feed_status import STARTING, BookStatus, FeedStatus
from hfptm.journal import code_version
from hfptm.trading_status import Counts, LimitUse, Money, PlanView, Trading

BEGAN_NS = 1_777_428_000_000_000_000
USD_E6 = 1_000_000
CODE = code_version()


def feed(gaps: int = 0, unseen: int = 0, **changes: Any) -> FeedStatus:
    books = BookStatus(gaps=gaps, unseen=unseen)
    healthy = replace(STARTING, ran_s=1.0, markets=100, free_bytes=1 << 40, books=books)
    return replace(healthy, **changes)


def trading(**changes: Any) -> Trading:
    healthy = Trading(
        counts=Counts(),
        kinds={},
        money=Money(),
        latch="",
        latch_limit=0,
        latch_value=0,
        pause="",
        paused_until_ns=0,
        limits=[],
        positions=[],
        positions_count=0,
        opportunities=[],
        plans=[],
        refusals={},
    )
    return replace(healthy, **changes)


def use(used_e6: int, limit_e6: int, **changes: Any) -> LimitUse:
    made = LimitUse(name="max_drawdown_usd", used=used_e6, limit=limit_e6, unit="usd_e6")
    return replace(made, **changes)


def plan(serial: int, spent_e6: int, **changes: Any) -> PlanView:
    ended = PlanView(
        serial=serial,
        ts_ns=BEGAN_NS + serial,
        ended_ns=BEGAN_NS + serial + 10,
        kind="binary",
        market=serial,
        slug=f"market-{serial}",
        event_slug="",
        legs=2,
        size_e6=USD_E6,
        expected_e6=10_000,
        spent_e6=spent_e6,
        outcome="completed",
        result_e6=20_000,
    )
    return replace(ended, **changes)


def latency(name: str, p99_ms: int, minute_count: int = 9) -> LatencyStatus:
    p99_ns = p99_ms * 1_000_000
    return LatencyStatus(
        name=name,
        count=minute_count,
        sum_ns=p99_ns,
        minute_count=minute_count,
        p50_ns=p99_ns // 2,
        p99_ns=p99_ns,
        max_ns=p99_ns,
        buckets=[],
    )


def bulletin(now_ns: int = BEGAN_NS, **changes: Any) -> Bulletin:
    """Told at that time, by a paper run."""
    healthy = Bulletin(
        mode="paper",
        run_id="a-run",
        pid=7,
        began_ns=BEGAN_NS,
        told_ns=now_ns,
        serial=1,
        code=CODE,
        problems=[],
        feed=feed(),
        trading=trading(),
        latencies=[latency("feed", 20), latency("order", 90)],
        books=[],
    )
    return replace(healthy, **changes)
