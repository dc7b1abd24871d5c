"""The plans that were made last, and what became of them: told by the kernel's own books and by the
reports of their orders.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.drive.recent_opportunities import joined, slugs
from hfptm.engine import Engine, Output
from hfptm.kernel.plans import LEG_MASK, LEG_SHIFT, PLAN_SHIFT, TRY_MASK, Stage
from hfptm.opportunities import OpportunityKind, Phase
from hfptm.records import EventKind, Side, Token
from hfptm.registry import Group, Market
from hfptm.trading_status import RECENT_MAX, Outcome, PlanView
from hfptm.units import PRICE_ONE_E4

Rows = npt.NDArray[np.void]
Slots = npt.NDArray[np.int64]

_FILLS = {int(EventKind.FILL): 1, int(EventKind.FILL_FAILED): -1}


class _Begun(NamedTuple):
    """What is asked of the kernel when a plan has ended."""

    place: int
    slots: Slots
    """Of its markets; of a basket, of the whole event."""
    group: int
    """Slot, -1 if it is of one market."""
    before_e6: int


class Ended(NamedTuple):
    serial: int
    ts_ns: int
    result_e6: int


class PlanEnds:
    """In the loop: notes when a plan ends, and what its markets brought from its beginning on. Each
    frame's output is to be noted by itself."""

    def __init__(self) -> None:
        self._last = 0
        self._running: dict[int, _Begun] = {}
        self._ended: list[Ended] = []

    def note(self, engine: Engine, output: Output) -> None:
        decisions = output.decisions
        if len(decisions) and any(decisions["plan"].tolist()):
            made = decisions["plan"][_is_plan(decisions)].tolist()
            for serial in dict.fromkeys(made):
                if serial > self._last:
                    self._begin(engine, serial)
        if self._running and len(output.reports):
            self.look(engine)

    def look(self, engine: Engine) -> None:
        plans = engine.state.plans[0]
        serials, stages = plans["plan"].tolist(), plans["stage"].tolist()
        for serial, begun in list(self._running.items()):
            if serials[begun.place] != serial or stages[begun.place] == Stage.FREE:
                del self._running[serial]
                result_e6 = _worth_e6(engine, begun.slots, begun.group) - begun.before_e6
                now_ns = int(engine.state.counters[0]["now_ns"])
                self._ended.append(Ended(serial, now_ns, result_e6))

    def take(self) -> list[Ended]:
        """Those since the last time."""
        ended, self._ended = self._ended, []
        return ended

    def _begin(self, engine: Engine, serial: int) -> None:
        state, self._last = engine.state, serial
        place = serial % state.plans.shape[1]
        plan = state.plans[0, place]
        group = -1 if plan["kind"] == OpportunityKind.BINARY else int(plan["subject"])
        slots = np.array([plan["subject"]], np.int64)
        if group >= 0:
            slots = state.members[group, : int(state.groups[group]["members"])]
        before_e6 = _worth_e6(engine, slots, group)
        self._running[serial] = _Begun(place, slots, group, before_e6)


def _is_plan(decisions: Rows) -> npt.NDArray[np.bool_]:
    is_plan: npt.NDArray[np.bool_] = (decisions["plan"] > 0) & (decisions["phase"] != Phase.ORDER)
    return is_plan


def _worth_e6(engine: Engine, slots: Slots, group: int) -> int:
    """What these markets have brought so far, as `replay.results` counts it."""
    state = engine.state
    positions, markets = state.positions[0], state.markets
    bids_e4 = np.empty((len(slots), 2), np.int64)
    bids_e4[:, Token.YES] = markets["best_bid_e4"][slots]
    bids_e4[:, Token.NO] = PRICE_ONE_E4 - markets["best_ask_e4"][slots].astype(np.int64)
    alone_e6 = positions["size_e6"][slots] - positions["locked_size_e6"][slots]
    held_e6 = alone_e6 * bids_e4 // PRICE_ONE_E4 - positions["cost_e6"][slots]
    locked_e6 = int(state.locked_payouts[0, group]) if group >= 0 else 0
    return int(state.realised[slots, 0].sum()) + int(held_e6.sum()) + locked_e6


class _Plan:
    """Of the reading side."""

    __slots__ = ("filled_e6", "view")

    def __init__(self, view: PlanView) -> None:
        self.view = view
        self.filled_e6: Counter[int] = Counter()
        """By leg, of its entry orders."""

    def outcome(self) -> Outcome:
        """As `kernel.executor` counts it when the last entry order is over."""
        whole = sum(size_e6 >= self.view.size_e6 for size_e6 in self.filled_e6.values())
        if whole == self.view.legs:
            return "completed"
        return "partial" if any(self.filled_e6.values()) else "missed"


class RecentPlans:
    """`add` what came since the last time, and then `end` the plans that ended in it."""

    def __init__(self) -> None:
        self._plans: dict[int, _Plan] = {}

    def views(self) -> list[PlanView]:
        """Newest first."""
        return [plan.view for plan in list(reversed(self._plans.values()))[:RECENT_MAX]]

    def add(
        self,
        outputs: Sequence[Output],
        markets: Mapping[int, Market],
        groups: Mapping[int, Group],
    ) -> None:
        decisions = joined([output.decisions for output in outputs])
        for row in decisions[_is_plan(decisions)]:
            self._plans.setdefault(int(row["plan"]), _Plan(_begun(row, markets, groups)))
        self._fill(joined([output.reports for output in outputs]))

    def end(self, ended: Sequence[Ended]) -> None:
        """After all that came until then was added."""
        for serial, ts_ns, result_e6 in ended:
            if plan := self._plans.get(serial):
                plan.view = msgspec.structs.replace(
                    plan.view, ended_ns=ts_ns, result_e6=result_e6, outcome=plan.outcome()
                )
        self._forget()

    def _fill(self, reports: Rows) -> None:
        fills = reports[np.isin(reports["kind"], list(_FILLS)) & (reports["side"] == Side.BID)]
        for row in fills:
            order, size_e6 = int(row["aux"]), int(row["size_e6"]) * _FILLS[int(row["kind"])]
            if plan := self._plans.get(order >> PLAN_SHIFT):
                if order & TRY_MASK == 0:
                    plan.filled_e6[order >> LEG_SHIFT & LEG_MASK] += size_e6
                spent_e6 = plan.view.spent_e6 + int(row["price_e4"]) * size_e6 // PRICE_ONE_E4
                plan.view = msgspec.structs.replace(plan.view, spent_e6=spent_e6)

    def _forget(self) -> None:
        """But for the last, all that have ended."""
        for serial in list(self._plans)[:-RECENT_MAX]:
            if self._plans[serial].view.ended_ns:
                del self._plans[serial]


def _begun(row: np.void, markets: Mapping[int, Market], groups: Mapping[int, Group]) -> PlanView:
    slug, event_slug = slugs(int(row["market"]), markets, groups)
    return PlanView(
        serial=int(row["plan"]),
        ts_ns=int(row["ts_ns"]),
        ended_ns=0,
        kind=OpportunityKind(row["kind"]).name.lower(),
        market=int(row["market"]),
        slug=slug,
        event_slug=event_slug,
        legs=int(row["legs"]),
        size_e6=int(row["approved_e6"]),
        expected_e6=int(row["edge_e6"]),
        spent_e6=0,
        outcome="under way",
        result_e6=None,
    )
