"""The journal digest of every lane of a pass: that of a run of its set alone, row for row."""

import numpy as np
import numpy.typing as npt

from hfptm.engine import Output
from hfptm.journal import ROW_KINDS, Digest
from hfptm.records import LANE_SHIFT
from replay.passes import IDS

Rows = npt.NDArray[np.void]


class LaneDigests:
    """Takes outputs of a pass in order. `rows` counts those of all lanes."""

    def __init__(self, lanes: int) -> None:
        self.rows = 0
        self._digests = [Digest() for _ in range(lanes)]

    def add(self, output: Output) -> None:
        for kind in ROW_KINDS:
            rows: Rows = getattr(output, kind)
            self.rows += len(rows)
            lanes, rows = _by_lane(rows, IDS[kind])
            starts = np.flatnonzero(np.diff(lanes, prepend=-1))
            for lane, part in zip(lanes[starts], np.split(rows, starts[1:]), strict=False):
                self._digests[int(lane)].update(kind, part)

    def hex(self) -> list[str]:
        """Of each lane, as `journal.Digest.hex`."""
        return [digest.hex() for digest in self._digests]


def _by_lane(rows: Rows, name: str) -> tuple[npt.NDArray[np.int64], Rows]:
    """The lane of each row, and the rows as their set alone would have them, lane after lane."""
    lanes = rows[name] >> LANE_SHIFT
    order = np.argsort(lanes, kind="stable")
    # As plain bytes: numpy copies rows with fields one field at a time.
    plain = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.dtype.itemsize)))
    own = plain[order].view(rows.dtype)
    own[name] &= (1 << LANE_SHIFT) - 1
    if "lane" in (own.dtype.names or ()):
        own["lane"] = 0
    return lanes[order], own
