"""Trading as those see it who watch: the loop hands over copies in microseconds, and a thread that
may take its time makes a `Trading` of them."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from hfptm.book_view import book_view
from hfptm.bulletin import BookView, LatencyStatus
from hfptm.drive import account_copy
from hfptm.drive.account_copy import AccountCopy
from hfptm.drive.inputs import Start
from hfptm.drive.loop import Loop
from hfptm.drive.recent_opportunities import RecentOpportunities
from hfptm.drive.recent_plans import Ended, PlanEnds, RecentPlans
from hfptm.drive.timings import Timings
from hfptm.engine import Engine, Output
from hfptm.trading_status import Found, Trading

OUTPUTS_MAX = 20_000
"""That wait to be read; of a thread that hangs for longer the newest are kept."""


class Counted(Protocol):
    """A copy of a tally."""

    def found(self) -> Found: ...


class Copies(NamedTuple):
    """What the loop hands over."""

    account: AccountCopy
    latch: tuple[str, int, int]
    """Why nothing is bought, what was allowed, and what was."""
    counted: Counted
    outputs: Sequence[Output]
    ended: Sequence[Ended]
    books: list[BookView]


class TradingView:
    """`copy_tally` is called in the loop, as `take` and `copies` are; `tell` and `latencies` in the
    thread."""

    def __init__(
        self,
        engine: Engine,
        loop: Loop,
        copy_tally: Callable[[], Counted],
        start: Start,
    ) -> None:
        self._engine, self._loop, self._copy_tally = engine, loop, copy_tally
        self._realised_before_e6 = start.portfolio.realised_e6
        self._timings = Timings()
        self._ends, self._plans = PlanEnds(), RecentPlans()
        self._opportunities = RecentOpportunities()
        self._outputs: deque[Output] = deque(maxlen=OUTPUTS_MAX)

    def take(self, output: Output) -> None:
        """In the engine's sink, as soon as what is to be sent is on its way."""
        self._timings.decided(output, self._loop.heard_ns)
        self._ends.note(self._engine, output)
        self._outputs.append(output)

    def copies(self, watched: Sequence[int]) -> Copies:
        """`watched`: lake ids of the markets whose books are wanted."""
        engine = self._engine
        self._ends.look(engine)
        outputs, self._outputs = self._outputs, deque(maxlen=OUTPUTS_MAX)
        risk, now_ns = engine.risk_state(), int(engine.state.counters[0]["now_ns"])
        books = (book_view(engine.state, engine.slots, market, now_ns) for market in watched)
        return Copies(
            account=account_copy.copy_of(engine),
            latch=(risk.latch, risk.latch_limit, risk.latch_value),
            counted=self._copy_tally(),
            outputs=outputs,
            ended=self._ends.take(),
            books=[book for book in books if book],
        )

    def tell(self, copies: Copies, now_ns: int) -> Trading:
        """Each copy once, in their order; `now_ns` monotonic."""
        account, found = copies.account, copies.counted.found()
        if copies.outputs:
            listed = account.listed, account.events
            self._opportunities.add(copies.outputs, *listed)
            self._plans.add(copies.outputs, *listed)
            self._timings.add(copies.outputs, now_ns)
        self._plans.end(copies.ended)
        positions, positions_count = account_copy.position_views(account)
        latch, latch_limit, latch_value = copies.latch
        pause, paused_until_ns = account_copy.pause(account)
        return Trading(
            counts=account_copy.with_account(found.counts, account),
            kinds=found.kinds,
            money=account_copy.money(account, self._realised_before_e6),
            latch=latch,
            latch_limit=latch_limit,
            latch_value=latch_value,
            pause=pause,
            paused_until_ns=paused_until_ns,
            limits=account_copy.limit_uses(account),
            positions=positions,
            positions_count=positions_count,
            opportunities=self._opportunities.views(),
            plans=self._plans.views(),
            refusals=found.answers,
        )

    def latencies(self, now_ns: int) -> list[LatencyStatus]:
        return self._timings.statuses(now_ns)
