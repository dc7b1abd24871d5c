"""The gap between a live run and its paper twin: plan by plan what differs, why, and its dollars.

What shares are worth at the end is the same for both: what they pay if they resolved, else the
middle between the best prices. So each side's result is a sum over its orders, exactly, and so is
the gap between them.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from hfptm.kernel.plans import TRY_MASK
from hfptm.latency import latencies_of
from hfptm.limits import Limits
from hfptm.opportunities import OpportunityKind
from hfptm.records import IntentKind, RejectReason, Side, Token
from hfptm.sim.state import LATENCIES
from replay.causes import HELD_BACK, Cause, Dollars, compare_orders
from replay.listed import Listed
from replay.orders import Fill, Marks, Order, Played
from replay.plan_pairs import Answers, Pair, Plan, answers_of, plan_pairs, refusal
from replay.twin import sides

UNEXPLAINED = "unexplained"
PERCENTS = (50, 90, 99, 100)

Times = dict[str, int]
"""Percentiles in ns: p50, p90, p99, p100."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order on one side."""

    price_e4: int
    size_e6: int
    fills: list[Fill]
    rejected: str
    """RejectReason in lower case; empty: not."""
    was_unknown: bool
    has_ghosts: bool
    answered_after_ns: int | None
    worth_e10: int


