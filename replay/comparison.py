"""A paper run beside a replay of what was recorded meanwhile: which decisions differ, and why.

From the one to the other in steps that each change one thing: the timers of the run go, then what
the lake says of markets takes the place of what discovery said while it ran, then the rows of the
recording take the place of those that the run was given. A decision that a step takes away or
brings differs for that step's reason, and no other. Of a live run it is the paper twin that is
compared.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.config import limits, load
from hfptm.drive.inputs import LIVE, TWIN, Listing, Rows, Start, read_inputs, read_start
from hfptm.engine import Output
from hfptm.errors import LakeError
from hfptm.journal import DTYPES, RowKind, read_run
from hfptm.lake import Lake
from hfptm.limits import Limits
from hfptm.records import EVENT, EventKind, IntentKind
from replay.definitions import Definitions, definitions_at
from replay.listed import Listed
from replay.parity import joined
from replay.reader import EventReader
from replay.rerun import Steps, fed
from replay.row_differences import RowDifference, RowDifferences, row_differences

WORDS = (EventKind.CONTROL, EventKind.GAS)
"""What no recording can know: given to the replay as well."""


ROWS_TOLD = 20


class Step(StrEnum):
    TIMERS = "timers"
    """The run let time pass where no row came; a replay does so at the next row."""
    LISTINGS = "listings"
    """Fees, delays, groups and payouts reached the run when discovery told of them."""
    ROWS = "rows"
    """A row was another, or there at another time, in the recording."""


class Differing(msgspec.Struct, frozen=True, kw_only=True):
    """A decision or an order that is not the same on both sides."""

    ts_ns: int
    kind: RowKind
    """decisions or intents."""
    market: str
    """Its slug, or its event's."""
    in_run: dict[str, int] | None
    """Without ids, which only count; `plan` is 1 if one was made."""
    in_replay: dict[str, int] | None
    cause: Step
    row: RowDifference | None
    """Of `Step.ROWS`: the last row before that differs, of its own event if one does."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    run: int
    replay: int
    same: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    run_id: str
    from_ns: int
    to_ns: int
    """Receive times of the first and the last row of the run."""
    timers: int
    """That the run was given."""
    rows_same: int
    rows_differing: dict[str, int]
    """How many, by kind of row and where they are: in the run alone, the recording alone, or in
    both at another time."""
    first_rows: list[RowDifference]
    decisions: Side
    orders: Side
    causes: dict[Step, int]
    """Decisions and orders that differ."""
    differing: list[Differing]
    """All, by time."""

    @property
    def is_same(self) -> bool:
        return not self.differing


class _Outcome(NamedTuple):
    """What one way of feeding gave, each row as bytes without ids, and how often."""

    decisions: Counter[bytes]
    intents: Counter[bytes]


KINDS: tuple[RowKind, ...] = ("decisions", "intents")


def compare(data: Path, run_id: str) -> Comparison:
    """Raises LakeError for a run that is not there or kept no inputs, and if nothing was recorded
    meanwhile."""
    folder = read_run(data, run_id).path
    settings, start = limits(load(folder / "config.toml", [], {})), read_start(folder)
    if start.mode == LIVE:
        start = msgspec.structs.replace(start, mode=TWIN)
    steps = [(listing, _market_rows(rows)) for listing, rows in read_inputs(folder)]
    given = np.concatenate([np.zeros(0, EVENT), *(rows for _, rows in steps)])
    if len(given) == 0:
        raise LakeError(f"{run_id} was given no row")
    from_ns, to_ns = int(given["ts_recv_ns"][0]), int(given["ts_recv_ns"][-1])
    tape = _recorded(data, from_ns, to_ns)
    listed = definitions_at(Lake(data).market_versions(), from_ns)
    told = np.concatenate([given[np.isin(given["kind"], WORDS)], tape[_is_found_out(tape)]])
    seen, recorded = _received(given), _received(tape)
    outcomes = [
        _outcome(settings, start, steps),
        _outcome(settings, start, [(each, _timeless(rows)) for each, rows in steps]),
        _outcome(settings, start, _replayed(listed, seen, told)),
        _outcome(settings, start, _replayed(listed, recorded, told)),
    ]
    names, rows = Listed.of_run(folder), row_differences(seen, recorded)
    differing = sorted(_differing(outcomes, rows, names), key=lambda each: each.ts_ns)
    return Comparison(
        run_id=run_id,
        from_ns=from_ns,
        to_ns=to_ns,
        timers=int((given["kind"] == EventKind.TIMER).sum()),
        rows_same=rows.same,
        rows_differing=rows.counts(),
        first_rows=[rows.told(place, names) for place in range(min(len(rows.ts_ns), ROWS_TOLD))],
        decisions=_side(outcomes[0].decisions, outcomes[-1].decisions),
        orders=_side(outcomes[0].intents, outcomes[-1].intents),
        causes=dict(Counter(each.cause for each in differing)),
        differing=differing,
    )


def _market_rows(rows: Rows) -> Rows:
    """Without what anybody said of the run's own orders."""
    return rows[rows["kind"] < EventKind.ACK]


