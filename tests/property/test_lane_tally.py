"""Rows of many lanes, counted together, give each lane what `Tally` counts of its rows alone."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.engine import Output
from hfptm.opportunities import DECISION, OUTCOME, Artefact, OpportunityKind, Phase, Reason
from hfptm.records import EVENT, INTENT, LANE_SHIFT
from hfptm.units import ONE_E6
from replay import lane_tally
from replay.lane_tally import FOUND, SEEN, LaneTally
from replay.metrics import Tally

LANES = 3
EVENT_OF = {11: 11, 12: 70, 13: 70}
"""Markets 12 and 13 belong to group 70."""

Row = tuple[int, ...]

episode_rows = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 5_000_000]),  # size
        st.integers(-3, 9),  # edge
        st.sampled_from(list(Artefact)),
        st.sampled_from([Reason.TAKEN, Reason.NO_CASH]),
    ),
    min_size=1,
    max_size=4,
)
episodes = st.tuples(
    st.integers(0, LANES - 1),
    st.sampled_from(list(OpportunityKind)),
    st.sampled_from([11, 12, 13, 70]),
    episode_rows,
    st.sampled_from([None, Reason.ENDED, Reason.UNSEEN, Reason.CONFIRMED]),
)
outcomes = st.tuples(
    st.integers(0, LANES - 1),
    st.sampled_from(list(OpportunityKind)),
    st.sampled_from([11, 12, 13, 70]),
    st.integers(-5, 50),
    *[st.integers(0, 1)] * 3,
)


def rows_of(number: int, drawn: tuple[object, ...]) -> Iterator[dict[str, object]]:
    lane, kind, market, inner, end = drawn
    assert isinstance(inner, list)
    assert isinstance(lane, int)
    same = {
        "decision": lane << LANE_SHIFT | number + 1,
        "lane": lane,
        "kind": kind,
        "market": market,
    }
    for index, (size_e6, edge_e6, artefact, reason) in enumerate(inner):
        phase = Phase.CHANGE if index else Phase.BEGIN
        figures = {"size_e6": size_e6, "edge_e6": edge_e6, "artefact": artefact, "reason": reason}
        yield {**same, **figures, "phase": phase}
    if end is not None:
        yield {**same, "phase": Phase.END, "reason": end}


def as_rows(dtype: np.dtype[np.void], dicts: list[dict[str, object]]) -> np.ndarray:
    rows = np.zeros(len(dicts), dtype)
    for index, values in enumerate(dicts):
        for name, value in values.items():
            rows[index][name] = value
    return rows


def interleaved(drawn: list[tuple[object, ...]], seed: int) -> list[dict[str, object]]:
    """Each episode's rows in their order, those of different ones mixed."""
    streams = [list(rows_of(number, one)) for number, one in enumerate(drawn)]
    turns = [number for number, stream in enumerate(streams) for _ in stream]
    rng = np.random.default_rng(seed)
    rng.shuffle(turns)
    return [streams[number].pop(0) for number in turns]


def output(decisions: np.ndarray, outcome_rows: np.ndarray) -> Output:
    return Output(np.zeros(0, INTENT), decisions, outcome_rows, np.zeros(0, EVENT))


@given(
    st.lists(episodes, max_size=12),
    st.lists(outcomes, max_size=8),
    st.integers(0, 99),
    st.integers(1, 9),
    st.integers(0, 5),
)
def test_every_lane_counts_what_it_would_alone(
    drawn: list[tuple[object, ...]],
    booked: list[tuple[int, ...]],
    seed: int,
    cut: int,
    held: int,
) -> None:
    decisions = as_rows(DECISION, interleaved(drawn, seed))
    names = ("lane", "kind", "market", "edge_e6", "arrived", "printed", "unseen")
    ends = as_rows(OUTCOME, [dict(zip(names, one, strict=True)) for one in booked])
    tally = LaneTally(EVENT_OF)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane_tally, "HELD_ROWS", held)
        for start in range(0, max(len(decisions), len(ends)), cut):
            tally.add(output(decisions[start : start + cut], ends[start : start + cut]))
        tally.finish()
    found = tally.by_lane(LANES)
    for lane in range(LANES):
        kinds = alone(decisions[decisions["lane"] == lane], ends[ends["lane"] == lane]).values()
        assert {name: int(column[lane]) for name, column in found.items()} == {
            name: sum(kind[name] for kind in kinds) for name in (*SEEN, *FOUND)
        }
    check_events(tally, decisions, ends)


def alone(decisions: np.ndarray, ends: np.ndarray) -> dict[str, dict[str, int]]:
    """Of the rows of one lane, by kind, in the names and units of `LaneTally`."""
    tally = Tally()
    tally.add(output(decisions, ends))
    kinds: dict[str, Any] = tally.opportunities()
    for kind in kinds.values():
        kind["artefacts"] = kind["artefact"]
        for name in ("displayed", "arrived"):
            kind[f"{name}_e6"] = round(kind[f"{name}_usd"] * ONE_E6)
    return kinds


def check_events(tally: LaneTally, decisions: np.ndarray, ends: np.ndarray) -> None:
    """Rows of one lane and event alone give that event's line."""
    lines = tally.by_event().T.tolist()
    assert [line[:3] for line in lines] == sorted(line[:3] for line in lines)
    for lane, event, kind, *figures in lines:
        markets = [market for market in (*EVENT_OF, 70) if EVENT_OF.get(market, market) == event]
        mine = [
            rows[(rows["lane"] == lane) & (rows["kind"] == kind) & np.isin(rows["market"], markets)]
            for rows in (decisions, ends)
        ]
        wanted = alone(*mine)[OpportunityKind(kind).name.lower()]
        assert figures == [wanted[name] for name in FOUND]
