"""Bulletins as a running program would tell them, for whoever reads them."""

from typing import Any

import msgspec

from hfptm.bulletin import BookView, Bulletin, LatencyStatus
from hfptm.feed_status import STARTING
from hfptm.journal import CodeVersion
from hfptm.trading_status import Counts, LimitUse, Money, OpportunityView, PlanView, Trading
from hfptm.units import NS_PER_S

CODE = CodeVersion(package="0", commit=None, python="3", numpy="2", platform="x")
MARKET = 2**62 + 1
TOLD_NS = 1_790_000_000 * NS_PER_S

OPPORTUNITY = OpportunityView(
    serial=1,
    ts_ns=TOLD_NS,
    ended_ns=0,
    kind="no_basket",
    market=MARKET,
    slug="will-it-rain-</script><b>",
    event_slug="weather",
    legs=3,
    size_e6=10_000_000,
    outlay_e6=19_000_000,
    displayed_e6=250_000,
    reason="taken",
    artefact="",
    plan=1,
    is_measured=True,
    arrived=True,
    arrived_e6=200_000,
    printed=False,
    unseen=False,
)
PLAN = PlanView(
    serial=1,
    ts_ns=TOLD_NS,
    ended_ns=TOLD_NS + 1,
    kind="no_basket",
    market=MARKET,
    slug="will-it-rain",
    event_slug="weather",
    legs=3,
    size_e6=10_000_000,
    expected_e6=250_000,
    spent_e6=19_000_000,
    outcome="completed",
    result_e6=230_000,
)
TRADING = Trading(
    counts=Counts(seen=5, displayed=3, arrived=2),
    kinds={},
    money=Money(cash_e6=900_000_000, locked_e6=19_000_000, locked_payout_e6=20_000_000),
    latch="",
    latch_limit=0,
    latch_value=0,
    pause="",
    paused_until_ns=0,
    limits=[LimitUse(name="max_exposure_total_usd", used=7, limit=9, unit="usd_e6")],
    positions=[],
    positions_count=0,
    opportunities=[OPPORTUNITY],
    plans=[PLAN],
    refusals={"taken": 1},
)
FEED_LATENCY = LatencyStatus(
    name="feed",
    count=9,
    sum_ns=9_000_000,
    minute_count=9,
    p50_ns=1_000_000,
    p99_ns=2_000_000,
    max_ns=3_000_000,
    buckets=[(1_000_000, 5), (4_000_000, 9)],
)
BOOK = BookView(
    market=MARKET,
    slug="will-it-rain",
    question="Will it rain?",
    tick_e4=100,
    bids=[(4_900, 10_000_000)],
    asks=[(5_000, 20_000_000)],
    ts_recv_ns=TOLD_NS,
    is_bad=False,
)
RECORDING = Bulletin(
    mode="record",
    run_id="",
    pid=1,
    began_ns=TOLD_NS - NS_PER_S,
    told_ns=TOLD_NS,
    serial=1,
    code=CODE,
    problems=[],
    feed=STARTING,
    trading=None,
    latencies=[FEED_LATENCY],
    books=[BOOK],
)
PAPER = msgspec.structs.replace(RECORDING, mode="paper", run_id="paper-1", trading=TRADING)


def later(bulletin: Bulletin, by_ns: int, **changed: Any) -> Bulletin:
    """The same program's, so much later."""
    return msgspec.structs.replace(
        bulletin, told_ns=bulletin.told_ns + by_ns, serial=bulletin.serial + 1, **changed
    )


def busy(opportunities: int) -> Bulletin:
    """With full lists, as of a run of thousands of markets."""
    seen = [
        msgspec.structs.replace(OPPORTUNITY, serial=serial, slug=f"will-it-rain-on-day-{serial}")
        for serial in range(opportunities)
    ]
    plans = [msgspec.structs.replace(PLAN, serial=serial) for serial in range(opportunities)]
    trading = msgspec.structs.replace(TRADING, opportunities=seen, plans=plans)
    return msgspec.structs.replace(PAPER, trading=trading)
