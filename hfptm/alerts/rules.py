"""What a bulletin shows that somebody should know: pure rules, one for each kind of alert.

A rule of a condition finds that it holds, or that it does not quite, or nothing. What does not
quite hold goes on if it had begun: so a value that swings about its limit is told once.
"""

import re
from collections.abc import Iterator

import msgspec

from hfptm.alerts.bounds import Bounds, mib, span, usd
from hfptm.alerts.kinds import Kind
from hfptm.bulletin import Bulletin
from hfptm.clock import format_utc
from hfptm.feed_status import FeedStatus
from hfptm.trading_status import LimitUse, PlanView, Trading

MARKETS_MIN = 20
"""So many markets are never all silent for a minute; of fewer, silence tells nothing."""

LIMIT_PERCENT = 90
NOT_QUITE_PERCENT = 80
"""Of a limit: what has reached it is over only below this."""

BY_HAND = frozenset({"", "halted", "stopped"})
"""Latches that no limit caused; a run that is asked to end has one, too."""

_TOLD_ELSEWHERE = ("no frame of any market", "nothing is bought")
"""How problems begin that a kind of their own tells of."""

_NUMBER = re.compile(r"\d[\d,.]*")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    key: str
    text: str
    holds: bool = True
    """False: not quite, but it is not over either."""


def is_alive(bulletin: Bulletin, bounds: Bounds, now_ns: int) -> bool:
    """Whether what it says is of now."""
    return not bulletin.ended and now_ns - bulletin.told_ns <= bounds.silent_ns


def death(bulletin: Bulletin, bounds: Bounds, now_ns: int, *, is_orphan: bool) -> Finding | None:
    """Of a program that did not end as it is meant to; `is_orphan`: its process is gone."""
    if bulletin.ended and not bulletin.ended.startswith("failed"):
        return None
    who = f"hfptm {bulletin.mode}, process {bulletin.pid}"
    last = f"its last word is of {format_utc(bulletin.told_ns)}"
    if bulletin.ended:
        text = f"{who}: {bulletin.ended}; {last}"
    elif is_orphan:
        text = f"{who}: gone without a word; {last}"
    elif not is_alive(bulletin, bounds, now_ns):
        text = f"{who}: silent for more than {span(bounds.silent_ns)}; {last}"
    else:
        return None
    return Finding(kind=Kind.DIED, key=Kind.DIED, text=text)


def killed(reason: str) -> Finding:
    """Of a kill switch that is thrown for this reason."""
    text = f"the kill switch is thrown ({reason}); no order leaves until `hfptm resume`"
    return Finding(kind=Kind.KILLED, key=Kind.KILLED, text=text)


def conditions(bulletin: Bulletin, bounds: Bounds) -> Iterator[Finding]:
    """All that hold, or do not quite, in a program that is alive; but for gaps."""
    yield from _problems(bulletin.problems)
    yield from _latencies(bulletin, bounds)
    if bulletin.feed.ran_s > 0:
        yield from _feed(bulletin.feed, bounds)
    if bulletin.trading:
        yield from _losses(bulletin.trading, bounds)
        yield from _stops(bulletin.trading)


def gaps(feed: FeedStatus, gaps_before: int) -> Finding | None:
    """Markets that nobody sees, or gaps since it was looked at before."""
    unseen, ended = feed.books.unseen, feed.books.gaps - gaps_before
    if not unseen and ended <= 0:
        return None
    now = f"no connection sees {unseen:,} of the markets" if unseen else ""
    before = f"{ended:,} gaps have just ended" if ended > 0 else ""
    text = "; ".join(filter(None, (now, before)))
    return Finding(kind=Kind.GAPS, key=Kind.GAPS, text=text)


def large_plans(trading: Trading, bounds: Bounds) -> list[PlanView]:
    """Those that have ended and spent more than is to be told, in the order of their ends."""
    found = [p for p in trading.plans if p.ended_ns and p.spent_e6 > bounds.trade_e6]
    return sorted(found, key=lambda plan: (plan.ended_ns, plan.serial))


