"""How long the standard queries of docs/catalog.md take: `python -m benchmarks.catalog [--json]`.

A generated day of 50 M rows, the tape of `benchmarks.tape` once an hour at its stretched pace: 24
hours of 1,000 markets, each in a file of its own; besides a run of 100,000 opportunities. Each
query is asked three times through a connection of its own, as `hfptm sql` asks it.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.report import ROOT, Figure, main
from benchmarks.tape import START_NS, make_tape, with_ids
from hfptm.catalog import connect
from hfptm.clock import monotonic_ns
from hfptm.journal import Rows, RunJournal
from hfptm.lake import Gap, Lake
from hfptm.opportunities import DECISION, OUTCOME, OpportunityKind, Phase, Reason
from hfptm.parquet import HOUR_NS
from hfptm.records import GapReason
from hfptm.registry import Market
from hfptm.units import NS_PER_MS, NS_PER_S

ABOUT = "Medians of three; query_s_50m is the slowest of all standard queries."

HOURS, MARKETS, ROWS = 24, 1_000, 50_000_000
OPPORTUNITIES = 100_000
REPEATS = 3
_QUERY = re.compile(r"```sql\n-- (\w+)\n(.*?)```", re.DOTALL)


def standard_queries() -> dict[str, str]:
    """By the name in its first line."""
    text = (ROOT / "docs" / "catalog.md").read_text(encoding="utf-8")
    return dict(_QUERY.findall(text))


def make_day(data: Path, hours: int, markets: int, rows: int) -> int:
    """A lake and a run; returns how many events there are."""
    lake, made = Lake(data), 0
    for hour in range(hours):
        tape = make_tape(markets, rows // hours, seed=hour)
        if hour == 0:
            lake.write_markets("made", tape.markets, tape.groups)
            lake.write_gaps("made", _gaps(tape.markets, hours))
        events = _stretched(with_ids(tape), START_NS + hour * HOUR_NS)
        lake.write_events("made", events)
        made += len(events)
    _write_run(data, [market.market for market in tape.markets], hours)
    return made


def _stretched(rows: Rows, begin_ns: int) -> Rows:
    """The same rows over a whole hour."""
    first_ns, last_ns = rows["ts_recv_ns"][0], rows["ts_recv_ns"][-1] + 1
    share = HOUR_NS / (last_ns - first_ns)
    for name in ("ts_recv_ns", "ts_venue_ns"):
        rows[name] = begin_ns + ((rows[name] - first_ns) * share).astype(np.int64)
    rows["ts_recv_ns"] = np.clip(rows["ts_recv_ns"], begin_ns, begin_ns + HOUR_NS - 1)
    return rows


def _gaps(markets: list[Market], hours: int) -> list[Gap]:
    begins_ns = [START_NS + hour * HOUR_NS for hour in range(hours)]
    return [
        Gap(begin_ns, market.market, begin_ns + NS_PER_S, GapReason.DISCONNECT)
        for begin_ns in begins_ns
        for market in markets[:100]
    ]


def _write_run(data: Path, markets: list[int], hours: int) -> None:
    """Opportunities of two decision rows and an outcome each."""
    rng = np.random.default_rng(7)
    decisions, outcomes = np.zeros(2 * OPPORTUNITIES, DECISION), np.zeros(OPPORTUNITIES, OUTCOME)
    begin_ns = START_NS + np.sort(rng.integers(0, hours * HOUR_NS, OPPORTUNITIES))
    numbers = np.arange(1, OPPORTUNITIES + 1)
    kinds = rng.integers(0, len(OpportunityKind), OPPORTUNITIES)
    for rows in (decisions[0::2], decisions[1::2], outcomes):
        rows["decision"], rows["kind"] = numbers, kinds
        rows["market"] = rng.permutation(np.resize(markets, OPPORTUNITIES))
    decisions["ts_ns"][0::2] = outcomes["ts_ns"] = begin_ns
    lives_ms = rng.exponential(300, OPPORTUNITIES).astype(np.int64)
    decisions["ts_ns"][1::2] = begin_ns + lives_ms * NS_PER_MS
    decisions["phase"] = np.tile([Phase.BEGIN, Phase.END], OPPORTUNITIES)
    decisions["reason"] = np.tile([Reason.TAKEN, Reason.ENDED], OPPORTUNITIES)
    decisions["size_e6"][0::2] = decisions["edge_e6"][0::2] = 1_000_000
    outcomes["arrived"] = lives_ms > 150
    with RunJournal(data, "made", "") as journal:
        journal.append("decisions", decisions)
        journal.append("outcomes", outcomes)
        journal.close({"opportunities": {}})


def seconds(data: Path, query: str) -> list[float]:
    """Of each of the repetitions, the making of the connection included."""
    took = []
    for _ in range(REPEATS):
        began_ns = monotonic_ns()
        with connect(data) as connection:
            connection.execute(query).fetchall()
        took.append((monotonic_ns() - began_ns) / NS_PER_S)
    return took


def measure() -> list[Figure]:
    with TemporaryDirectory() as folder:
        rows = make_day(Path(folder), HOURS, MARKETS, ROWS)
        taken = {name: seconds(Path(folder), query) for name, query in standard_queries().items()}
    figures = [
        Figure(f"{name}_s", float(np.median(took)), "s", (min(took), max(took)), "")
        for name, took in taken.items()
    ]
    slowest = max(figures, key=lambda figure: figure.value)
    note = f"the slowest, {slowest.name}, of {rows / 1e6:.1f} M rows"
    return [slowest._replace(name="query_s_50m", note=note), *figures]


if __name__ == "__main__":
    main("catalog", ABOUT, measure)
