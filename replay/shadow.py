"""Shadow trades: real orders sent once more, as ours, into the simulated venue.

Each is a FAK order for the printed size at the worst printed price. It arrives a nanosecond before
the exchange's time of its prints, with no latency and no taker delay, so it meets the book as the
recording shows it just before; what it finds is decided by the code that fills orders in a replay
(`hfptm.sim`). Each is tried alone: what an earlier one took is there again, since the recording
shows what the real one took.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.engine import Engine, Output
from hfptm.kernel.jit import as_records
from hfptm.latency import latencies_of
from hfptm.limits import Limits
from hfptm.parameters import ParameterSet
from hfptm.records import (
    EVENT,
    INTENT,
    LANE_SHIFT,
    EventFlag,
    EventKind,
    IntentKind,
    OrderType,
    RejectReason,
    Side,
    Token,
)
from hfptm.registry import Group, Market
from hfptm.risk_state import RiskState
from hfptm.sim.state import PLENTY_E6
from hfptm.slots import NOBODY
from hfptm.units import NS_PER_MS, NS_PER_S
from hfptm.venue.orders import SHARE_STEP_E6
from replay.prints import Order, orders_in

Rows = npt.NDArray[np.void]

HOLD_NS = 30 * NS_PER_S
"""How much later than the change that it caused a print may be received."""

MOVED_NS = 100 * NS_PER_MS
"""A level that changed so shortly before the print may have changed by this very trade."""

_LOOK_BACK_NS = 5 * NS_PER_S
"""How far back by receive time such a change is looked for."""

_NOT_OURS = 1 << LANE_SHIFT
"""Order ids of a lane that the kernel does not have: it ignores their reports."""


class Miss(StrEnum):
    """Why the simulated venue filled less than the exchange did."""

    UNSEEN = "unseen"
    """The book just before was not recorded, or not to be trusted."""
    CLOSED = "closed"
    """The recording says that the market took no orders."""
    MOVED = "moved"
    """The printed level changed, or a full book was sent, within 100 ms before: the exchange stamps
    the trade later than what it changed, or somebody was faster."""
    NO_LEVEL = "no_level"
    """Nothing at the printed price or better was on the book."""
    THIN = "thin"
    """The price was there, the size was not."""


class Shadow(NamedTuple):
    """A real order beside ours. `filled_e6`: shares of its size, never more."""

    order: Order
    is_turned: bool
    """The book says that the taker took the other side than the exchange printed."""
    filled_e6: int
    extra_e10: int
    """What ours paid more, or got less, for these than the prints of as many, price_e4 x size_e6;
    negative: ours was better off."""
    miss: Miss | None
    """None if all was filled, but for less than a hundredth of a share."""


Sink = Callable[[Shadow], None]


class _Pending:
    __slots__ = ("fills", "miss", "order", "side")

    def __init__(self, order: Order, side: Side, miss: Miss) -> None:
        self.order = order
        self.side = side
        self.miss = miss
        """If it is not filled, and the venue gives no better reason."""
        self.fills: list[tuple[int, int]] = []


class ShadowTrades:
    """Blocks of the tape in order; every real order's shadow goes to `sink`.

    print_lag_ns: how much later than its match the exchange stamps a print. Memory holds 30 s of
    the tape and a block.
    """

    def __init__(
        self,
        markets: Iterable[Market],
        groups: Iterable[Group],
        limits: Limits,
        sink: Sink,
        print_lag_ns: int = 0,
    ) -> None:
        limits = _without_latency(limits)
        self._sink = sink
        self._print_lag_ns = print_lag_ns
        self._pending: dict[int, _Pending] = {}
        self._sent = 0
        self._held: Rows = np.zeros(0, EVENT)
        self._done: set[tuple[int, int, int]] = set()
        self._engine = Engine(
            [msgspec.structs.replace(market, game_delay_ms=0) for market in markets],
            groups,
            [ParameterSet(limits, latencies_of(limits).draws)],
            self._hear,
            RiskState(latch="stopped"),  # the kernel's own orders have no place here
        )

    def feed(self, rows: Rows) -> None:
        """(n,) EVENT of lake ids. The newest 30 s wait: prints come after what they changed."""
        rows = rows[rows["kind"] != EventKind.DELAY]
        rows["ts_venue_ns"][rows["kind"] == EventKind.TRADE] -= self._print_lag_ns
        self._held = np.concatenate([self._held, rows])
        if len(self._held):
            times_ns = self._held["ts_recv_ns"]
            self._release(int(np.searchsorted(times_ns, times_ns[-1] - HOLD_NS)))

    def finish(self) -> None:
        self._release(len(self._held))
        self._engine.finish()

    def _release(self, count: int) -> None:
        """Run the first rows that are held, and the orders that met the book among them."""
        start = 0
        for place, order in orders_in(self._held):
            if place < count and order.key not in self._done:
                self._run(start, place)
                self._send(order, place)
                self._done.add(order.key)
                start = place
        self._run(start, count)
        self._held = self._held[count:]
        trades = self._held[self._held["kind"] == EventKind.TRADE]
        self._done &= set(trades[["market", "ts_venue_ns", "side"]].tolist())

    def _run(self, start: int, stop: int) -> None:
        if start < stop:
            self._engine.feed(self._held[start:stop].copy())

    def _send(self, order: Order, place: int) -> None:
        slot = self._tick(order.market, place)
        if slot == NOBODY:  # of a market without metadata
            return
        side = self._side(order, slot)
        self._sent += 1
        number = _NOT_OURS + self._sent
        self._pending[number] = _Pending(order, side, self._why_not(order, side, slot, place))
        state = self._engine.state
        sim = self._engine.sim
        sim.taken["key"] = 0
        sim.purses["cash_e6"] = sim.holdings["settled_e6"] = PLENTY_E6
        intent = as_records(state.intents[state.outbox[0]["intents"] :][:1])
        intent[:] = _intent(order, side, number, slot)
        state.outbox[0]["intents"] += 1
        self._tick(order.market, place)

    def _tick(self, market: int, place: int) -> int:
        """Let the venue look at what was sent; the market's slot."""
        timer = np.zeros(1, EVENT)
        timer["kind"], timer["market"] = EventKind.TIMER, market
        timer["ts_recv_ns"] = timer["ts_venue_ns"] = self._held[place]["ts_recv_ns"]
        self._engine.feed(timer)
        return int(timer["market"][0])

    def _side(self, order: Order, slot: int) -> Side:
        """The printed one, unless the price is on the other side of the book.

        The exchange's word is right 59 % of the time only (reference, section 1.3).
        """
        bid_e4, ask_e4 = self._best_e4(slot)
        if bid_e4 < ask_e4:
            if order.side == Side.BID and order.limit_e4 <= bid_e4:
                return Side.ASK
            if order.side == Side.ASK and order.limit_e4 >= ask_e4:
                return Side.BID
        return order.side

    def _best_e4(self, slot: int) -> tuple[int, int]:
        market = self._engine.state.markets[slot]
        return int(market["best_bid_e4"]), int(market["best_ask_e4"])

    def _why_not(self, order: Order, side: Side, slot: int, place: int) -> Miss:
        """What it would be if the order were not filled whole."""
        bid_e4, ask_e4 = self._best_e4(slot)
        limit_e4 = _turned(order, side).limit_e4
        if self._moved(order, 1 - side, limit_e4, place):
            return Miss.MOVED
        is_there = ask_e4 <= limit_e4 if side == Side.BID else bid_e4 >= limit_e4
        return Miss.THIN if is_there else Miss.NO_LEVEL

    def _moved(self, order: Order, book_side: int, limit_e4: int, place: int) -> bool:
        times_ns = self._held["ts_recv_ns"]
        start = int(np.searchsorted(times_ns, times_ns[place] - _LOOK_BACK_NS))
        before = self._held[start:place]
        is_level = (
            (before["kind"] == EventKind.LEVEL)
            & (before["side"] == book_side)
            & (before["price_e4"] == limit_e4)
            & (before["flags"] & EventFlag.SNAPSHOT == 0)
        )
        is_change = is_level | (before["kind"] == EventKind.SNAPSHOT)
        changes = before[is_change & (before["market"] == order.market)]
        return bool(np.any(changes["ts_venue_ns"] >= order.ts_venue_ns - MOVED_NS))

    def _hear(self, output: Output) -> None:
        for row in output.reports:
            pending = self._pending.get(int(row["aux"]))
            if pending is None:
                continue
            if row["kind"] == EventKind.FILL:
                pending.fills.append((int(row["price_e4"]), int(row["size_e6"])))
            elif row["kind"] in (EventKind.DONE, EventKind.REJECT):
                del self._pending[int(row["aux"])]
                if row["kind"] == EventKind.REJECT:
                    pending.miss = _MISSES.get(int(row["price_e4"]), pending.miss)
                self._sink(_shadow(pending))


