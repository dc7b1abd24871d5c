"""What is concluded from rows of which every figure can be counted by hand."""

from typing import Any

import polars as pl
import pytest

from hfptm.config import load
from hfptm.opportunities import OpportunityKind, Reason
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from replay.advice import RULES
from replay.capture_report import capture_table
from replay.capture_sets import capture_sets
from replay.capture_summary import Findings, Rate, Tables, conclude, rate, summarise
from replay.confidence import EVENTS_MIN, Estimate, wilson
from replay.endings import Ending
from replay.verdict import DAYS_MIN
from replay.verdict import EVENTS_MIN as VERDICT_EVENTS
from tests.kept_runs import on_screen

HOUR_NS = 3_600 * NS_PER_S
EVENTS, BINARY, NESTED = 24, OpportunityKind.BINARY, OpportunityKind.NESTED
SETS = capture_sets(load(None, [], {}))


def opportunity(event: int, **fields: Any) -> dict[str, Any]:
    """Of a second, for a dollar of profit, that arrived and was traded away."""
    life_ns = fields.pop("life_ms", 1_000) * NS_PER_MS
    row = {
        "set": 0,
        "decision": 1,
        "begin_ns": 0,
        "displayed_ns": event * HOUR_NS,
        "kind": int(BINARY),
        "market": event,
        "event": event,
        "category": "sports",
        "displayed_size_e6": ONE_E6,
        "displayed_e6": ONE_E6,
        "displayed_outlay_e6": 5 * ONE_E6,
        "arrived": 1,
        "printed": 0,
        "unseen": 0,
        "arrived_e6": ONE_E6 // 2,
        "plan": 0,
        "reason": int(Reason.TAKEN),
        "taken_by": str(Ending.TRADE),
    }
    row["end_ns"] = row["seen_to_ns"] = row["displayed_ns"] + life_ns
    return row | fields


def missed(event: int, **fields: Any) -> dict[str, Any]:
    return opportunity(event, arrived=0, arrived_e6=0, **fields)


def rows(*found: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(found))


def tables(opportunities: pl.DataFrame, results: dict[int, list[float]], days: int = 7) -> Tables:
    """results: dollars by event, of each set."""
    events = [
        {"set": number, "event": event, "result_e6": round(usd * ONE_E6)}
        for number, of_set in results.items()
        for event, usd in enumerate(of_set)
    ]
    each = [{"set": 0, "date": day, "rejects": 1, "fills": 3} for day in range(days)]
    columns = dict.fromkeys(("set", "event", "result_e6"), pl.Int64)
    return Tables(opportunities, pl.DataFrame(events, schema=columns), pl.DataFrame(each))


def summary(opportunities: pl.DataFrame, results: dict[int, list[float]] | None = None) -> Findings:
    return summarise(SETS, tables(opportunities, results or {0: [1.0] * EVENTS}), [], "")


def test_a_rate_leaves_out_what_was_not_seen() -> None:
    found = rate(rows(opportunity(1), missed(1), missed(2, unseen=1), opportunity(3, printed=1)))
    assert (found.displayed, found.arrived, found.printed, found.unseen) == (4, 2, 1, 1)
    assert (found.events, found.displayed_usd, found.arrived_usd) == (3, 4, 1)
    assert found.count == Estimate(2 / 3)
    assert found.dollars == Estimate(1 / 3)


def test_what_came_on_top_was_not_displayed() -> None:
    """A basket that is shown leg by leg grows while the order is under way."""
    grown = opportunity(1, displayed_e6=ONE_E6, arrived_e6=3 * ONE_E6)
    found = rate(rows(grown, opportunity(2, displayed_e6=3 * ONE_E6, arrived_e6=ONE_E6)))
    assert (found.dollars.value, found.arrived_usd, found.kept_usd) == (0.5, 4, 2)


def test_a_rate_has_an_interval_of_its_events() -> None:
    many = [opportunity(event) for event in range(8)] + [missed(event) for event in range(8, 16)]
    found = rate(rows(*many)).count
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.5 < found.high
    whole = rate(rows(*(opportunity(event) for event in range(8)))).count
    assert (whole.value, whole.low) == (1, wilson(8, 8).low)
    few = rate(rows(*(opportunity(event % (EVENTS_MIN - 1)) for event in range(40)))).count
    assert (few.value, few.low) == (1, None)


def test_the_curve_is_of_the_sets_at_a_latency() -> None:
    by_set = [
        opportunity(event, set=number)
        if (one.latency_ms or 0) <= 10 * event
        else missed(event, set=number)
        for number, one in enumerate(SETS)
        for event in range(11)
    ]
    curve = summary(rows(*by_set)).curve
    assert [point.latency_ms for point in curve] == [
        one.latency_ms for one in SETS if one.latency_ms is not None
    ]
    shares = {point.latency_ms: point.count.value for point in curve}
    assert (shares[0], shares[50], shares[100], shares[150]) == (1, 6 / 11, 1 / 11, 0)


def test_a_latency_at_which_nothing_is_known_is_no_point() -> None:
    """As of polled books, which are held for a second."""
    number = next(n for n, one in enumerate(SETS) if one.latency_ms == 1_000)
    seen = [opportunity(1, set=other) for other in range(len(SETS)) if other != number]
    curve = summary(rows(*seen, missed(1, set=number, unseen=1))).curve
    assert [point.latency_ms for point in curve] == [
        one.latency_ms for one in SETS if one.latency_ms not in (None, 1_000)
    ]


