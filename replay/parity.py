"""A run computed once more from what its kernel was given: the same rows must come out."""

from pathlib import Path

import msgspec
import numpy as np

from hfptm.drive.inputs import LIVE, Rows, read_inputs, read_start
from hfptm.engine import Output
from hfptm.journal import DTYPES, ROW_KINDS, RowKind, Run, read_run
from replay.listed import Listed
from replay.rerun import rerun
from replay.row_text import InputLine, input_line

BEFORE, AFTER = 4, 1
"""Rows of inputs shown around a difference."""

_TIMES = {"reports": "ts_recv_ns"}


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a difference is about, and what the kernel had just been given of it."""

    market: str
    """Its slug, or its event's."""
    decision: dict[str, int] | None
    """As computed: what the row follows from; None if its plan ends what earlier ones left."""
    before: list[InputLine]
    """The last rows of inputs of the market, and of its group's, up to the row's time."""
    after: list[InputLine]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first row in time that is not the same; None where one side has ended."""

    kind: RowKind
    row: int
    journalled: dict[str, int] | None
    computed: dict[str, int] | None
    commit: str | None
    """Of the code that wrote the journal."""
    context: Context


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    run_id: str
    inputs: int
    rows: dict[RowKind, int]
    """As journalled."""
    difference: Difference | None

    @property
    def is_same(self) -> bool:
        return self.difference is None


def parity(data: Path, run_id: str) -> Parity:
    """Raises LakeError for a run that is not there or kept no inputs."""
    run = read_run(data, run_id)
    outputs: list[Output] = []
    engine = rerun(run.path, outputs.append)
    if read_start(run.path).mode != LIVE:
        engine.finish()
    computed = {kind: joined(outputs, kind) for kind in ROW_KINDS}
    found = [(kind, _first(run.rows(kind), computed[kind])) for kind in ROW_KINDS]
    differences = [_difference(run, kind, row, computed) for kind, row in found if row is not None]
    return Parity(
        run_id=run_id,
        inputs=engine.rows,
        rows={kind: len(run.rows(kind)) for kind in ROW_KINDS},
        difference=min(differences, key=_ts_ns, default=None),
    )


def joined(outputs: list[Output], kind: RowKind) -> Rows:
    return np.concatenate([np.zeros(0, DTYPES[kind]), *(getattr(o, kind) for o in outputs)])


def _first(journalled: Rows, found: Rows) -> int | None:
    """The first row that differs."""
    both = min(len(journalled), len(found))
    opaque = np.dtype((np.void, journalled.dtype.itemsize))
    first, second = (rows[:both].copy().view(opaque) for rows in (journalled, found))
    wrong = np.flatnonzero(first != second)
    if len(wrong) == 0 and len(journalled) == len(found):
        return None
    return int(wrong[0]) if len(wrong) else both


def _difference(run: Run, kind: RowKind, row: int, computed: dict[RowKind, Rows]) -> Difference:
    journalled, found = _named(run.rows(kind), row), _named(computed[kind], row)
    either = found or journalled or {}
    return Difference(
        kind=kind,
        row=row,
        journalled=journalled,
        computed=found,
        commit=run.version.commit,
        context=_context(run, kind, either, computed),
    )


def _context(
    run: Run, kind: RowKind, row: dict[str, int], computed: dict[RowKind, Rows]
) -> Context:
    listed, ts_ns = Listed.of_run(run.path), row[_TIMES.get(kind, "ts_ns")]
    inputs = np.concatenate([rows for _, rows in read_inputs(run.path)])
    near = inputs[np.isin(inputs["market"], list(listed.together(row["market"])))]
    until = int(np.searchsorted(near["ts_recv_ns"], ts_ns, "right"))
    return Context(
        market=listed.slug(row["market"]),
        decision=_decision(kind, row, computed),
        before=[input_line(each, listed) for each in near[max(until - BEFORE, 0) : until]],
        after=[input_line(each, listed) for each in near[until : until + AFTER]],
    )


def _decision(
    kind: RowKind, row: dict[str, int], computed: dict[RowKind, Rows]
) -> dict[str, int] | None:
    """Which made the plan of an intent or of a report; of other rows, which they belong to."""
    decisions, intents = computed["decisions"], computed["intents"]
    if kind == "reports":
        plans = intents["plan"][intents["order"] == row["aux"]]
        places = np.flatnonzero(np.isin(decisions["plan"], plans[plans > 0]))
    elif kind == "intents" and row["plan"]:
        places = np.flatnonzero(decisions["plan"] == row["plan"])
    else:
        places = np.flatnonzero(decisions["decision"] == row.get("decision", row.get("order")))
    return _named(decisions, int(places[0])) if len(places) else None


def _named(rows: Rows, row: int) -> dict[str, int] | None:
    if row >= len(rows):
        return None
    return {name: int(rows[row][name]) for name in rows.dtype.names or ()}


def _ts_ns(difference: Difference) -> int:
    name = _TIMES.get(difference.kind, "ts_ns")
    return min(row[name] for row in (difference.journalled, difference.computed) if row)
