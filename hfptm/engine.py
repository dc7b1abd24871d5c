"""Kernel and simulated venue behind one call: blocks of lake rows in, journal rows out.

Replay and paper drive this same object; it holds no decision and knows no file, clock or socket.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hfptm.errors import CapacityError
from hfptm.kernel.jit import Array, as_records, is_cached, records
from hfptm.kernel.lane import KINDS, PARAMS
from hfptm.kernel.state import GRID_MAX, Capacity, digest_parts, new_state, with_levels
from hfptm.opportunities import DECISION, OUTCOME
from hfptm.parameters import ParameterSet, lanes_params, lanes_windows
from hfptm.portfolio import Portfolio, fund, portfolio_of, seat
from hfptm.records import EVENT, INTENT, Control, EventFlag, EventKind
from hfptm.registry import Group, Market
from hfptm.risk_state import RiskState, restore, risk_state
from hfptm.sim.layouts import PROBES_MAX
from hfptm.sim.names import name_outputs
from hfptm.sim.restarts import DOWN_NS
from hfptm.sim.run import run_rows
from hfptm.sim.state import CLOCK, DRAW, LATENCIES, WINDOWS, new_sim, with_probes
from hfptm.slots import NOBODY, Slots
from hfptm.traits import traits_of

Rows = npt.NDArray[np.void]
Money = npt.NDArray[np.int64]

MARKET_SLOTS_MAX = 20_000
"""Markets open at once; the exchange had about 12,000 active in 2026 (reference, section 9)."""

TURNS_MAX = 8
"""Round trips after the last row: an entry, and unwinding orders one after the other."""

_STATE = int(EventKind.STATE)
_MARKET, _KIND = (list(EVENT.fields or ()).index(name) for name in ("market", "kind"))
"""Places in `rows.item(index)`, which is what Python reads of a row: `rows[index]["kind"]` takes
several times as long."""

_OUTCOMES, _DELIVERED = (list(CLOCK.fields or ()).index(name) for name in ("outcomes", "delivered"))


class Output(NamedTuple):
    """Journal rows since the last call, with lake ids in `market`."""

    intents: Rows
    decisions: Rows
    outcomes: Rows
    reports: Rows


_NOTHING = Output(*(np.zeros(0, dtype) for dtype in (INTENT, DECISION, OUTCOME, EVENT)))


def is_compiled() -> bool:
    """Whether this machine holds the compiled kernels of this version, or needs none."""
    return is_cached(run_rows)


def compile_kernels() -> None:
    """Compile what `Engine` runs, once on a machine, in about a minute; then nothing to do."""
    state = new_state(Capacity(markets=1, groups=1), records(PARAMS, 1))
    sim = new_sim(1, records(WINDOWS, 1), records(DRAW, (1, 1)))
    run_rows(state.table, sim.table, records(EVENT, 0), 0, 0)
    slots = Slots((), (), market_slots=1, group_slots=1)
    name_outputs(state.table, sim.table, slots.market_ids, slots.group_ids)
    slots.define(0, 0)
    slots.translate(records(EVENT, 0), 0, 0)


class Engine:
    """One lane for each of `sets`; none sees another, and each does what it would do alone. What a
    market is (`hfptm.traits`) and when the exchange restarts, the first set says for all.

    `sink` receives an `Output` whenever there is something to journal, of all lanes; `risk` and
    `portfolio` are what an earlier run left, for one lane alone (else CapacityError); `spare_slots`
    are kept for markets and groups that are listed later. Where `orders_leave` their reports are
    fed like all other rows, and the simulated venue only measures what was there at arrival."""

    def __init__(
        self,
        markets: Iterable[Market],
        groups: Iterable[Group],
        sets: Sequence[ParameterSet],
        sink: Callable[[Output], None],
        risk: RiskState | None = None,
        *,
        portfolio: Portfolio | None = None,
        spare_slots: int = 0,
        orders_leave: bool = False,
    ) -> None:
        markets, groups = list(markets), list(groups)
        limits, lanes = sets[0].limits, len(sets)
        if lanes > 1 and (risk or portfolio):
            raise CapacityError("lanes that go on from an earlier run", 1, "run each by itself")
        market_slots = min(len(markets) + spare_slots, MARKET_SLOTS_MAX) + 1
        group_slots = min(len(groups) + spare_slots, market_slots) + 1
        capacity = Capacity(markets=market_slots, groups=group_slots, lanes=lanes)
        self.state = new_state(capacity, lanes_params(sets))
        self.sim = new_sim(
            market_slots,
            lanes_windows(sets),
            [one.draws for one in sets],
            limits.restarts_ns,
            has_plenty=False,
        )
        self.sim.purses["cash_e6"] = self.state.params["bankroll_e6"]
        self.sim.clock["orders_leave"] = int(orders_leave)
        self.slots = Slots(
            markets, groups, market_slots, group_slots, partial(traits_of, limits=limits)
        )
        self._sets = sets
        self._realised: dict[int, Money] = {}
        self._sink = sink
        self.first_ns = 0
        self.last_row_ns = 0
        self.rows = 0
        self._unseated = portfolio
        if portfolio:
            fund(self.state, self.sim, portfolio)
        if risk:
            restore(self.state, risk)

    @property
    def wake_ns(self) -> int:
        """When something is due, of the venue or of the kernel; FAR_NS if nothing is.

        No row may come by then: whoever drives it in real time feeds a TIMER row.
        """
        return min(int(self.sim.clock[0]["wake_ns"]), int(self.state.counters[0]["wake_ns"]))

    def list_more(self, markets: Iterable[Market], groups: Iterable[Group]) -> None:
        """From now on; what is listed already stays as it was."""
        self.slots.list_more(markets, groups)

    def control(self, word: Control, ts_ns: int) -> None:
        """A human's word, at a receive time no earlier than the last row's."""
        self._tell(EventKind.CONTROL, word, ts_ns)

    def gas_price(self, price_wei: int, ts_ns: int) -> None:
        """What the chain asks for a unit of gas, at a receive time no earlier than the last row's.

        Only where merges are ours to pay; nobody says it in a replay, and then it binds nothing.
        """
        self._tell(EventKind.GAS, price_wei, ts_ns)

    def _tell(self, kind: EventKind, aux: int, ts_ns: int) -> None:
        row = records(EVENT, 1)
        row["kind"], row["market"], row["aux"] = kind, NOBODY, aux
        row["ts_recv_ns"] = row["ts_venue_ns"] = ts_ns
        self._run(row, 0, 1)
        self._drain()

    def realised_by_market(self) -> dict[int, Money]:
        """Micro-dollars by lake id, (L,), since this engine began: together `lanes.realised_e6`.

        Of a basket each market has its part: what it cost, and an equal share of what all paid.
        """
        realised = dict(self._realised)
        for slot in np.flatnonzero(self.state.realised.any(axis=1)).tolist():
            market = int(self.slots.market_ids[slot])
            realised[market] = realised.get(market, 0) + self.state.realised[slot]
        return realised

    def risk_state(self) -> RiskState:
        return risk_state(self.state)

    def portfolio(self) -> Portfolio:
        """What is held; nothing is under way, as after `finish`."""
        return self._unseated or portfolio_of(self.state, self.slots)

    def feed(self, rows: Rows) -> None:
        """Apply lake rows in order; their `market` column is overwritten."""
        stop = len(rows)
        if stop == 0:
            return
        rows = as_records(rows)
        if self._unseated:
            self._seat(self._unseated, rows.item(0)[0])
        self.rows += stop
        self.last_row_ns = rows.item(stop - 1)[0]
        self.first_ns = self.first_ns or rows.item(0)[0]
        start = 0
        while start < stop:
            end = self.slots.translate(rows, start, stop)
            if end == start:
                self._drain()  # its market may take a slot whose former rows still wait for names
                row = rows.item(start)
                self._define(row[_MARKET], row[0])
            else:
                self._apply(rows, start, end)
                start = end
        self._drain()

    def _define(self, market: int, now_ns: int) -> None:
        """Give a market a slot; what the one before it realised there is kept."""
        before = self.slots.market_ids.copy()
        definition = self.slots.define(market, now_ns)
        for slot in np.flatnonzero(before != self.slots.market_ids).tolist():
            if self.state.realised[slot].any():
                gone = int(before[slot])
                self._realised[gone] = self._realised.get(gone, 0) + self.state.realised[slot]
                self.state.realised[slot] = 0
        self._run(definition, 0, len(definition))

    def _seat(self, portfolio: Portfolio, now_ns: int) -> None:
        """What is held gets its slots before the first row; markets as they are listed by then."""
        self._unseated = None
        self.slots.list_more(portfolio.markets, portfolio.groups)
        for market in portfolio.markets:
            self._define(market.market, now_ns)
        seat(self.state, self.sim, self.slots, portfolio, now_ns)

    def finish(self) -> None:
        """Let everything that is under way come back: time passes, no market changes."""
        timers = records(EVENT, TURNS_MAX * len(self._sets))
        waits_ns = np.array([self._wait_ns(one) for one in self._sets])
        turns, lanes = np.divmod(np.arange(len(timers)), len(self._sets))
        timers["kind"], timers["market"], timers["size_e6"] = EventKind.TIMER, NOBODY, lanes + 1
        timers["ts_recv_ns"] = self.last_row_ns + (turns + 1) * waits_ns[lanes]
        is_last = (turns == TURNS_MAX - 1) & (waits_ns[lanes] < waits_ns.max())
        timers["flags"][is_last] = EventFlag.LAST_IN_BATCH
        timers["ts_venue_ns"] = timers["ts_recv_ns"]
        timers = as_records(timers[np.argsort(timers["ts_recv_ns"], kind="stable")])
        self._run(timers, 0, len(timers))
        self._drain()

    def _wait_ns(self, one: ParameterSet) -> int:
        """Longer than anything that a lane begins is under way."""
        limits = one.limits
        slowest_ns = sum(int(one.draws[name].max()) for name in LATENCIES)
        game_delays_ns = self.state.markets["game_delay_ns"]
        slowest_ns += max(limits.taker_delay_ns, int(game_delays_ns.max()))
        slowest_ns += limits.settlement_ns + DOWN_NS
        return slowest_ns + limits.quiet_grace_ns + limits.print_window_ns + 1

    def digest(self, journal: str) -> str:
        """SHA-256 of the journal's digest and the kernel's state."""
        digest = hashlib.sha256(journal.encode())
        for part in digest_parts(self.state):
            digest.update(part)
        return digest.hexdigest()

    def _apply(self, rows: Rows, start: int, end: int) -> None:
        """Run rows[start:end], of which only the last can be a STATE row."""
        self._run(rows, start, end)
        if rows.item(end - 1)[_KIND] == _STATE:
            last = rows[end - 1]
            self.slots.note_state(last, int(self.slots.market_ids[last["market"]]))

    def _run(self, rows: Rows, start: int, end: int) -> None:
        while start < end:
            stop = run_rows(self.state.table, self.sim.table, rows, start, end)
            if stop < end:
                self._make_room(stuck=stop == start)
            start = stop

    def _make_room(self, *, stuck: bool) -> None:
        drained, sim = self._drain(), self.sim
        least_probes = int(sim.clock[0]["probes"]) + len(sim.purses) * KINDS
        if self.state.counters[0]["levels_used"] + GRID_MAX > len(self.state.levels):
            self.state = with_levels(self.state, 2 * len(self.state.levels))
        elif len(sim.probes) < min(least_probes, len(sim.purses) * PROBES_MAX):
            self.sim = with_probes(sim, 2 * len(sim.probes))
        elif stuck and not drained:
            raise CapacityError(
                "orders under way at once", len(self.sim.items), "raise trading.min_edge"
            )

    def _drain(self) -> bool:
        """Hand out what the buffers hold; False if that was nothing."""
        state, sim, slots = self.state, self.sim, self.slots
        intents, decisions = state.outbox.item(0)
        clock = sim.clock.item(0)
        outcomes, delivered = clock[_OUTCOMES], clock[_DELIVERED]
        if not (intents or decisions or outcomes or delivered):
            return False
        name_outputs(state.table, sim.table, slots.market_ids, slots.group_ids)
        output = Output(
            intents=_copy(state.intents, intents, _NOTHING.intents),
            decisions=_copy(state.decisions, decisions, _NOTHING.decisions),
            outcomes=_copy(sim.outcomes, outcomes, _NOTHING.outcomes),
            reports=_copy(sim.delivered, delivered, _NOTHING.reports),
        )
        self._sink(output)
        return True


def _copy(rows: Array, count: int, nothing: Rows) -> Rows:
    """The first `count`, as plain bytes: numpy copies rows with fields one field at a time."""
    if count == 0:
        return nothing
    return np.frombuffer(bytearray(rows[:count].tobytes()), nothing.dtype)
