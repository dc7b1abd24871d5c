"""A session behind a server: the sandbox as `hfptm sandbox serve` runs it, for tests and tools too.

The exchange's clock is the machine's, or runs from a given start at the same pace. It stands still
at the end of a given duration, so that a run covers exactly that.
"""

from contextlib import ExitStack
from typing import Self

import msgspec

from hfptm import clock
from hfptm.sandbox.listings import Phase
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.sandbox.session import Session, Settings
from hfptm.units import NS_PER_MS, ONE_E6

ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PRIVATE_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
"""A funded account: the first one of the development chain Anvil, known to everybody."""

FUNDS_E6 = 1_000_000 * ONE_E6

STEP_NS = 5 * NS_PER_MS
"""How much of what is due happens at a time, so that an exchange that is late answers soon too."""


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """0 is any free one."""

    clob: int = 0
    gamma: int = 0
    ws: int = 0


ANY_PORTS = Ports()


class Service:
    """Runs within a `with` block, once.

    `start_ns` is where the exchange's clock begins; None: at the present. Raises as `Session` when
    made, and as `Server.start` when entered, before any file is touched.
    """

    def __init__(
        self,
        settings: Settings,
        ports: Ports = ANY_PORTS,
        *,
        start_ns: int | None = None,
        duration_ns: int | None = None,
    ) -> None:
        self.session = Session(settings, clock.wall_ns() if start_ns is None else start_ns)
        self.session.sandbox.fund(ACCOUNT, FUNDS_E6)
        self._is_shifted = start_ns is not None
        self._end_ns = clock.NS_MAX
        if duration_ns is not None:
            self._end_ns = self.session.start_ns + duration_ns
        self._began_ns = 0
        self.server = Server(
            self.session.sandbox,
            now_ns=self._now_ns,
            frames=self.session.feed,
            clob_port=ports.clob,
            gamma_port=ports.gamma,
            ws_port=ports.ws,
        )
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as entered:
            entered.callback(self.session.close)
            entered.enter_context(self.server)
            self.server.run(lambda _: self.session.open_files())
            self._entered = entered.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._entered.close()

    @property
    def is_over(self) -> bool:
        """Whether the duration is over, or serving has failed: leaving the block raises why."""
        return self.session.sandbox.now_ns >= self._end_ns or self.server.has_ended

    @property
    def behind_ns(self) -> int:
        """How late the exchange is, because the machine is too slow for its rate."""
        return max(0, min(self._read_ns(), self._end_ns) - self.session.sandbox.now_ns)

    def open_markets(self) -> int:
        """How many can be traded now."""
        return self.server.run(_open_markets)

    def _now_ns(self) -> int:
        reachable_ns = self.session.sandbox.due_ns() + STEP_NS
        return min(self._read_ns(), self._end_ns, reachable_ns)

    def _read_ns(self) -> int:
        if not self._is_shifted:
            return clock.wall_ns()
        self._began_ns = self._began_ns or clock.monotonic_ns()
        return self.session.start_ns + clock.monotonic_ns() - self._began_ns


def _open_markets(sandbox: Sandbox) -> int:
    return sum(entry.listed.phase is Phase.OPEN for entry in sandbox.catalogue.markets)
