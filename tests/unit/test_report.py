"""Tables a person can read: every case has words, and none is wider than 80 columns."""

from io import StringIO

import msgspec
import pytest
from rich.console import Console, RenderableType

from hfptm.config import limits, load
from hfptm.latency import latencies_of
from hfptm.opportunities import Artefact, OpportunityKind, Reason
from hfptm.tables import LABEL_COLUMNS, duration
from replay.calibration import Calibration, fills_of
from replay.importers import ImportReport
from replay.metrics import Json, Tally, account, coverage
from replay.report import (
    ANSWERS,
    ARTEFACTS,
    KINDS,
    LATENCIES,
    MEASURES,
    MONEY,
    PLANS,
    import_table,
    number,
    section,
    summary_table,
)
from tests.engines import Recorder, crossed_market, tape_of
from tests.tapes import START_NS, make_market

LATENCY = latencies_of(limits(load(None, ["sim.entry_latency_p99_ms=3600000"], {})))
"""As wide as its figures get."""

FILLS = msgspec.structs.replace(fills_of([]), orders=123_456_789)
CALIBRATION = Calibration(
    hours=123_456, calibrated=99_999, print_lag_ms=[0], fills=FILLS, by_class={}, by_hour={}
)

END_ONLY = {Reason.ENDED, Reason.UNSEEN, Reason.CONFIRMED}
ORDER_ONLY = {
    Reason.MARKET_CLOSED,
    Reason.PRICE_OFF_GRID,
    Reason.PRICE_LIMIT,
    Reason.NOT_HELD,
    Reason.UNPROMISED,
}


def shown(table: RenderableType, width: int = 80) -> str:
    screen = StringIO()
    Console(width=width, file=screen).print(table)
    return screen.getvalue()


def summary() -> Json:
    """Of a run of one trade, with a number of six digits wherever one fits."""
    engine = Recorder([make_market("a")], []).run(tape_of(crossed_market("a", START_NS)))
    tally = Tally()
    for output in engine.outputs:
        tally.add(output)
    opportunities = tally.opportunities()
    for kind in opportunities.values():
        assert isinstance(kind, dict)
        kind.update(seen=123_456, displayed_usd=123_456.78)
        kind["artefacts"] = dict.fromkeys(ARTEFACTS, 123_456)
        kind["answers"] = dict.fromkeys(ANSWERS, 123_456)
        kind["confirmed"] = 1
    return {
        "run_id": "20261122T145659-123456789",
        "from": "2026-04-29 02:00:00.000Z",
        "to": "2026-04-29 02:00:06.400Z",
        "events": 123_456_789,
        "seconds": 12.345,
        "events_per_s": 12_345_678.9,
        "digest": "f" * 64,
        "recorded": {"hours": 123_456, "verified": 123_456, "grade": "B"},
        "calibration": msgspec.to_builtins(CALIBRATION),
        "latency": dict(LATENCY.summary()),
        "coverage": coverage(engine),
        "risk": {"latch": "daily_loss", "latch_value": 51_234_567},
        "opportunities": opportunities,
        **account(engine),
    }


@pytest.mark.parametrize("width", [80, 120])
def test_a_summary_fits_its_terminal(width: int) -> None:
    text = shown(summary_table(summary()), width)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("123,457") == len(KINDS)
    titles = (MEASURES, ARTEFACTS, ANSWERS, LATENCIES, PLANS, MONEY)
    for title in (title for words in titles for title in words.values()):
        assert title in text


def test_coverage_comes_first_and_speed_last() -> None:
    text = shown(summary_table(summary()))
    order = (
        "Coverage",
        "Opportunities",
        "What became of them",
        "Latency assumed",
        "Plans",
        "Money",
        "digest",
    )
    places = [text.index(title) for title in order]
    assert places == sorted(places)
    assert text.rstrip().endswith("123,456,789 rows in 12.35 s, 12,345,679 rows/s")


def test_nothing_seen_is_said_so() -> None:
    quiet = summary()
    quiet["opportunities"] = Tally().opportunities()
    text = shown(summary_table(quiet))
    assert "nothing was seen" in text
    assert "distrusted at first" not in text


def test_an_end_of_trading_is_said_with_its_reason() -> None:
    said = "Nothing is bought any more, after a day's loss at its limit ($51.23), until a human"
    assert said in " ".join(shown(summary_table(summary())).split())
    trading = summary()
    trading["risk"] = {"latch": "stopped", "latch_value": 0}
    assert "any more, stopped by a human,\nuntil" in shown(summary_table(trading))
    trading["risk"] = {"latch": "", "latch_value": 0}
    assert "any more" not in shown(summary_table(trading))


def test_every_case_has_words_that_fit_their_column() -> None:
    assert set(KINDS) == {kind.name.lower() for kind in OpportunityKind}
    assert set(ARTEFACTS) == {a.name.lower() for a in Artefact if a is not Artefact.NONE}
    elsewhere = END_ONLY | ORDER_ONLY | {Reason.ARTEFACT}
    assert set(ANSWERS) == {r.name.lower() for r in Reason if r not in elsewhere}
    titles = (MEASURES, ANSWERS, LATENCIES, PLANS, MONEY)
    assert all(len(t) <= LABEL_COLUMNS for words in titles for t in words.values())
    assert all(len(title) + 2 <= LABEL_COLUMNS for title in ARTEFACTS.values())


def test_an_import_says_what_it_took_skipped_and_assumed() -> None:
    report = ImportReport(format="quotes", paths=["a[b]/c.parquet"])
    report.rows = {"level": 1_234}
    report.gaps = {"silence": 5}
    report.skip("quote without a time, group or slug", 7)
    report.assume("100 shares at every quote (--default-size)")
    text = shown(import_table(report))
    assert "Import of a[b]/c.parquet as quotes" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in (
        "rows: level 1,234",
        "gaps: silence 5",
        "quote without a time, group or slug 7",
        "100 shares at every quote (--default-size)",
        "lake files new or changed none, all there already",
    ):
        assert line in lines
    assert "frames" not in text
    assert "Skipped" not in shown(import_table(ImportReport(format="quotes", paths=["a"])))


def test_durations_are_in_the_unit_a_person_would_use() -> None:
    assert duration(599.94) == "599.9 s"
    assert duration(600) == "10.0 min"
    assert duration(7_200) == "2.0 h"
    assert duration(4_399_560) == "1,222.1 h"


def test_a_summary_of_another_shape_is_refused() -> None:
    with pytest.raises(TypeError, match="no section coverage"):
        section({"coverage": 1}, "coverage")
    with pytest.raises(TypeError, match="no number span_s"):
        number({"span_s": "1"}, "span_s")


def test_the_grade_is_of_what_was_recorded() -> None:
    assert "worst grade of the recorded hours" in shown(summary_table(summary()))
    imported = summary()
    imported["recorded"] = {"hours": 0, "verified": 0, "grade": ""}
    assert "grade" not in shown(summary_table(imported))