def test_lives_are_cut_short_where_nobody_saw_the_end() -> None:
    found = summary(
        rows(
            opportunity(1, life_ms=100),
            opportunity(2, life_ms=300, kind=int(NESTED)),
            opportunity(3, life_ms=200, taken_by=str(Ending.OPEN), end_ns=0),
            opportunity(4, life_ms=50, taken_by=str(Ending.UNSEEN)),
        )
    )
    every, binary, nested = found.survival
    assert (every.kind, every.n, every.censored) == ("all", 4, 2)
    assert (every.after_ms, every.alive) == ([100, 300], [pytest.approx(2 / 3), 0])
    assert (binary.kind, binary.censored, nested.kind) == ("binary", 2, "nested")


def test_who_took_it_by_kind() -> None:
    found = summary(
        rows(
            opportunity(1),
            opportunity(2, taken_by=str(Ending.MOVE), displayed_e6=3 * ONE_E6),
            opportunity(3, taken_by=str(Ending.MOVE), kind=int(NESTED)),
        )
    )
    every, binary, _ = found.endings
    assert every.counts == {"trade": 1, "cancel": 0, "move": 2, "unseen": 0, "open": 0}
    assert (every.displayed_usd["move"], binary.counts["move"]) == (4, 1)


def test_where_it_was() -> None:
    found = summary(
        rows(
            opportunity(1, category="", displayed_outlay_e6=10 * ONE_E6),
            missed(1, displayed_outlay_e6=10 * ONE_E6 - 1),
            opportunity(25, kind=int(NESTED), displayed_outlay_e6=5_000 * ONE_E6),
        )
    )
    told = {(one.by, one.name): (one.displayed, one.arrived) for one in found.slices}
    assert told == {
        ("kind", "binary"): (2, 1),
        ("kind", "nested"): (1, 1),
        ("category", ""): (1, 1),
        ("category", "sports"): (2, 1),
        ("hour", "01"): (3, 2),
        ("size", "below 10 $"): (1, 0),
        ("size", "10 to 100 $"): (1, 1),
        ("size", "1,000 $ or more"): (1, 1),
    }


def test_nothing_displayed_is_nothing_to_catch() -> None:
    found = summary(rows(opportunity(1)).clear(), {0: []})
    assert found.verdict.word == "no edge"
    assert "nothing paid the least edge" in found.verdict.sentence
    assert found.advice.sentence.startswith("No change is supported")
    assert (found.survival, found.endings, found.slices) == ([], [], [])
    shown = on_screen(capture_table(found, "there"))
    assert "Verdict: no edge" in shown
    assert "Latency, ms" not in shown
    assert "of what was displayed: not measured" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("events", "result", "days", "word"),
    [
        (VERDICT_EVENTS, Estimate(5.0, 1.0, 9.0), DAYS_MIN, "edge"),
        (VERDICT_EVENTS, Estimate(5.0, -1.0, 11.0), DAYS_MIN, "no edge"),
        (VERDICT_EVENTS, Estimate(-5.0, -9.0, -1.0), DAYS_MIN, "no edge"),
        (VERDICT_EVENTS - 1, Estimate(5.0, 1.0, 9.0), DAYS_MIN, "too little data"),
        (VERDICT_EVENTS, Estimate(5.0, 1.0, 9.0), DAYS_MIN - 1, "too little data"),
        (VERDICT_EVENTS, Estimate(5.0), DAYS_MIN, "too little data"),
    ],
)
def test_a_verdict_asks_for_data(events: int, result: Estimate, days: int, word: str) -> None:
    none = Estimate(0.0)
    found = Rate(
        displayed=100,
        arrived=0,
        printed=0,
        unseen=0,
        events=events,
        displayed_usd=0,
        arrived_usd=0,
        kept_usd=0,
        count=none,
        dollars=none,
    )
    assert conclude(found, result, days).word == word


def test_a_change_is_advised_that_earned_more_in_all_events() -> None:
    better = next(n for n, one in enumerate(SETS) if "trading.max_arb_size_usd" in one.changes)
    seen = rows(*(missed(event) for event in range(EVENTS)))
    results = {0: [1.0] * EVENTS, better: [2.0 + event / 100 for event in range(EVENTS)]}
    found = summary(seen, results)
    assert found.advice.sentence.startswith("Change trading.max_arb_size_usd 100 -> 50: +")
    assert len(found.advice.statements) == len(RULES) + 1
    assert summary(seen).advice.sentence.startswith("No change is supported")


def test_the_rules_look_at_what_they_name() -> None:
    held = [missed(event, reason=int(Reason.EVENT_EXPOSURE)) for event in range(6)]
    found = summary(rows(*held, *(opportunity(event) for event in range(6))))
    captured, at_limits, slow, refused = (one.figure for one in found.advice.statements)
    assert captured == Estimate(0.5, 0.5, 0.5)
    assert at_limits == Estimate(0.5, 0.5, 0.5)
    assert slow == Estimate(0, 0, 0)
    assert refused == Estimate(0.25, 0.25, 0.25)


def test_it_is_told_on_a_terminal() -> None:
    shown = on_screen(capture_table(summary(rows(*map(opportunity, range(EVENTS)))), "data/x"))
    for text in ("Latency, ms", "Who took it", "Gone after, ms", "Verdict:", "kept in data/x"):
        assert text in shown
    assert max(map(len, shown.splitlines())) <= 80
