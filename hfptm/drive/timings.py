"""How long it takes in a run until news is here, decided on, answered and final."""

from collections.abc import Sequence

import numpy as np

from hfptm.bulletin import LatencyStatus, latency_status
from hfptm.clock import monotonic_ns
from hfptm.drive.recent_opportunities import joined
from hfptm.engine import Output
from hfptm.histogram import Times, Timing
from hfptm.records import EventKind, IntentKind

ORDERS_MAX = 10_000
"""Whose reports are still waited for: far more than can be open."""


class Timings:
    """`decided` in the loop, all else where there is time; `now_ns` monotonic."""

    def __init__(self) -> None:
        self.decision, self.order, self.confirmation = Timing(), Timing(), Timing()
        self._decided: list[int] = []
        self._sent: dict[int, int] = {}
        self._filled: dict[int, int] = {}

    def decided(self, output: Output, heard_ns: int) -> None:
        """Intents were handed over, of a frame that was received then; monotonic, 0 if of none."""
        if heard_ns and len(output.intents):
            self._decided.append(monotonic_ns() - heard_ns)

    def add(self, outputs: Sequence[Output], now_ns: int) -> None:
        decided, self._decided = self._decided, []
        self.decision.add(np.array(decided, np.int64), now_ns)
        self._send(outputs)
        answered, confirmed = self._hear(outputs)
        self.order.add(answered, now_ns)
        self.confirmation.add(confirmed, now_ns)

    def statuses(self, now_ns: int) -> list[LatencyStatus]:
        timings = ("decision", "order", "confirmation")
        return [latency_status(name, getattr(self, name), now_ns) for name in timings]

    def _send(self, outputs: Sequence[Output]) -> None:
        intents = joined([output.intents for output in outputs])
        placed = intents[intents["kind"] == IntentKind.PLACE]
        self._sent.update(zip(placed["order"].tolist(), placed["ts_ns"].tolist(), strict=True))
        for waiting in (self._sent, self._filled):
            for order in list(waiting)[:-ORDERS_MAX]:
                del waiting[order]

    def _hear(self, outputs: Sequence[Output]) -> tuple[Times, Times]:
        """From orders to their first reports, and from first fills to their confirmations."""
        reports = joined([output.reports for output in outputs])
        answered, confirmed = [], []
        columns = (reports[name].tolist() for name in ("aux", "kind", "ts_recv_ns"))
        for order, kind, ts_recv_ns in zip(*columns, strict=True):
            if order in self._sent:
                answered.append(ts_recv_ns - self._sent.pop(order))
            if kind == EventKind.FILL:
                self._filled.setdefault(order, ts_recv_ns)
            elif kind == EventKind.FILL_CONFIRMED and order in self._filled:
                confirmed.append(ts_recv_ns - self._filled.pop(order))
        return np.array(answered, np.int64), np.array(confirmed, np.int64)