class OrderGap(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    leg: int
    attempt: int
    market: str
    token: str
    side: str
    live: Told | None
    twin: Told | None
    causes: dict[str, int]
    """What live was worth more, e10."""


class PlanGap(msgspec.Struct, frozen=True, kw_only=True):
    """A plan of live and that of its twin of the same opportunity, or one that has no other."""

    ts_ns: int
    kind: str
    """OpportunityKind in lower case."""
    market: str
    """Its slug, or its event's."""
    live_plan: int
    """0: none."""
    twin_plan: int
    live_e10: int
    twin_e10: int
    causes: dict[str, int]
    """Sum to live - twin."""
    orders: list[OrderGap]


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars in e10: 1 is a ten-billionth, so that nothing rounds."""

    run_id: str
    live_e10: int
    twin_e10: int
    causes: dict[str, int]
    """Sum to live - twin."""
    unexplained_e10: int
    """What is in no cause."""
    same_plans: int
    """Plans whose orders came out the same on both sides."""
    plans: list[PlanGap]
    measured: Times
    """From decision to first answer, of live's orders."""
    simulated: Times
    """Of the twin's; never before the feed has shown the market past the order's arrival."""
    configured: Times
    """Entry, matching and response latency of the configuration together."""


def gap(run: Path) -> Gap:
    """Of the folder of a live run, closed or not. Raises LakeError as `twin.sides`."""
    found, listed = sides(run), Listed.of_run(run)
    live, twin = found.live, found.twin
    marks = twin.marks | live.marks
    answers = answers_of(live.decisions), answers_of(twin.decisions)
    plans = [_plan_gap(pair, answers, marks, listed) for pair in plan_pairs(live, twin)]
    causes = _total([plan.causes for plan in plans])
    payout_e10 = live.others.worth_e10(marks) - twin.others.worth_e10(marks)
    causes.update({Cause.PAYOUT: payout_e10} if payout_e10 else {})
    live_e10, twin_e10 = live.result.worth_e10(marks), twin.result.worth_e10(marks)
    known_e10 = sum(amount for cause, amount in causes.items() if cause != UNEXPLAINED)
    causes.pop(UNEXPLAINED, None)
    return Gap(
        run_id=run.stem,
        live_e10=live_e10,
        twin_e10=twin_e10,
        causes=dict(sorted(causes.items())),
        unexplained_e10=live_e10 - twin_e10 - known_e10,
        same_plans=sum(1 for plan in plans if not plan.causes),
        plans=plans,
        measured=_answers(live),
        simulated=_answers(twin),
        configured=_configured(found.limits),
    )


def _plan_gap(
    pair: Pair, answers: tuple[Answers, Answers], marks: Marks, listed: Listed
) -> PlanGap:
    live, twin = pair
    either = live or twin
    assert either is not None
    live_e10 = live.worth_e10(marks) if live else 0
    twin_e10 = twin.worth_e10(marks) if twin else 0
    orders = list(_order_gaps(live, twin, marks, listed))
    causes = _total([order.causes for order in orders])
    if cause := _of_plan(live, twin, answers):
        causes = Counter({cause: live_e10 - twin_e10})
    return PlanGap(
        ts_ns=either.ts_ns,
        kind=OpportunityKind(either.kind).name.lower(),
        market=listed.slug(either.subject),
        live_plan=live.serial if live else 0,
        twin_plan=twin.serial if twin else 0,
        live_e10=live_e10,
        twin_e10=twin_e10,
        causes=dict(causes),
        orders=orders,
    )


def _of_plan(live: Plan | None, twin: Plan | None, answers: tuple[Answers, Answers]) -> str | None:
    """What all of the plan's difference comes from; None: each order has its own causes."""
    if live and twin:
        return None if live.ts_ns == twin.ts_ns else Cause.TIME
    plan, others = (live, answers[1]) if live else (twin, answers[0])
    assert plan is not None
    if plan.episode is None:
        return Cause.LEFT
    reason = refusal(plan, others)
    return f"{HELD_BACK}{reason}" if reason else UNEXPLAINED


def _order_gaps(
    live: Plan | None, twin: Plan | None, marks: Marks, listed: Listed
) -> Iterator[OrderGap]:
    mine, others = live.orders if live else {}, twin.orders if twin else {}
    for place in mine | others:
        order, other = mine.get(place), others.get(place)
        either = order or other
        assert either is not None
        yield OrderGap(
            kind=either.kind.name.lower(),
            leg=either.leg,
            attempt=either.order & TRY_MASK,
            market=listed.slug(either.market),
            token=Token(either.token).name.lower(),
            side=Side(either.side).name.lower(),
            live=_told(order, marks),
            twin=_told(other, marks),
            causes=dict(_causes(order, other, marks)),
        )


def _causes(live: Order | None, twin: Order | None, marks: Marks) -> Dollars:
    if live and twin:
        return compare_orders(live, twin, marks)
    more_e10 = (live.worth_e10(marks) if live else 0) - (twin.worth_e10(marks) if twin else 0)
    return Counter({Cause.MENDING: more_e10})


def _told(order: Order | None, marks: Marks) -> Told | None:
    if order is None:
        return None
    return Told(
        price_e4=order.price_e4,
        size_e6=order.size_e6,
        fills=order.fills,
        rejected=RejectReason(order.rejected).name.lower() if order.rejected else "",
        was_unknown=order.is_unknown,
        has_ghosts=order.has_ghosts,
        answered_after_ns=order.answered_ns - order.sent_ns if order.answered_ns else None,
        worth_e10=order.worth_e10(marks),
    )


def _total(parts: list[dict[str, int]]) -> Dollars:
    total: Dollars = Counter()
    for part in parts:
        total.update(part)
    return total


def _answers(side: Played) -> Times:
    placed = [order for order in side.orders.values() if order.kind is IntentKind.PLACE]
    return _percentiles([o.answered_ns - o.sent_ns for o in placed if o.answered_ns])


def _configured(limits: Limits) -> Times:
    draws = latencies_of(limits).draws
    spans_ns = np.sum([draws[name] for name in LATENCIES], axis=0)
    return _percentiles(spans_ns.tolist())


def _percentiles(spans_ns: list[int]) -> Times:
    """Of the nearest rank; empty if there is none."""
    ordered = sorted(spans_ns)
    return {f"p{p}": ordered[-(-len(ordered) * p // 100) - 1] for p in PERCENTS if ordered}
