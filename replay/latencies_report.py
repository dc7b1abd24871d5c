"""How long everything took in a run, as tables for a terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfptm.tables import add, table
from replay.latencies import Latencies, Span, Step

STEPS = {
    Step.FEED: "feed: exchange to receipt",
    Step.SIGN: "receipt to signature",
    Step.MATCH: "decision to match",
    Step.NOTICE: "match to our knowing it",
    Step.ANSWER: "decision to first answer",
    Step.CONFIRM: "fill to its trade being final",
}
SIMULATED = "Of orders, the simulated venue's: what it was told, nothing that was measured."


def latencies_table(found: Latencies) -> RenderableType:
    return Group(*_parts(found))


def _parts(found: Latencies) -> Iterator[RenderableType]:
    yield _percentiles(found)
    if not found.is_measured:
        yield Text(SIMULATED)
    for span in found.spans:
        if len(span.over_time) > 1:
            yield Text()
            yield _over_time(span)
    yield Text()
    for step, why in found.missing.items():
        yield Text(f"{step}: {why}")


def _percentiles(found: Latencies) -> Table:
    columns = ("number", "p50", "p90", "p99", "most")
    made = table(f"{found.mode}, ms", *columns, label_columns=32)
    for span in found.spans:
        times = (span.p50_ms, span.p90_ms, span.p99_ms, span.max_ms)
        add(made, STEPS[Step(span.step)], f"{span.n:,}", *(f"{ms:,.1f}" for ms in times))
    return made


def _over_time(span: Span) -> Table:
    made = table(f"{STEPS[Step(span.step)]}, ms", "number", "p50", "p99", label_columns=32)
    for stretch in span.over_time:
        times = (f"{ms:,.1f}" for ms in (stretch.p50_ms, stretch.p99_ms))
        add(made, stretch.since[:19], f"{stretch.n:,}", *times)
    return made
