"""`hfptm live` killed over and over in the middle of its plans, begun again each time, and judged
by what the exchange did.

`python -m tests.killed_live SEED KILLS` does so, and prints a `Verdict` as a line of JSON. Odd
seeds are under faults, from each first order until the next run has begun.
"""

import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from hfptm.clock import monotonic_ns
from hfptm.drive.inputs import read_inputs
from hfptm.journal import run_ids
from hfptm.records import Control, EventKind
from hfptm.sandbox.service import ACCOUNT
from hfptm.secrets import Secret, Secrets
from hfptm.units import NS_PER_S
from tests.e2e.command import process
from tests.e2e.flip import CONFIRMED, PAPER_RUN, allow
from tests.exchange_ledger import ExchangeLedger
from tests.judged import judged
from tests.live_faults import faults_of
from tests.lived import SETTINGS, addresses, secrets_of, service_of, stop_fault
from tests.planted import options

BEGUN_S = 90.0
"""Until an order is accepted; no measure of anything, but nothing hangs."""
LONGEST_S = 0.6
"""From an accepted order to the kill: its trade is final after 2 s, so its plan is under way."""
EARLY_SHARE, EARLY_S = 0.3, 6.0
"""As often one more is killed as it begins: when it closes its predecessor, or soon after that."""
TRADED_S = 3.0
"""What the last run trades for, that nobody kills."""
FAULTY_S = 5.0
TRIES_MAX = 4
SAID_MAX = 4_000

_ONE_ENVIRONMENT = threading.Lock()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    seed: int
    kills: int
    in_plans: int
    """Of those, with orders of which news was owed."""
    orders: int
    fills: int
    wrong: list[str]


def variables(secrets: Secrets) -> dict[str, str]:
    named = msgspec.structs.asdict(secrets)
    shown = {n: v.reveal() if isinstance(v, Secret) else str(v) for n, v in named.items()}
    return {f"POLYMARKET_{name.upper()}": value for name, value in shown.items()}


class Commanded:
    """`hfptm live` as a process of its own, at a sandbox with one account and one data folder; as
    often as it is begun. A context manager."""

    def __init__(self, folder: Path, seed: int, *settings: str) -> None:
        self.data = folder / "data"
        self.service = service_of(folder, seed)
        self.ledger = ExchangeLedger(self.service.session.sandbox, ACCOUNT)
        self.wrong: list[str] = []
        self._waited_in_vain = False
        self._ending: threading.Timer | None = None
        self._given, self._settings = settings, tuple[str, ...]()
        self._hidden: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.service.__enter__()
        self._hidden = variables(self.service.server.run(secrets_of))
        given = [*SETTINGS, *addresses(self.service), *self._given]
        self._settings = options(*given)
        with _ONE_ENVIRONMENT:
            allow(self.data, *self._settings, **self._hidden)
        return self

    def __exit__(self, *ended: object) -> None:
        if self._ending:
            self._ending.join()
        self.service.__exit__(*ended)

    def begun(self) -> "subprocess.Popen[str]":
        command = ("live", "--data", self.data, "--json", CONFIRMED, *self._settings)
        return process(*command, **self._hidden)

    def open_ids(self) -> set[str]:
        return self.service.server.run(lambda _: self.ledger.open_ids())

    def wait_for_order(self, trader: "subprocess.Popen[str]") -> None:
        """Until one of it is accepted; those of its predecessor are over by then."""
        before, open_before = len(self.ledger.placed), self.open_ids()
        self.wait(lambda: len(self.ledger.placed) > before or trader.poll() is not None, "an order")
        if still := open_before & self.open_ids():
            self.wrong.append(f"still open when the next run had sent an order: {still}")

    def wait(self, reached: Callable[[], bool], what: str) -> None:
        end_ns = monotonic_ns() + round(BEGUN_S * NS_PER_S)
        while not reached():
            if monotonic_ns() > end_ns:
                self.wrong.append(f"waited {BEGUN_S} s for {what}")
                self._waited_in_vain = True
                return
            threading.Event().wait(0.02)

    def end(self, trader: "subprocess.Popen[str]") -> None:
        """Told to, it ends whole."""
        trader.send_signal(signal.SIGTERM)
        self.said(trader.communicate()[1])
        if trader.returncode != 0:
            self.wrong.append(f"ended with {trader.returncode}")

    def said(self, err: str) -> None:
        if "Traceback" in err or self._waited_in_vain:
            self.wrong.append(err[-SAID_MAX:])
            self._waited_in_vain = False

    def kill_early(self, after_s: float) -> None:
        with self.begun() as trader:
            threading.Event().wait(after_s)
            trader.kill()
            self.said(trader.communicate()[1])

    def kill_ordering(self, after_s: float, seed: int) -> None:
        """So long after its first order; under the faults of the seed from then on, if any."""
        with self.ordering() as trader:
            self.begin_faults(seed)
            threading.Event().wait(after_s)
            trader.kill()
            self.said(trader.communicate()[1])

    def last(self) -> None:
        """One more run, which trades and is told to end; then all is judged."""
        with self.ordering() as trader:
            threading.Event().wait(TRADED_S)
            self.end(trader)
        self.judge()

    def ordering(self) -> "subprocess.Popen[str]":
        """One that has sent an order. Faults may end some before that, which then say why."""
        for _ in range(TRIES_MAX):
            trader = self.begun()
            self.wait_for_order(trader)
            if trader.poll() is None:
                return trader
            err = trader.communicate()[1]
            self.said(err)
            if "; " not in err.splitlines()[-1]:
                self.wrong.append(f"what now? {err[-SAID_MAX:]}")
        self.wrong.append(f"{TRIES_MAX} runs ended before an order")
        return trader

    def begin_faults(self, seed: int) -> None:
        """They end by themselves, when the next run has begun."""
        server, faults = self.service.server, faults_of(seed) if seed else []
        numbers = server.run(lambda s: [s.faults.start(fault) for fault in faults])

        def end() -> None:
            for number in numbers:
                server.run(partial(stop_fault, number=number))

        self._ending = threading.Timer(FAULTY_S, end)
        self._ending.start()

    def judge(self) -> None:
        self.wait(lambda: not self.ledger.unsettled(), "the end of trades")
        self.wrong += judged(self.data, self.ledger)


def killed(folder: Path, seed: int, kills: int) -> Verdict:
    rng = np.random.default_rng(seed)
    with Commanded(folder, seed) as commanded:
        for _ in range(kills):
            if rng.random() < EARLY_SHARE:
                commanded.kill_early(EARLY_S * float(rng.random()))
            commanded.kill_ordering(LONGEST_S * float(rng.random()) ** 2, seed % 2 * seed)
        commanded.last()
    ids = [run for run in run_ids(commanded.data) if run != PAPER_RUN]
    runs = [commanded.data / "runs" / run for run in ids]
    return Verdict(
        seed=seed,
        kills=kills,
        in_plans=sum(map(was_owed, runs[:-1])),
        orders=len(commanded.ledger.placed),
        fills=len(commanded.ledger.parts),
        wrong=commanded.wrong,
    )


def was_owed(run: Path) -> bool:
    """Whether anything was told of its orders after it was killed and closed."""
    rows = np.concatenate([rows for _, rows in read_inputs(run)])
    words = (rows["kind"] == EventKind.CONTROL) & (rows["aux"] == Control.HALT)
    return bool((rows["kind"][words.argmax() :] >= EventKind.ACK).any())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        verdict = killed(Path(place), *map(int, sys.argv[1:]))
    sys.stdout.buffer.write(msgspec.json.encode(verdict) + b"\n")
    sys.exit(bool(verdict.wrong))
