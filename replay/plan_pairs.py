"""Plans of a live run beside those of its twin: a pair is of the same opportunity."""

from typing import NamedTuple

import numpy as np

from hfptm.drive.inputs import Rows
from hfptm.kernel.plans import TRY_MASK
from hfptm.opportunities import Phase, Reason
from replay.orders import Marks, Order, Played

Place = tuple[int, ...]
"""Leg, attempt, market, token, side and kind of an order."""


class Plan(NamedTuple):
    """Of one side."""

    serial: int
    ts_ns: int
    kind: int
    subject: int
    episode: tuple[int, int, int] | None
    """First instant, kind and market of the opportunity; None: it ends what earlier plans left."""
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
    serial: int, row: np.void | None, begun: dict[int, int], orders: dict[Place, Order]
) -> Plan:
    if row is None:
        first = next(iter(orders.values()))
        return Plan(serial, first.sent_ns, first.basket, first.market, None, orders)
    kind, subject = int(row["kind"]), int(row["market"])
    episode = begun[int(row["decision"])], kind, subject
    return Plan(serial, int(row["ts_ns"]), kind, subject, episode, orders)


def _begun(decisions: Rows) -> dict[int, int]:
    """When each opportunity was seen first, by the id of its decision."""
    rows = decisions[decisions["phase"] == Phase.BEGIN]
    return dict(zip(rows["decision"].tolist(), rows["ts_ns"].tolist(), strict=True))


def refusal(plan: Plan, decisions: Rows) -> str:
    """Why the other side had not taken the same opportunity by then; empty: it does not say."""
    begun = _begun(decisions)
    of_it = decisions[
        (decisions["kind"] == plan.kind)
        & (decisions["market"] == plan.subject)
        & (decisions["ts_ns"] <= plan.ts_ns)
        & (decisions["phase"] != Phase.ORDER)
    ]
    if len(of_it) == 0 or plan.episode is None:
        return ""
    last = of_it[-1]
    is_same = begun[int(last["decision"])] == plan.episode[0]
    return Reason(last["reason"]).name.lower() if is_same and last["reason"] else ""
