"""The page of a sweep or a capture analysis: what was concluded, from what, and how again."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from hfptm.catalog import connect
from hfptm.clock import parse_utc_ns
from hfptm.sweep_files import Sweep
from notebooks import figures
from replay.html import Html, pairs, prose, table, tag
from replay.page_frame import framed
from replay.page_parts import MEASURED, Draw, certificate, configuration, contents, drawn, part

CAPTURE, SEARCH, TOO_LITTLE = "capture", "tune", "too little data"
AS_CONFIGURED = 0
"""The set of a capture analysis that changes nothing."""
CHANCE_LEAST = 0.001
"""Of a smaller chance resamples say no more than that."""
THIN = "Too thin for a verdict"

RESULT = (
    "Each UTC day begins flat, with empty books, money and positions, so that days can be judged "
    "apart. A result is what was realised after fees, plus the profit locked in complete sets "
    "until they resolve, plus what shares without partners would bring at the last bids, less "
    "what they cost."
)
BANDS = (
    "Bands are 95 % intervals: whole events are drawn again, with replacement, since opportunities "
    "of one event are no independent trials. Where there are too few events there is no band."
)

AT_MOST = (
    "In the curve over latency an opportunity's profit counts as still there up to what was "
    "displayed of it: a basket that is shown leg by leg grows until arrival."
)


def sweep_page(data: Path, sweep_id: str) -> str:
    """One HTML file. Raises LakeError if there is no such sweep."""
    sweep = Sweep(data, sweep_id)
    with connect(data) as connection:
        draws = _of_capture if sweep.head.kind == CAPTURE else _of_sets
        shown, drawings = drawn(draws(connection, sweep))
        hours = figures.graded_hours(connection, *_span(sweep))
    parts = {
        "What was measured": _measured(sweep),
        "Figures": shown,
        "Conclusions": _conclusions(sweep),
        "Coverage": certificate(hours),
        "Configuration": configuration(sweep.config_toml),
        "Code and digest": _code(sweep),
        "How to reproduce": _again(sweep),
    }
    kind = _kind(sweep)
    body = tag(
        "div",
        tag("h1", f"{kind.capitalize()} {sweep_id}"),
        tag("p", f"{sweep.head.from_} to {sweep.head.to}", class_="note"),
        tag("p", prose(_verdict(sweep)), class_="verdict"),
        contents(list(parts)),
        *(part(title, said) for title, said in parts.items()),
    )
    return framed(f"hfptm: {kind} {sweep_id}", body, drawings)


def _kind(sweep: Sweep) -> str:
    kind = sweep.head.kind
    return "capture analysis" if kind == CAPTURE else f"{kind} sweep"


def _verdict(sweep: Sweep) -> str:
    said = sweep.summary.get("verdict")
    if not said:
        return f"{THIN}: none was drawn from this data."
    return f"{THIN}: {said['sentence']}" if said["word"] == TOO_LITTLE else str(said["sentence"])


def _span(sweep: Sweep) -> tuple[int, int]:
    return parse_utc_ns(sweep.head.from_), parse_utc_ns(sweep.head.to)


def _of_capture(connection: DuckDBPyConnection, sweep: Sweep) -> Iterator[Draw]:
    sweep_id = sweep.path.name
    yield partial(figures.capture_curve, connection, sweep_id)
    yield partial(figures.lifetimes, connection, sweep_id)
    yield partial(figures.taken_by, connection, sweep_id)
    chosen = figures.of_set(sweep_id, AS_CONFIGURED)
    yield partial(figures.opportunities_by, connection, chosen, "kind", "count")
    yield partial(figures.opportunities_by, connection, chosen, "kind", "dollars")
    yield partial(figures.opportunities_by, connection, chosen, "event", "dollars")
    yield partial(figures.opportunities_by, connection, chosen, "hour", "count")
    yield partial(figures.opportunities_by, connection, chosen, "size", "count")
    yield partial(figures.coverage, connection, *_span(sweep))


def _of_sets(connection: DuckDBPyConnection, sweep: Sweep) -> Iterator[Draw]:
    sweep_id = sweep.path.name
    yield partial(figures.distribution, connection, sweep_id)
    yield partial(figures.walk_forward, connection, sweep_id)
    yield partial(figures.best_sets, connection, sweep_id)
    yield partial(figures.sensitivity, connection, sweep_id)
    keys = figures.swept_keys(connection, sweep_id)
    for key in keys:
        yield partial(figures.profile, connection, sweep_id, key)
    if len(keys) > 1:
        yield partial(figures.heat_map, connection, sweep_id, *keys[:2])
    best = figures.best_set(connection, sweep_id)
    yield partial(figures.result_by_day, connection, sweep_id, best)
    yield partial(figures.result_by_event, connection, sweep_id, best)
    yield partial(figures.coverage, connection, *_span(sweep))


def _measured(sweep: Sweep) -> Html:
    head = sweep.head
    rows = [
        ("parameter sets tried", f"{head.sets:,}"),
        ("settings varied", ", ".join(head.keys)),
        ("UTC days with rows", f"{len(head.days):,}: {_ends(head.days)}"),
    ]
    said = (MEASURED, RESULT, BANDS, *((AT_MOST,) if head.kind == CAPTURE else ()))
    return tag("div", *(tag("p", words) for words in said), pairs(rows))


def _ends(days: tuple[str, ...]) -> str:
    return ", ".join(days) if len(days) < 4 else f"{days[0]} to {days[-1]}"


def _conclusions(sweep: Sweep) -> Html:
    """What the summary says in words; figures show its numbers."""
    summary = sweep.summary
    parts = [tag("p", prose(_verdict(sweep)))]
    if correction := summary.get("correction"):
        parts.append(tag("p", _corrected(correction)))
    if advice := summary.get("advice"):
        parts.append(tag("p", prose(str(advice["sentence"]))))
        said = [
            (s["rule"] or "no rule names it", s["text"], s["change"] or "none")
            for s in advice["statements"]
        ]
        if said:
            parts.append(
                table("Rules and what the data says", ("rule", "data", "change"), said, "words")
            )
    return tag("div", *parts)


def _corrected(correction: dict[str, Any]) -> str:
    p_value = correction.get("p_value")
    said = "too little to say how likely" if p_value is None else _chance(p_value)
    return (
        f"{correction['tried']:,} sets were tried, so the best of them looks good by luck alone. "
        f"Corrected for that ({correction['method']}): {said} that a best set as good comes about "
        "without any edge."
    )


def _chance(p_value: float) -> str:
    return f"p = {p_value:.3f}" if p_value >= CHANCE_LEAST else f"p < {CHANCE_LEAST}"


def _code(sweep: Sweep) -> Html:
    head = sweep.head
    return pairs(
        [
            ("code", head.code),
            ("recording, by its hash", head.lake),
            ("computed", f"{head.engine}, in {head.seconds:,.1f} s"),
        ]
    )


def _again(sweep: Sweep) -> Html:
    folder = f"data/sweeps/{sweep.path.name}"
    grid = f" {folder}/grid.toml" if (sweep.path / "grid.toml").exists() else ""
    words = (f"hfptm {_command(sweep)}{grid} --config {folder}/config.toml", _selection(sweep))
    same = "The same recording and settings give the same tables, on any machine."
    command = tag("pre", tag("code", " ".join(filter(None, words))))
    return tag("div", command, tag("p", same))


def _command(sweep: Sweep) -> str:
    return sweep.head.kind if sweep.head.kind in (CAPTURE, SEARCH) else "sweep"


def _selection(sweep: Sweep) -> str:
    return str(sweep.summary.get("selection", ""))
