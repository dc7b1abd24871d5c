"""A made-up line to one watcher: frames arrive late, in order, and for a while not at all."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from hfptm.units import NS_PER_MS

DELAY_MEDIAN_NS = 20 * NS_PER_MS
_DELAY_SIGMA = 0.35
_FRAME_GAP_NS = 40_000
"""Between frames of one batch as they arrive."""


class FrameRecord(msgspec.Struct, frozen=True):
    """One line of `frames.jsonl.gz`; a new `connection` means the one before has ended."""

    ts_recv_ns: int
    connection: int
    seq: int
    source: str
    payload: str


class Line:
    """Delays are lognormal, drawn by a seed for each batch; `records` is what has arrived."""

    def __init__(self, seed: int, down_ns: Sequence[int]) -> None:
        self.records: list[FrameRecord] = []
        self._rng = np.random.default_rng(seed)
        self._breaks_ns, self._back_ns = down_ns
        self._connection = 1
        self._ts_recv_ns = 0

    def is_back(self, ts_ns: int) -> bool:
        """Whether the line is just up again; true once, and from then on it is another one."""
        if self._connection > 1 or ts_ns < self._back_ns:
            return False
        self._connection += 1
        return True

    def deliver(self, frames: Sequence[str], ts_ns: int) -> None:
        """Frames that the exchange sent at one time; lost while the line is down."""
        if self._breaks_ns <= ts_ns < self._back_ns:
            return
        delay_ns = int(self._rng.lognormal(math.log(DELAY_MEDIAN_NS), _DELAY_SIGMA))
        ts_recv_ns = max(ts_ns + delay_ns, self._ts_recv_ns + _FRAME_GAP_NS)
        for payload in frames:
            self._ts_recv_ns = ts_recv_ns
            seq = len(self.records)
            self.records.append(FrameRecord(ts_recv_ns, self._connection, seq, "ws", payload))
            ts_recv_ns += _FRAME_GAP_NS
