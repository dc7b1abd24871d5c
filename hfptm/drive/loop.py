"""The one loop of paper trading: what is received becomes rows, rows go through the kernel, and
everything is journalled. No decision is made here.

A row is handled in the call that received it. The simulated venue lives in the engine, so an order
is sent and answered there; where no row comes, `tick` lets time pass.
"""

from collections.abc import Iterable

import msgspec
import numpy as np

from hfptm.drive.inputs import InputLog, Rows
from hfptm.engine import Engine
from hfptm.errors import HfptmError
from hfptm.kernel.plans import Stage
from hfptm.market_rows import payout, rule_changes
from hfptm.normaliser.normaliser import Normaliser
from hfptm.records import EVENT, Control, EventKind
from hfptm.registry import Group, Market

RawRow = tuple[int, int, int, int, int, int, bytes]
"""The columns of a raw row: receive time (UTC, monotonic), line, connection, sequence, kind,
payload."""


class Status(msgspec.Struct):
    """Counts are since the start, but for what is of now."""

    frames: int = 0
    rows: int = 0
    timers: int = 0
    plans: int = 0
    under_way: int = 0
    fills: int = 0
    result_e6: int = 0
    """Realised and marked, since the account began."""
    cash_e6: int = 0
    latch: str = ""
    """Why nothing is bought, in lower case."""


class Loop:
    """`receive` raw rows in order, `tick` every few milliseconds; `held` are the markets in which
    the engine holds something from the start.

    What goes wrong is kept and raised by the next `tick`: who receives goes on.
    """

    def __init__(
        self, engine: Engine, inputs: InputLog, now_ns: int, held: Iterable[Market] = ()
    ) -> None:
        self._status = Status()
        self._engine, self._inputs = engine, inputs
        self._normaliser = Normaliser(())
        self._markets = {market.market: market for market in held}
        self._now_ns = now_ns
        self._failure: HfptmError | OSError | None = None
        self.heard_ns = 0
        """Monotonic time at which the frame that is being handled was received; 0: none is."""

    @property
    def status(self) -> Status:
        """Of now."""
        state = self._engine.state
        account, risk = state.lanes[0], state.risk[0]
        return msgspec.structs.replace(
            self._status,
            plans=int(account["plans"]),
            under_way=int((state.plans[0]["stage"] != Stage.FREE).sum()),
            fills=int(account["fills"]),
            result_e6=int(risk["result_e6"]),
            cash_e6=int(account["cash_e6"]),
            latch=self._engine.risk_state().latch,
        )

    def list_more(self, markets: list[Market], groups: list[Group]) -> None:
        """Before the first row of any of them."""
        for market in markets:
            self._normaliser.add_market(market)
        self._inputs.list_more(markets, groups)
        self._engine.list_more(markets, groups)
        self.update(markets, {})
        self._markets |= {market.market: market for market in markets}

    def update(self, markets: list[Market], paid: dict[int, int]) -> None:
        """Of what is listed: changed fees and delays, and payouts of a YES share in e4."""
        rows: list[Rows] = []
        for market in markets:
            if before := self._markets.get(market.market):
                rows += rule_changes(before, market, self._now_ns)
                self._markets[market.market] = market
        listed = paid.keys() & self._markets.keys()
        rows += [payout(market, paid[market], self._now_ns) for market in sorted(listed)]
        if rows:
            self._feed(np.concatenate(rows))

    def hear(self, reports: Rows) -> None:
        """What became of orders, as rows with lake ids; they come at the loop's own time."""
        self._now_ns = max(self._now_ns, int(reports["ts_recv_ns"].max()))
        reports["ts_recv_ns"] = self._now_ns
        self._feed(reports)

    def control(self, word: Control) -> None:
        """A human's word."""
        row = np.zeros(1, EVENT)
        row["kind"], row["aux"] = EventKind.CONTROL, word
        row["ts_recv_ns"] = row["ts_venue_ns"] = self._now_ns
        self._feed(row)

    def receive(self, row: RawRow) -> None:
        ts_recv_ns, self.heard_ns, line, connection, _, kind, payload = row
        self._now_ns = max(self._now_ns, ts_recv_ns)  # a clock that is set back does not turn time
        self._normaliser.receive(self._now_ns, line, connection, kind, payload)
        self._status.frames += 1
        rows = self._normaliser.take()
        if len(rows):
            self._feed(rows)
        self.heard_ns = 0

    def tick(self, now_ns: int) -> None:
        """Let time pass. Raises what went wrong since the last one."""
        self._normaliser.take_gaps()  # the recorder keeps them; here they would only gather
        self._now_ns = max(self._now_ns, now_ns)
        if self._engine.wake_ns < self._now_ns:
            timer = np.zeros(1, EVENT)
            timer["kind"], timer["ts_recv_ns"] = EventKind.TIMER, self._now_ns
            timer["ts_venue_ns"] = self._now_ns
            self._status.timers += 1
            self._feed(timer)
        self._inputs.tick(self._now_ns)
        if self._failure:
            raise self._failure

    def _feed(self, rows: Rows) -> None:
        if self._failure is None:
            self._status.rows += len(rows)
            try:
                self._inputs.append(rows)
                self._engine.feed(rows)
            except (HfptmError, OSError) as failure:  # OSError: a full disk
                self._failure = failure
