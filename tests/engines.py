"""An engine whose outputs are kept, and the smallest tape on which it trades."""

from collections.abc import Callable, Sequence

import numpy as np

from hfptm.config import limits, load
from hfptm.engine import Engine, Output, Rows
from hfptm.journal import Digest
from hfptm.latency import latencies_of
from hfptm.parameters import ParameterSet
from hfptm.portfolio import Portfolio
from hfptm.records import EVENT, EventFlag, EventKind, MarketState, Side
from hfptm.registry import Group, Market, market_id
from hfptm.risk_state import RiskState
from hfptm.units import ONE_E6, pack_best
from tests.tapes import Row

LAST = int(EventFlag.LAST_IN_BATCH)


class Recorder(Engine):
    """An engine whose outputs are kept."""

    def __init__(
        self,
        markets: list[Market],
        groups: list[Group],
        *overrides: str,
        risk: RiskState | None = None,
        portfolio: Portfolio | None = None,
        spare_slots: int = 0,
        orders_leave: bool = False,
    ) -> None:
        self.outputs: list[Output] = []
        settings = limits(load(None, overrides, {}))
        self.sink: Callable[[Output], None] = self.outputs.append
        super().__init__(
            markets,
            groups,
            [ParameterSet(settings, latencies_of(settings).draws)],
            lambda output: self.sink(output),
            risk,
            portfolio=portfolio,
            spare_slots=spare_slots,
            orders_leave=orders_leave,
        )

    def run(self, rows: Rows, cuts: Sequence[int] = ()) -> "Recorder":
        start = 0
        for stop in [*sorted(cuts), len(rows)]:
            self.feed(rows[start:stop].copy())
            start = stop
        self.finish()
        return self

    def rows_of(self, kind: str) -> Rows:
        return np.concatenate([getattr(output, kind) for output in self.outputs])

    def whole_digest(self) -> str:
        journal = Digest()
        for output in self.outputs:
            for kind in Output._fields:
                journal.update(kind, getattr(output, kind))  # type: ignore[arg-type]
        return self.digest(journal.hex())


def crossed_market(slug: str, start_ns: int) -> list[Row]:
    """A book, a confirmed cross, its end, and the resolution a second later."""
    market = market_id(slug)

    def row(after_ms: int, kind: EventKind, **fields: int) -> Row:
        ts_ns = start_ns + after_ms * 1_000_000
        values = dict.fromkeys(("size_e6", "aux", "price_e4", "flags", "side"), 0) | fields
        return Row(ts_recv_ns=ts_ns, ts_venue_ns=ts_ns, market=market, kind=kind, **values)

    def level(after_ms: int, side: Side, price_e4: int, shares: int, best: tuple[int, int]) -> Row:
        flags = LAST | EventFlag.BEST_YES
        fields = {"price_e4": price_e4, "size_e6": shares * ONE_E6, "aux": pack_best(*best)}
        return row(after_ms, EventKind.LEVEL, side=side, flags=flags, **fields)

    return [
        row(0, EventKind.SNAPSHOT, flags=EventFlag.SNAPSHOT),
        level(0, Side.BID, 4_000, 100, (4_000, 10_000)),
        level(1, Side.ASK, 5_000, 100, (4_000, 5_000)),
        level(2, Side.BID, 6_000, 100, (6_000, 5_000)),
        level(400, Side.BID, 6_000, 0, (4_000, 5_000)),
        row(1_400, EventKind.STATE, aux=MarketState.RESOLVED, price_e4=10_000),
    ]


def tape_of(rows: Sequence[Row]) -> Rows:
    return np.array([tuple(row) for row in rows], EVENT)
