"""A run computed once more from what its kernel was given: the same rows must come out."""

from pathlib import Path

import msgspec
import numpy as np

from hfptm.drive.inputs import PAPER, Rows, read_start
from hfptm.engine import Output
from hfptm.journal import DTYPES, ROW_KINDS, RowKind, read_run
from replay.rerun import rerun


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first row that is not the same; None where one side has ended."""

    kind: RowKind
    row: int
    journalled: dict[str, int] | None
    computed: dict[str, int] | None
    commit: str | None
    """Of the code that wrote the journal."""


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
    if read_start(run.path).mode == PAPER:
        engine.finish()
    difference = None
    for kind in ROW_KINDS:
        found = np.concatenate([np.zeros(0, DTYPES[kind]), *(getattr(o, kind) for o in outputs)])
        difference = difference or _first(kind, run.rows(kind), found, run.version.commit)
    return Parity(
        run_id=run_id,
        inputs=engine.rows,
        rows={kind: len(run.rows(kind)) for kind in ROW_KINDS},
        difference=difference,
    )


def _first(kind: RowKind, journalled: Rows, found: Rows, commit: str | None) -> Difference | None:
    both = min(len(journalled), len(found))
    opaque = np.dtype((np.void, DTYPES[kind].itemsize))
    first, second = (rows[:both].copy().view(opaque) for rows in (journalled, found))
    wrong = np.flatnonzero(first != second)
    if len(wrong) == 0 and len(journalled) == len(found):
        return None
    row = int(wrong[0]) if len(wrong) else both
    return Difference(
        kind=kind,
        row=row,
        journalled=_named(journalled, row),
        computed=_named(found, row),
        commit=commit,
    )


def _named(rows: Rows, row: int) -> dict[str, int] | None:
    if row >= len(rows):
        return None
    return {name: int(rows[row][name]) for name in rows.dtype.names or ()}
