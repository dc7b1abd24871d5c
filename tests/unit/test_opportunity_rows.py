"""Displayed opportunities put together at once are those that were put together row by row."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hfptm.engine import Output
from hfptm.opportunities import DECISION, OUTCOME, Artefact, OpportunityKind, Phase, Reason
from hfptm.records import EVENT, INTENT, LANE_SHIFT, IntentKind, Token
from hfptm.units import ONE_E6
from replay.episodes import by_decision
from replay.metrics import Tally
from replay.opportunity_rows import OpportunityRows

ANSWERS: tuple[dict[str, int], ...] = (
    {"reason": Reason.EDGE_BELOW_MINIMUM},
    {"reason": Reason.NO_CASH, "size_e6": 2 * ONE_E6, "edge_e6": 10, "outlay_e6": 90},
    {"reason": Reason.TAKEN, "size_e6": 3 * ONE_E6, "edge_e6": 11, "outlay_e6": 80, "plan": 4},
    {"reason": Reason.ARTEFACT, "artefact": Artefact.HALF_BATCH},
    {"reason": Reason.ARTEFACT, "artefact": Artefact.BAD_BOOK},
)
ENDS = (None, Reason.ENDED, Reason.UNSEEN, Reason.CONFIRMED)
RESULTS = (
    None,
    {"arrived": 1, "printed": 1, "edge_e6": 7},
    {"printed": 1, "edge_e6": 7},
    {"unseen": 1},
)
Lane = list[tuple[int, list[dict[str, int]], Reason | None, dict[str, int] | None]]

histories = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=4),
        st.sampled_from(ENDS),
        st.sampled_from(RESULTS),
    ),
    max_size=5,
)


def table(dtype: np.dtype[np.void], rows: list[dict[str, int]]) -> Any:
    made = np.zeros(len(rows), dtype)
    for row, fields in zip(made, rows, strict=True):
        for name, value in fields.items():
            row[name] = value
    return made


def output(decisions: list[dict[str, int]], outcomes: list[dict[str, int]]) -> Output:
    nothing = np.zeros(0, EVENT)
    return Output(
        np.zeros(0, INTENT), table(DECISION, decisions), table(OUTCOME, outcomes), nothing
    )


def rows_of(lane: int, told: Lane) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
    decisions, outcomes = [], []
    for number, (kind, answers, end, outcome) in enumerate(told, 1):
        fields = {
            "decision": lane << LANE_SHIFT | number,
            "lane": lane,
            "kind": kind,
            "market": kind,
        }
        phases = [Phase.BEGIN] + [Phase.CHANGE] * (len(answers) - 1)
        for place, (phase, answer) in enumerate(zip(phases, answers, strict=True)):
            decisions.append(fields | {"phase": phase, "ts_ns": 10 * number + place} | answer)
        if end is not None:
            decisions.append(fields | {"phase": Phase.END, "reason": end, "ts_ns": 10 * number + 9})
        is_displayed = any("size_e6" in answer for answer in answers)
        if outcome and is_displayed:
            outcomes.append(fields | outcome)
    return decisions, outcomes


@settings(max_examples=30)
@given(lanes=st.lists(histories, min_size=1, max_size=3), cut=st.integers(0, 20))
def test_they_are_those_of_the_tally(lanes: list[Lane], cut: int) -> None:
    told = [rows_of(lane, history) for lane, history in enumerate(lanes)]
    found = OpportunityRows()
    decisions = [row for rows, _ in told for row in rows]
    found.add(output(decisions[:cut], []))
    found.add(output(decisions[cut:], [row for _, rows in told for row in rows]))
    rows = found.displayed()
    for lane, (decided, measured) in enumerate(told):
        tally = Tally()
        tally.add(output(decided, measured))
        mine = rows.filter(rows["lane"] == lane)
        for kind in OpportunityKind:
            wanted: Any = tally.opportunities()[kind.name.lower()]
            of_kind = mine.filter(mine["kind"] == int(kind))
            assert len(of_kind) == wanted["displayed"]
            assert of_kind["displayed_e6"].sum() == round(wanted["displayed_usd"] * ONE_E6)
            known = of_kind.filter(of_kind["unseen"] == 0)
            assert known["arrived"].sum() <= wanted["arrived"]


@settings(max_examples=30)
@given(history=histories)
def test_each_is_as_its_episode(history: Lane) -> None:
    decisions, outcomes = rows_of(2, history)
    found = OpportunityRows()
    found.add(output(decisions, outcomes))
    episodes = by_decision(table(DECISION, decisions))
    measured = {row["decision"]: row for row in outcomes}
    rows = found.displayed().to_dicts()
    assert [row["decision"] for row in rows] == [
        number - (2 << LANE_SHIFT)
        for number, episode in episodes.items()
        if episode.is_displayed and not episode.artefact and not episode.is_confirmed
    ]
    for row in rows:
        number = 2 << LANE_SHIFT | row["decision"]
        episode, outcome = episodes[number], measured.get(number)
        for name in ("begin_ns", "end_ns", "kind", "market", "plan", "displayed_e6", "reason"):
            assert row[name] == getattr(episode, name), name
        assert row["unseen"] == (1 if outcome is None else outcome.get("unseen", 0))
        assert row["arrived_e6"] == (7 if outcome and outcome.get("arrived") else 0)


def test_what_it_measures_is_of_its_first_display() -> None:
    decisions, _ = rows_of(0, [(0, [ANSWERS[0], ANSWERS[2], ANSWERS[1]], Reason.ENDED, None)])
    found = OpportunityRows()
    found.add(output(decisions, []))
    (row,) = found.displayed().to_dicts()
    assert (row["begin_ns"], row["displayed_ns"], row["end_ns"]) == (10, 11, 19)
    assert (row["displayed_size_e6"], row["displayed_outlay_e6"]) == (3 * ONE_E6, 80)
    assert (row["end_reason"], row["unseen"]) == (Reason.ENDED, 1)


def test_legs_are_those_that_were_looked_at() -> None:
    order = 1 << LANE_SHIFT | 5
    intents = table(
        INTENT,
        [
            {"kind": IntentKind.OBSERVE, "order": order, "lane": 1, "market": 8, "token": Token.NO},
            {"kind": IntentKind.PLACE, "order": order, "lane": 1, "market": 9},
        ],
    )
    found = OpportunityRows()
    found.add(output([], [])._replace(intents=intents))
    assert found.legs().rows() == [(1, 5, 8, Token.NO)]
    assert len(found.displayed()) == 0