_MISSES = {int(RejectReason.NO_BOOK): Miss.UNSEEN, int(RejectReason.MARKET_CLOSED): Miss.CLOSED}


def _without_latency(limits: Limits) -> Limits:
    names = ("entry_latency", "matching_delay", "response_latency")
    zeros = {f"{name}{ending}_ns": 0 for name in names for ending in ("", "_p99")}
    return msgspec.structs.replace(
        limits,
        **zeros,
        measured_requests="",
        taker_delay_ns=0,
        restarts_ns=(),
        settlement_failure_e4=0,
        quiet_grace_ns=3_600 * NS_PER_S,  # its own print ends every order's waiting
    )


def _turned(order: Order, side: Side) -> Order:
    return order._replace(side=side)


def _intent(order: Order, side: Side, number: int, slot: int) -> Rows:
    row = np.zeros(1, INTENT)
    row["ts_ns"] = order.ts_venue_ns - 1
    row["order"], row["market"], row["size_e6"] = number, slot, order.size_e6
    row["price_e4"] = _turned(order, side).limit_e4
    row["kind"], row["order_type"] = IntentKind.PLACE, OrderType.FAK
    row["side"], row["token"] = side, Token.YES
    return row


def _shadow(pending: _Pending) -> Shadow:
    order, sign = pending.order, 1 if pending.side == Side.BID else -1
    filled_e6 = min(sum(size_e6 for _, size_e6 in pending.fills), order.size_e6)
    best_first = sorted(order.prints, key=lambda printed: sign * printed[0])
    extra_e10 = sign * (_first_e10(pending.fills, filled_e6) - _first_e10(best_first, filled_e6))
    is_whole = order.size_e6 - filled_e6 < SHARE_STEP_E6
    miss = None if is_whole else pending.miss
    return Shadow(order, pending.side != order.side, filled_e6, extra_e10, miss)


def _first_e10(trades: Iterable[tuple[int, int]], size_e6: int) -> int:
    """What the first so many shares cost."""
    total_e10 = 0
    for price_e4, of_price_e6 in trades:
        used_e6 = min(of_price_e6, size_e6)
        total_e10 += price_e4 * used_e6
        size_e6 -= used_e6
    return total_e10