def plan_text(plan: PlanView, bounds: Bounds) -> str:
    result = "" if plan.result_e6 is None else f", result {usd(plan.result_e6)}"
    return (
        f"{plan.kind} of {plan.slug}, {plan.outcome}: spent {usd(plan.spent_e6)}, "
        f"above {usd(bounds.trade_e6)}{result}; plan {plan.serial}"
    )


def _problems(problems: list[str]) -> Iterator[Finding]:
    for text in problems:
        if not text.startswith(_TOLD_ELSEWHERE):
            key = f"{Kind.ERROR}:{_NUMBER.sub('#', text)}"
            yield Finding(kind=Kind.ERROR, key=key, text=text)


def _latencies(bulletin: Bulletin, bounds: Bounds) -> Iterator[Finding]:
    rules = {
        "order": (Kind.ORDER_LATENCY, bounds.order_latency_ns, "from an order to its first report"),
        "feed": (Kind.FEED_LAG, bounds.feed_lag_ns, "from the exchange's time to receipt"),
    }
    for status in bulletin.latencies:
        if status.name not in rules or not status.minute_count:
            continue
        kind, limit_ns, what = rules[status.name]
        text = f"{span(status.p99_ns)} {what} (p99 of a minute), above {span(limit_ns)}"
        if limit_ns:
            yield from _above(kind, kind, status.p99_ns, limit_ns, text)


def _feed(feed: FeedStatus, bounds: Bounds) -> Iterator[Finding]:
    if feed.markets >= MARKETS_MIN and feed.silent_ns > bounds.silent_ns:
        text = f"no frame of any of {feed.markets:,} markets for more than {span(bounds.silent_ns)}"
        yield Finding(kind=Kind.FEED_SILENT, key=Kind.FEED_SILENT, text=text)
    if feed.free_bytes * NOT_QUITE_PERCENT < bounds.free_bytes * 100:
        text = f"{mib(feed.free_bytes)} of the disk are free, less than {mib(bounds.free_bytes)}"
        holds = feed.free_bytes < bounds.free_bytes
        yield Finding(kind=Kind.DISK, key=Kind.DISK, text=text, holds=holds)


def _losses(trading: Trading, bounds: Bounds) -> Iterator[Finding]:
    drawdown_e6 = trading.money.drawdown_e6
    text = f"{usd(drawdown_e6)} below the highest result, above {usd(bounds.drawdown_e6)}"
    yield from _above(Kind.DRAWDOWN, Kind.DRAWDOWN, drawdown_e6, bounds.drawdown_e6, text)
    for use in trading.limits:
        if use.unit == "usd_e6" and use.limit > 0:  # counts and times are there to be used up
            reached = use.limit * LIMIT_PERCENT // 100
            key = f"{Kind.LIMIT}:{use.name}"
            yield from _above(Kind.LIMIT, key, use.used, reached, _use_text(use))


def _use_text(use: LimitUse) -> str:
    of = f" by {use.of}" if use.of else ""
    percent = use.used * 100 // use.limit
    return f"risk.{use.name}: {usd(use.used)} of {usd(use.limit)} are used{of}, {percent} %"


def _stops(trading: Trading) -> Iterator[Finding]:
    if trading.latch not in BY_HAND:
        amounts = f" ({usd(trading.latch_value)}, allowed {usd(trading.latch_limit)})"
        text = f"nothing is bought until somebody lifts it: {trading.latch}{amounts}"
        yield Finding(kind=Kind.BREAKER, key=f"{Kind.BREAKER}:latch", text=text)
    if trading.pause:
        text = f"nothing is bought until {format_utc(trading.paused_until_ns)}: {trading.pause}"
        yield Finding(kind=Kind.BREAKER, key=f"{Kind.BREAKER}:pause", text=text)


def _above(kind: Kind, key: str, value: int, limit: int, text: str) -> Iterator[Finding]:
    if value * 100 > limit * NOT_QUITE_PERCENT:
        yield Finding(kind=kind, key=key, text=text, holds=value > limit)
