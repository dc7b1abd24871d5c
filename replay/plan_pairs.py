"""Plans of a live run beside those of its twin: a pair is of the same opportunity."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from hfptm.drive.inputs import Rows
from hfptm.kernel.plans import TRY_MASK
from hfptm.opportunities import Phase, Reason
from replay.orders import Marks, Order, Played

Place = tuple[int, ...]
"""Leg, attempt, market, token, side and kind of an order."""


Episode = tuple[int, int, int, int]
"""An opportunity: when it was seen first, its kind and market, and which it is of those that were
seen first at that instant. Both sides see the same ones: they depend on books alone."""


Answers = Mapping[tuple[int, ...], list[tuple[int, int]]]
"""What a side answered to each opportunity: when, and the Reason."""


class Plan(NamedTuple):
    """Of one side."""

    serial: int
    ts_ns: int
    kind: int
    subject: int
    episode: Episode | None
    """None: it ends what earlier plans left."""
    orders: dict[Place, Order]

    def worth_e10(self, marks: Marks) -> int:
        return sum(order.worth_e10(marks) for order in self.orders.values())


Pair = tuple[Plan | None, Plan | None]
"""Of live and of its twin; one of them is there."""


def plan_pairs(live: Played, twin: Played) -> list[Pair]:
    """By opportunity, in order of time."""
    mine, others = _plans(live), _plans(twin)
    twins: dict[tuple[int, ...], Plan] = {p.episode: p for p in others if p.episode}
    pairs: list[Pair] = [(plan, twins.get(plan.episode or ())) for plan in mine]
    paired = {twin.serial for _, twin in pairs if twin}
    pairs += [(None, plan) for plan in others if plan.serial not in paired]
    return sorted(pairs, key=lambda pair: min(plan.ts_ns for plan in pair if plan))


def _plans(side: Played) -> list[Plan]:
    decisions = side.decisions[side.decisions["phase"] != Phase.ORDER]
    made = {int(row["plan"]): row for row in decisions[decisions["plan"] > 0]}
    begun = _begun(decisions)
    orders: dict[int, dict[Place, Order]] = {serial: {} for serial in made}
    for order in side.orders.values():
        place = (order.leg, order.order & TRY_MASK, order.market, order.token, order.side)
        orders.setdefault(order.plan, {})[(*place, order.kind)] = order
    return [_plan(serial, made.get(serial), begun, found) for serial, found in orders.items()]


def _plan(
    serial: int, row: np.void | None, begun: dict[int, Episode], orders: dict[Place, Order]
) -> Plan:
    if row is None:
        first = next(iter(orders.values()))
        return Plan(serial, first.sent_ns, first.basket, first.market, None, orders)
    episode = begun[int(row["decision"])]
    return Plan(serial, int(row["ts_ns"]), int(row["kind"]), int(row["market"]), episode, orders)


def _begun(decisions: Rows) -> dict[int, Episode]:
    """By the id of their decisions."""
    seen = Counter[tuple[int, int, int]]()
    begun = {}
    for row in decisions[decisions["phase"] == Phase.BEGIN]:
        first = int(row["ts_ns"]), int(row["kind"]), int(row["market"])
        begun[int(row["decision"])] = (*first, seen[first])
        seen[first] += 1
    return begun


def answers_of(decisions: Rows) -> Answers:
    begun = _begun(decisions)
    answers = defaultdict[tuple[int, ...], list[tuple[int, int]]](list)
    for row in decisions[(decisions["phase"] != Phase.ORDER) & (decisions["phase"] != Phase.END)]:
        answers[begun[int(row["decision"])]].append((int(row["ts_ns"]), int(row["reason"])))
    return answers


def refusal(plan: Plan, others: Answers) -> str:
    """Why the other side had not taken the same opportunity by then; empty: it does not say."""
    said = [reason for ts_ns, reason in others.get(plan.episode or (), []) if ts_ns <= plan.ts_ns]
    return Reason(said[-1]).name.lower() if said and said[-1] != Reason.TAKEN else ""
