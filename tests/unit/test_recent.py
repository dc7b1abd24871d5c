"""Opportunities and plans as they are told: against plain readers of the same rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hfptm.drive.recent_opportunities import RecentOpportunities
from hfptm.drive.recent_plans import Ended, PlanEnds, RecentPlans
from hfptm.engine import Output
from hfptm.kernel.plans import LEG_SHIFT, PLAN_SHIFT
from hfptm.opportunities import (
    DECISION,
    OUTCOME,
    Artefact,
    OpportunityKind,
    Phase,
    Reason,
    Relation,
)
from hfptm.records import EVENT, INTENT, EventKind, Side
from hfptm.registry import Group
from hfptm.slots import NOBODY
from hfptm.trading_status import RECENT_MAX, OpportunityView, PlanView
from hfptm.units import NS_PER_MS, ONE_E6
from replay.episodes import by_decision
from replay.results import residue_bid_e6
from tests.engines import Recorder, crossed_market, tape_of
from tests.tapes import START_NS, Row, make_market

GROUP = Group(group=9, slug="event", relation=Relation.EXACTLY_ONE, members=2, convertible=False)
ALONE, MEMBER = make_market("alone"), make_market("member", group=9)
MARKETS = {market.market: market for market in (ALONE, MEMBER)}
GROUPS = {9: GROUP}
BEGIN, CHANGE, END, _ = Phase


def table(dtype: np.dtype[np.void], rows: list[dict[str, int]]) -> Any:
    made = np.zeros(len(rows), dtype)
    for row, fields in zip(made, rows, strict=True):
        for name, value in fields.items():
            row[name] = value
    return made


def output(
    decisions: list[dict[str, int]] | None = None,
    outcomes: list[dict[str, int]] | None = None,
    reports: list[dict[str, int]] | None = None,
) -> Output:
    return Output(
        intents=np.zeros(0, INTENT),
        decisions=table(DECISION, decisions or []),
        outcomes=table(OUTCOME, outcomes or []),
        reports=table(EVENT, reports or []),
    )


def shown(serial: int, phase: Phase = BEGIN, **fields: int) -> dict[str, int]:
    row = {"decision": serial, "phase": phase, "market": ALONE.market, "ts_ns": serial}
    return row | {"size_e6": 10, "outlay_e6": 90, "edge_e6": 5, "reason": 1} | fields


def views(*outputs: Output) -> list[OpportunityView]:
    """Each output told by itself."""
    recent = RecentOpportunities()
    for each in outputs:
        recent.add([each], MARKETS, GROUPS)
    return recent.views()


def test_an_opportunity_is_told_from_its_display_to_its_end() -> None:
    hidden = shown(1, size_e6=0, edge_e6=0, reason=Reason.EDGE_BELOW_MINIMUM)
    first = shown(1, CHANGE, ts_ns=7, reason=Reason.NO_CASH)
    later = shown(1, CHANGE, ts_ns=8, edge_e6=99, plan=4, reason=Reason.TAKEN)
    end = shown(1, END, ts_ns=9, reason=Reason.ENDED)
    (view,) = views(output([hidden, first]), output([later]), output([end]))
    assert (view.ts_ns, view.ended_ns, view.displayed_e6, view.plan) == (7, 9, 5, 4)
    assert (view.reason, view.artefact, view.slug, view.event_slug) == ("taken", "", "alone", "")
    assert view == views(output([hidden, first, later, end]))[0], "in one piece or in three"
    assert views(output([hidden])) == []


def test_a_basket_has_the_name_of_its_event() -> None:
    basket = shown(1, market=9, kind=OpportunityKind.YES_BASKET, legs=2)
    pair = shown(2, market=MEMBER.market)
    told = {view.serial: view for view in views(output([basket, pair]))}
    assert (told[1].slug, told[1].event_slug, told[1].kind) == ("event", "event", "yes_basket")
    assert (told[2].slug, told[2].event_slug) == ("member", "event")


def test_what_was_measured_is_told() -> None:
    outcomes = [
        {"decision": 1, "arrived": 1, "edge_e6": 3, "printed": 1},
        {"decision": 2, "edge_e6": 3, "unseen": 1},
        {"decision": 99, "arrived": 1},
    ]
    told = {v.serial: v for v in views(output([shown(n) for n in (1, 2, 3)], outcomes))}
    assert (told[1].arrived, told[1].arrived_e6, told[1].printed) == (True, 3, True)
    assert (told[2].arrived, told[2].arrived_e6, told[2].unseen) == (False, 0, True)
    assert [told[n].is_measured for n in (1, 2, 3)] == [True, True, False]


def random_rows(seed: int) -> Iterator[dict[str, int]]:
    """Of opportunities that come, change and go at random."""
    rng, open_ = np.random.default_rng(seed), list[int]()
    serial = 0
    for ts_ns in range(2_000):
        chance = rng.random()
        size_e6 = int(rng.integers(0, 2)) * 10
        fields = {"ts_ns": ts_ns, "size_e6": size_e6, "edge_e6": ts_ns, "reason": int(ts_ns % 9)}
        fields["artefact"] = int(rng.integers(0, len(Artefact)))
        if chance < 0.4 or not open_:
            serial += 1
            open_.append(serial)
            yield shown(serial, BEGIN, **fields)
        elif chance < 0.7:
            yield shown(int(rng.choice(open_)), CHANGE, **fields)
        else:
            gone = open_.pop(int(rng.integers(len(open_))))
            reason = Reason.CONFIRMED if ts_ns % 5 == 0 else Reason.ENDED
            yield shown(gone, END, ts_ns=ts_ns, reason=reason)


@pytest.mark.parametrize("at_once", [1, 7, 500, 2_000])
def test_they_are_those_of_the_report_however_they_came(at_once: int) -> None:
    """`replay.episodes`, which the summary counts by, reads the same rows."""
    rows = list(random_rows(5))
    recent = RecentOpportunities()
    for start in range(0, len(rows), at_once):
        recent.add([output(rows[start : start + at_once])], MARKETS, GROUPS)
    episodes = by_decision(table(DECISION, rows))
    shown_first = [row["decision"] for row in rows if row["phase"] != END and row["size_e6"]]
    wanted = list(dict.fromkeys(shown_first))[-RECENT_MAX:]
    assert [view.serial for view in recent.views()] == wanted[::-1]
    for view in recent.views():
        episode = episodes[view.serial]
        assert view.displayed_e6 == episode.displayed_e6
        assert view.ended_ns == episode.end_ns
        assert view.artefact == (episode.artefact.name.lower() if episode.artefact else "")
        if not episode.is_confirmed:
            assert view.reason == episode.reason.name.lower()


def test_a_burst_keeps_the_last() -> None:
    burst = output([shown(n) for n in range(1, 5_001)])
    recent = RecentOpportunities()
    recent.add([burst, burst], MARKETS, GROUPS)
    assert [view.serial for view in recent.views()] == list(range(5_000, 5_000 - RECENT_MAX, -1))
    recent.add([output([shown(3, CHANGE)])], MARKETS, GROUPS)
    assert recent.views()[0].serial == 5_000, "one that went on is no new one"


def fill(plan: int, leg: int, size_e6: int, kind: EventKind = EventKind.FILL) -> dict[str, int]:
    order = plan << PLAN_SHIFT | leg << LEG_SHIFT
    return {"aux": order, "kind": kind, "size_e6": size_e6, "price_e4": 5_000, "side": Side.BID}


@pytest.mark.parametrize(
    ("filled", "outcome"),
    [
        ([(0, 100), (1, 100)], "completed"),
        ([(0, 60), (0, 40), (1, 120)], "completed"),
        ([(0, 100), (1, 99)], "partial"),
        ([(0, 100)], "partial"),
        ([], "missed"),
    ],
)
def test_a_plan_ends_as_its_entry_orders_were_filled(
    filled: list[tuple[int, int]], outcome: str
) -> None:
    plan = told_plan([fill(3, leg, size_e6) for leg, size_e6 in filled])
    assert (plan.outcome, plan.ended_ns, plan.result_e6) == (outcome, 77, -5)
    assert plan.spent_e6 == sum(size_e6 for _, size_e6 in filled) // 2


def test_what_was_taken_back_was_not_bought() -> None:
    back = fill(3, 0, 100, EventKind.FILL_FAILED)
    plan = told_plan([fill(3, 0, 100), back])
    assert (plan.outcome, plan.spent_e6) == ("missed", 0)
    later = fill(3, 1, 100) | {"aux": 3 << PLAN_SHIFT | 1 << LEG_SHIFT | 1}
    completed = told_plan([fill(3, 0, 100), later])
    assert (completed.outcome, completed.spent_e6) == ("partial", 100), "no entry order"


def told_plan(reports: list[dict[str, int]]) -> PlanView:
    recent = RecentPlans()
    decision = shown(1, plan=3, approved_e6=100, legs=2)
    recent.add([output([decision]), output(reports=reports)], MARKETS, GROUPS)
    (under_way,) = recent.views()
    assert (under_way.outcome, under_way.result_e6) == ("under way", None)
    recent.end([Ended(3, 77, -5)])
    (plan,) = recent.views()
    return plan


@pytest.mark.parametrize("sets", ["convert", "hold"])
def test_a_plans_result_is_what_its_market_brought(sets: str) -> None:
    """Here there is one market alone: so it is what the whole account brought until then."""
    market = make_market("crossed")
    settings = ("trading.min_edge=0.001", "sim.settlement_ms=1", f"trading.complete_sets={sets}")
    engine = Recorder([market], [], *settings)
    ends, recent, wanted = PlanEnds(), RecentPlans(), list[int]()

    def sink(each: Output) -> None:
        ends.note(engine, each)
        recent.add([each], {market.market: market}, {})
        ended = ends.take()
        wanted.extend([result_e6(engine)] * len(ended))
        recent.end(ended)

    engine.sink = sink
    frames = crossed_market("crossed", START_NS)
    frames[5:5] = [timer(after_ms) for after_ms in (450, 500, 600)]
    engine.run(tape_of(frames), cuts=range(1, len(frames)))  # one at a time, as they come
    account = engine.state.lanes[0]
    assert account["plans"] == len(recent.views()) == len(wanted) == 1
    (view,) = recent.views()
    assert (view.outcome, view.result_e6) == ("completed", wanted[0])
    assert wanted[0] != 0
    assert view.spent_e6 > ONE_E6
    assert view.ts_ns >= START_NS


def timer(after_ms: int) -> Row:
    ts_ns = START_NS + after_ms * NS_PER_MS
    return Row(ts_ns, ts_ns, NOBODY, 0, 0, 0, 0, EventKind.TIMER, 0)


def result_e6(engine: Recorder) -> int:
    """As `replay.results` has it."""
    positions = engine.state.positions[0]
    held_e6 = residue_bid_e6(engine, positions).sum() - positions["cost_e6"].sum()
    locked_e6 = engine.state.locked_payouts[0].sum()
    return int(engine.state.lanes[0]["realised_e6"] + held_e6 + locked_e6)
