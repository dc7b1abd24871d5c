"""The page of one run: what it found, how that was measured, and what the recording is worth."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from duckdb import DuckDBPyConnection

from hfptm.catalog import connect
from hfptm.journal import Run, read_run, run_ids
from hfptm.tables import duration
from notebooks import figures
from notebooks.newest import TWIN
from replay.html import Html, pairs, table, tag
from replay.latencies import latencies
from replay.metrics import Json
from replay.page_frame import framed
from replay.page_parts import (
    MEASURED,
    Draw,
    certificate,
    configuration,
    contents,
    drawn,
    latency,
    part,
)
from replay.report import (
    ANSWERS,
    ARTEFACTS,
    KINDS,
    LATENCIES,
    MEASURES,
    MONEY,
    PLANS,
    number,
    section,
)
from replay.run_list import REPLAY
from replay.run_verdict import caught, sentence


def run_page(data: Path, run_id: str) -> str:
    """One HTML file. Raises LakeError if there is no such run, or it is not closed."""
    run = read_run(data, run_id)
    with connect(data) as connection:
        verdict = sentence(run.summary, caught(connection, run_id))
        shown, drawings = drawn(_draws(connection, data, run))
        hours = figures.graded_hours(connection, *_ends(run))
    parts = {
        "What was measured": _measured(run),
        "Figures": shown,
        "Numbers": _numbers(run.summary),
        "Latency": latency(latencies(data, run_id)),
        "Coverage": tag("div", _coverage(run.summary), certificate(hours)),
        "Configuration": configuration(run.config_toml),
        "Code and digest": _code(run),
        "How to reproduce": _again(run),
    }
    body = tag(
        "div",
        tag("h1", f"{_mode(run).capitalize()} {run_id}"),
        tag("p", f"{run.summary['from']} to {run.summary['to']}", class_="note"),
        tag("p", verdict, class_="verdict"),
        contents(list(parts)),
        *(part(title, said) for title, said in parts.items()),
    )
    return framed(f"hfptm: {_mode(run)} {run_id}", body, drawings)


def _mode(run: Run) -> str:
    return str(run.summary.get("mode", REPLAY))


def _ends(run: Run) -> tuple[int, int]:
    """Receive times of its first and last row."""
    found = section(run.summary, "coverage")
    return int(number(found, "first_ns")), int(number(found, "last_ns"))


def _draws(connection: DuckDBPyConnection, data: Path, run: Run) -> Iterator[Draw]:
    run_id = run.path.name
    sides = {"": run_id}
    if f"{run_id}{TWIN}" in run_ids(data):
        sides = {"live": run_id, "paper twin": f"{run_id}{TWIN}"}
    yield partial(figures.result_parts, connection, sides)
    chosen = figures.of_run(run_id)
    yield partial(figures.opportunities_by, connection, chosen, "kind", "count")
    yield partial(figures.opportunities_by, connection, chosen, "kind", "dollars")
    yield partial(figures.opportunities_by, connection, chosen, "event", "dollars")
    yield partial(figures.opportunities_by, connection, chosen, "hour", "count")
    yield partial(figures.opportunities_by, connection, chosen, "size", "count")
    yield partial(figures.answer_times, connection, sides)
    if len(sides) > 1:
        yield partial(figures.plan_pairs, connection, sides)
        yield partial(figures.order_ends, connection, sides)
    yield partial(figures.coverage, connection, *_ends(run))


def _measured(run: Run) -> Html:
    summary = run.summary
    coverage, latency = section(summary, "coverage"), section(summary, "latency")
    rows = [
        ("kind of run", _mode(run)),
        ("rows of the tape", f"{summary['events']:,}"),
        ("from first to last row", duration(number(coverage, "span_s"))),
        ("markets", f"{coverage['markets']:,}"),
        ("latency model", str(latency["model"])),
    ]
    for name, title in LATENCIES.items():
        low_ms, high_ms = (number(latency, f"{name}_ms_p{percent}") for percent in (50, 99))
        rows.append((f"{title}, ms", f"median {low_ms:,.1f}, 99 % {high_ms:,.1f}"))
    return tag("div", tag("p", MEASURED), pairs(rows))


def _numbers(summary: Json) -> Html:
    kinds = [section(section(summary, "opportunities"), kind) for kind in KINDS]
    headings = ("", *KINDS.values())
    counts = [(said, *(f"{kind[name]:,}" for kind in kinds)) for name, said in MEASURES.items()]
    for name, said in (("displayed_usd", "displayed"), ("arrived_usd", "still there at arrival")):
        amounts = (f"{number(kind, name):,.2f}" for kind in kinds)
        counts.append((f"$ after fees, {said}", *amounts))
    counts.append(("artefacts: the edge was never real", *(f"{k['artefact']:,}" for k in kinds)))
    counts += _counted(kinds, "artefacts", ARTEFACTS)
    answers = _counted(kinds, "answers", ANSWERS)
    return tag(
        "div",
        table("Opportunities by kind", headings, counts),
        table("What became of them", headings, answers) if answers else "",
        table(
            "Plans",
            ("", "count"),
            [(said, f"{summary[n]:,}") for n, said in PLANS.items() if n in summary],
        ),
        table(
            "Money",
            ("", "$"),
            [(said, f"{summary[n]:,.2f}") for n, said in MONEY.items() if n in summary],
        ),
    )


def _counted(kinds: list[Json], name: str, titles: dict[str, str]) -> list[tuple[str, ...]]:
    """A row for everything that was counted at all."""
    counts = [section(kind, name) for kind in kinds]
    return [
        (said, *(f"{count.get(key, 0):,}" for count in counts))
        for key, said in titles.items()
        if any(key in count for count in counts)
    ]


def _coverage(summary: Json) -> Html:
    data, recorded = section(summary, "coverage"), section(summary, "recorded")
    covered_s, listed_s = number(data, "market_s_covered"), number(data, "market_s_listed")
    rows = [
        ("recorded hours", f"{recorded['hours']:,}, {recorded['verified']:,} of them verified"),
        ("worst grade", str(recorded["grade"] or "none: nothing recorded was verified")),
        (
            "book known, of the markets' listed time",
            f"{data['covered']:.1%}: {duration(covered_s)} of {duration(listed_s)}",
        ),
        ("gaps", f"{data['gaps']:,}"),
        ("batches checked", f"{data['batches_checked']:,}"),
        ("batches whose best prices disagreed with the book", f"{data['mismatches']:,}"),
        ("YES and NO not mirrored", f"{data['mirror_breaks']:,}"),
        ("prices off the tick grid", f"{data['off_grid']:,}"),
        ("markets without metadata, ignored", f"{data['unlisted_markets']:,}"),
    ]
    said = (
        "A book is known from a market's snapshot to its next gap; each batch of changes is "
        "compared with the best prices that the exchange reported in it. Grades are those of "
        "hfptm verify."
    )
    return tag("div", tag("p", said), pairs(rows))


def _code(run: Run) -> Html:
    version = run.version
    return pairs(
        [
            ("hfptm", version.package),
            ("commit", version.commit or "unknown: not run from a working tree"),
            ("Python, numpy", f"{version.python}, {version.numpy}"),
            ("platform", version.platform),
            ("digest", str(run.summary["digest"])),
        ]
    )


def _again(run: Run) -> Html:
    """A run on the feed is computed from what its kernel was given, a replay from the lake."""
    name, selection = run.path.name, run.summary.get("selection")
    if _mode(run) != REPLAY:
        command, said = f"hfptm parity {name}", "It computes the run once more, bit for bit."
    elif selection is None:
        return tag("p", "Made by an older version, which kept no record of what it had selected.")
    else:
        command = f"hfptm replay --config data/runs/{name}/config.toml {selection}"
        said = "The same rows and configuration give the same digest, on any machine."
    return tag("div", tag("pre", tag("code", command.strip())), tag("p", said))
