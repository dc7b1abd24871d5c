"""What a capture analysis found, as tables for a terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfptm.tables import add, table
from replay.advice import Statement, dollars
from replay.capture_summary import Ends, Findings, Point, Rate, Slice
from replay.confidence import EVENTS_MIN, Estimate
from replay.endings import Ending
from replay.lifetimes import Quartile, Survival
from replay.report import KINDS

ENDINGS = {
    Ending.TRADE: "somebody took it: a trade explains its end",
    Ending.CANCEL: "cancelled: it went without a trade",
    Ending.MOVE: "moved: the like came back dearer",
    Ending.UNSEEN: "its end was not recorded",
    Ending.OPEN: "still there when the day ended",
}

WAYS = {"kind": "Kind", "category": "Category", "hour": "Hour of day, UTC", "size": "Outlay"}

TOO_FEW = "too few events"
"""Fewer than `EVENTS_MIN`: an interval would be invented."""


def capture_table(found: Findings, where: str) -> RenderableType:
    """The curve first; then what it is made of; what to do last."""
    parts: list[RenderableType] = [_measures(found.as_configured)]
    if found.survival:
        parts = [_curve(found), Text(), *parts]
        parts += [Text(), _lifetimes(found.survival), Text(), _endings(found.endings)]
    for by, title in WAYS.items():
        mine = [one for one in found.slices if one.by == by]
        if len(mine) > 1:
            parts += [Text(), _slices(title, mine)]
    parts += [Text(), *_advice(found), Text(), Text(f"kept in {where}", style="dim")]
    return Group(*parts)


def _curve(found: Findings) -> Table:
    columns = ("displayed", "captured", "95 %", "of dollars", "95 %")
    made = table("Latency, ms", *columns, label_columns=12)
    for point in found.curve:
        add(made, f"{point.latency_ms:,}", *_cells(point))
    return made


def _cells(point: Point) -> tuple[str, ...]:
    count, of_dollars = point.count, point.dollars
    return (
        *(f"{point.displayed:,}", _share(count), _band(count)),
        *(_share(of_dollars), _band(of_dollars)),
    )


def _share(share: Estimate) -> str:
    return f"{share.value:.1%}"


def _band(share: Estimate) -> str:
    if share.low is None or share.high is None:
        return TOO_FEW
    return f"{share.low * 100:.1f} to {share.high:.1%}"


def _measures(found: Rate) -> Table:
    made = table("As configured", "number", "$ after fees")
    add(made, "displayed", f"{found.displayed:,}", f"{found.displayed_usd:,.2f}")
    still_there = "still there when orders would have arrived"
    add(made, still_there, f"{found.arrived:,}", f"{found.arrived_usd:,.2f}")
    add(made, "  of it what had been displayed already", "", f"{found.kept_usd:,.2f}")
    add(made, "corroborated: a trade printed in a leg", f"{found.printed:,}", "")
    add(made, "book at arrival not recorded, so unknown", f"{found.unseen:,}", "")
    add(made, "events with something displayed", f"{found.events:,}", "")
    return made


def _lifetimes(found: list[Survival]) -> Table:
    columns = ("number", "cut short", "25 %", "half", "75 %", "95 % of half")
    made = table("Gone after, ms", *columns, label_columns=14)
    for one in found:
        quartiles = {quartile.percent: quartile for quartile in one.quartiles}
        times = (_after(quartiles[percent].after_ms) for percent in (25, 50, 75))
        name = KINDS.get(one.kind, one.kind)
        add(made, name, f"{one.n:,}", f"{one.censored:,}", *times, _between(one, quartiles[50]))
    return made


def _after(after_ms: float | None) -> str:
    """A quartile that was not reached while anybody looked is later than all that was seen."""
    return "not seen" if after_ms is None else f"{after_ms:,.0f}"


def _between(one: Survival, half: Quartile) -> str:
    if one.events < EVENTS_MIN:
        return TOO_FEW
    return f"{_after(half.low_ms)} to {_after(half.high_ms)}"


def _endings(found: list[Ends]) -> Table:
    """Of all kinds together; by kind they are in the JSON."""
    made = table("Who took it", "number", "$ displayed")
    (every,) = (ends for ends in found if ends.kind == "all")
    for ending, title in ENDINGS.items():
        count, usd = every.counts[ending], every.displayed_usd[ending]
        add(made, title, f"{count:,}", f"{usd:,.2f}")
    return made


def _slices(title: str, found: list[Slice]) -> Table:
    made = table(title, "displayed", "$", "captured", "95 %", label_columns=28)
    for one in found:
        name = KINDS.get(one.name, one.name or "unknown")
        cells = (f"{one.displayed:,}", f"{one.displayed_usd:,.0f}", _share(one.count))
        add(made, name, *cells, _band(one.count))
    return made


def _advice(found: Findings) -> Iterator[RenderableType]:
    yield Text(f"Verdict: {found.verdict.word}", style="bold")
    yield Text(found.verdict.sentence)
    yield Text()
    yield Text(found.advice.sentence, style="bold")
    for statement in found.advice.statements:
        yield Text(f"- {_told(statement)}")
    if found.advice.tried:
        yield Text("\nTried on the same recording, with intervals that hold together:")
        for tried in found.advice.tried:
            yield Text(f"- {tried.change}: {dollars(tried.gain_usd)}")


def _told(statement: Statement) -> str:
    rule = f'rule "{statement.rule}": ' if statement.rule else f"{statement.change}: "
    return rule + statement.text