def _timeless(rows: Rows) -> Rows:
    kept: Rows = rows[rows["kind"] != EventKind.TIMER]
    return kept


def _received(rows: Rows) -> Rows:
    """Those that came from the market's own feed."""
    kept: Rows = rows[(rows["kind"] <= EventKind.GAP) & ~_is_found_out(rows)]
    return kept


def _is_found_out(rows: Rows) -> npt.NDArray[np.bool_]:
    """States that discovery found out: there is no time of the exchange on them but our own."""
    found: npt.NDArray[np.bool_] = (rows["kind"] == EventKind.STATE) & (
        rows["ts_venue_ns"] == rows["ts_recv_ns"]
    )
    return found


def _recorded(data: Path, from_ns: int, to_ns: int) -> Rows:
    rows = [np.zeros(0, EVENT), *EventReader(Lake(data), from_ns, to_ns + 1)]
    if len(rows) == 1:
        raise LakeError(
            f"{data}: nothing is recorded of the time of the run; `hfptm normalize` makes what was "
            "received meanwhile a recording"
        )
    return np.concatenate(rows)


def _replayed(listed: Definitions, tape: Rows, told: Rows) -> Steps:
    """As a replay feeds a tape: all that is known of markets first, what changes at its time."""
    changes = listed.changes[listed.changes["ts_recv_ns"] < tape["ts_recv_ns"].max(initial=0)]
    rows = np.concatenate([tape, changes, told])
    listing = Listing(rows=0, markets=listed.markets, groups=listed.groups)
    return [(listing, rows[np.argsort(rows["ts_recv_ns"], kind="stable")])]


def _outcome(settings: Limits, start: Start, steps: Steps) -> _Outcome:
    outputs: list[Output] = []
    fed(settings, start, steps, outputs.append).finish()
    decisions, intents = joined(outputs, "decisions"), joined(outputs, "intents")
    intents = intents[intents["kind"] != IntentKind.OBSERVE]
    for rows, names in ((decisions, ("decision", "plan")), (intents, ("order", "plan"))):
        rows["plan"] = rows["plan"] > 0
        rows[names[0]] = 0
    return _Outcome(_counted(decisions), _counted(intents))


def _differing(
    outcomes: Sequence[_Outcome], rows: RowDifferences, listed: Listed
) -> Iterator[Differing]:
    """What only one side has; of the same instant, market and kind it is one difference."""
    for kind in KINDS:
        ways: list[Counter[bytes]] = [getattr(outcome, kind) for outcome in outcomes]
        gone = [(_row(kind, row), _lost_in(ways, row)) for row in (ways[0] - ways[-1]).elements()]
        come = [(_row(kind, row), _won_in(ways, row)) for row in (ways[-1] - ways[0]).elements()]
        left = defaultdict[tuple[int, ...], list[tuple[np.void, Step]]](list)
        for row, step in come:
            left[_about(row)].append((row, step))
        for row, step in gone:
            other = left[_about(row)].pop(0)[0] if left[_about(row)] else None
            yield _told(kind, row, other, step, (rows, listed))
        for row, step in chain.from_iterable(left.values()):
            yield _told(kind, None, row, step, (rows, listed))


def _lost_in(ways: Sequence[Counter[bytes]], row: bytes) -> Step:
    """The first step after which it is there less often."""
    return next(step for step, (a, b) in zip(Step, pairwise(ways), strict=True) if b[row] < a[row])


def _won_in(ways: Sequence[Counter[bytes]], row: bytes) -> Step:
    """The last step after which it is there more often."""
    steps = zip(Step, pairwise(ways), strict=True)
    return [step for step, (a, b) in steps if b[row] > a[row]][-1]


def _row(kind: RowKind, row: bytes) -> np.void:
    found: np.void = np.frombuffer(row, DTYPES[kind])[0]
    return found


def _about(row: np.void) -> tuple[int, ...]:
    names = ("ts_ns", "market", "kind", "phase", "leg", "token", "side")
    return tuple(int(row[name]) for name in names if name in (row.dtype.names or ()))


def _told(
    kind: RowKind,
    in_run: np.void | None,
    in_replay: np.void | None,
    cause: Step,
    known: tuple[RowDifferences, Listed],
) -> Differing:
    row = in_replay if in_run is None else in_run
    assert row is not None
    rows, listed = known
    ts_ns, subject = int(row["ts_ns"]), int(row["market"])
    place = rows.last_before(ts_ns, listed.together(subject)) if cause is Step.ROWS else None
    return Differing(
        ts_ns=ts_ns,
        kind=kind,
        market=listed.slug(subject),
        in_run=_fields(in_run),
        in_replay=_fields(in_replay),
        cause=cause,
        row=None if place is None else rows.told(place, listed),
    )


def _fields(row: np.void | None) -> dict[str, int] | None:
    names = row.dtype.names or () if row is not None else ()
    return {name: int(row[name]) for name in names} if row is not None else None


def _counted(rows: Rows) -> Counter[bytes]:
    return Counter(row.tobytes() for row in rows)


def _side(run: Counter[bytes], replay: Counter[bytes]) -> Side:
    return Side(run=run.total(), replay=replay.total(), same=(run & replay).total())
