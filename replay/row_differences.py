"""Rows that a run was given and rows that were recorded meanwhile: which are not in both."""

from collections import Counter
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.clock import NS_MAX
from hfptm.drive.inputs import Rows
from hfptm.records import EVENT, EventKind
from replay.listed import Listed
from replay.row_text import InputLine, input_line

_WORDS = EVENT.itemsize // 8
_RECV = 0
"""Place of `ts_recv_ns` among the words of a row."""

Places = npt.NDArray[np.intp]


class RowDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One row; None where it is not."""

    in_run: InputLine | None
    in_recording: InputLine | None
    """With both, the same row was there at another time."""


class RowDifferences(NamedTuple):
    """By when they were first there; `subject` is the lake id of the market."""

    same: int
    ts_ns: npt.NDArray[np.int64]
    subject: npt.NDArray[np.int64]
    in_run: Rows
    in_recording: Rows
    """Zeros, as in `in_run`, where there is none."""

    def counts(self) -> dict[str, int]:
        """By kind and place, such as "level only_run"."""
        total: Counter[str] = Counter()
        for mine, other in zip(self.in_run["kind"], self.in_recording["kind"], strict=True):
            where = (
                "at_another_time" if mine and other else "only_run" if mine else "only_recording"
            )
            total[f"{EventKind(mine or other).name.lower()} {where}"] += 1
        return dict(sorted(total.items()))

    def last_before(self, ts_ns: int, subjects: set[int]) -> int | None:
        """The last by then of these markets, of any if of them there is none."""
        until = int(np.searchsorted(self.ts_ns, ts_ns, "right"))
        own = np.flatnonzero(np.isin(self.subject[:until], list(subjects)))
        if len(own):
            return int(own[-1])
        return until - 1 if until else None

    def told(self, place: int, listed: Listed) -> RowDifference:
        pair = [rows[place] for rows in (self.in_run, self.in_recording)]
        lines = [input_line(row, listed) if row["kind"] else None for row in pair]
        return RowDifference(in_run=lines[0], in_recording=lines[1])


def row_differences(run: Rows, recording: Rows) -> RowDifferences:
    """Both sorted by receive time."""
    mine, others = _surplus(_words(run), _words(recording))
    left, more = run[mine], recording[others]
    timeless = _words(left), _words(more)
    for words in timeless:
        words[:, _RECV] = 0
    only_mine, only_others = _surplus(*timeless)
    moved = np.delete(np.arange(len(left)), only_mine), np.delete(np.arange(len(more)), only_others)
    pairs = _aligned(timeless[0][moved[0]]), _aligned(timeless[1][moved[1]])
    parts = [
        (left[moved[0]][pairs[0]], more[moved[1]][pairs[1]]),
        (left[only_mine], np.zeros(len(only_mine), EVENT)),
        (np.zeros(len(only_others), EVENT), more[only_others]),
    ]
    in_run, in_recording = (np.concatenate(side) for side in zip(*parts, strict=True))
    times = [np.where(rows["kind"], rows["ts_recv_ns"], NS_MAX) for rows in (in_run, in_recording)]
    ts_ns = np.minimum(*times)
    order = np.argsort(ts_ns, kind="stable")
    return RowDifferences(
        same=len(run) - len(mine),
        ts_ns=ts_ns[order],
        subject=np.where(in_run["kind"], in_run["market"], in_recording["market"])[order],
        in_run=in_run[order],
        in_recording=in_recording[order],
    )


def _words(rows: Rows) -> npt.NDArray[np.int64]:
    """Each row as whole words of its bytes, copied."""
    return np.frombuffer(rows.tobytes(), np.int64).reshape(len(rows), _WORDS).copy()


def _surplus(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> tuple[Places, Places]:
    """Places of the rows that each has more often than the other, in order; the later of equals."""
    both = np.concatenate([one, other])
    if len(both) == 0:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    order = np.lexsort(both.T[::-1])
    ordered = both[order]
    is_new = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    group = np.cumsum(is_new) - 1
    is_one = order < len(one)
    counts = [np.bincount(group[mask], minlength=group[-1] + 1) for mask in (is_one, ~is_one)]
    common = np.minimum(*counts)
    starts = np.flatnonzero(is_new)
    rank = np.arange(len(order)) - starts[group]
    rank -= np.where(is_one, 0, counts[0][group])
    surplus = order[rank >= common[group]]
    return np.sort(surplus[surplus < len(one)]), np.sort(surplus[surplus >= len(one)]) - len(one)


def _aligned(words: npt.NDArray[np.int64]) -> Places:
    """An order in which two sides of the same rows stand side by side."""
    return np.lexsort(words.T[::-1])
