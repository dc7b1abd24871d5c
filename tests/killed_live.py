"""`hfptm live` killed over and over in the middle of its plans, begun again each time, and judged
by what the exchange did.

`python -m tests.killed_live SEED KILLS` does so, and prints a `Verdict` as a line of JSON.
"""

import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

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
from tests.lived import SETTINGS, addresses, secrets_of, service_of

BEGUN_S = 90.0
"""Until an order is accepted; no measure of anything, but nothing hangs."""
LONGEST_S = 0.6
"""From an accepted order to the kill: its trade is final after 2 s, so its plan is under way."""
TRADED_S = 3.0
"""What the last run trades for, that nobody kills."""


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


class Killed:
    """One account and one data folder, through `kills` kills."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._data, self._seed = folder / "data", seed
        self._rng = np.random.default_rng(seed)
        self._service = service_of(folder, seed)
        self._ledger = ExchangeLedger(self._service.session.sandbox, ACCOUNT)
        self._wrong: list[str] = []

    def run(self, kills: int) -> Verdict:
        with self._service as service:
            given = [*SETTINGS, *addresses(service)]
            settings = [word for each in given for word in ("--set", each)]
            hidden = variables(service.server.run(secrets_of))

            allow(self._data, *settings, **hidden)
            command = ("live", "--data", self._data, "--json", CONFIRMED, *settings)

            def begun() -> "subprocess.Popen[str]":
                return process(*command, **hidden)

            for _ in range(kills):
                self._kill(begun)
            self._end(begun)
            self._wait(lambda: not self._ledger.unsettled(), "trades are not settled")
            self._wrong += judged(self._data, self._ledger)
        return self._verdict(kills)

    def _kill(self, begun: Callable[[], "subprocess.Popen[str]"]) -> None:
        """Some time after its first order was accepted."""
        with begun() as trader:
            self._wait_for_order(trader)
            threading.Event().wait(LONGEST_S * float(self._rng.random()) ** 2)
            trader.kill()
            self._said(trader.communicate()[1])

    def _end(self, begun: Callable[[], "subprocess.Popen[str]"]) -> None:
        with begun() as trader:
            self._wait_for_order(trader)
            threading.Event().wait(TRADED_S)
            trader.send_signal(signal.SIGTERM)
            _, err = trader.communicate()
        self._said(err)
        if trader.returncode != 0:
            self._wrong.append(f"the last run ended with {trader.returncode}: {err}")

    def _said(self, err: str) -> None:
        if "Traceback" in err:
            self._wrong.append(err)

    def _wait_for_order(self, trader: "subprocess.Popen[str]") -> None:
        """Orders of its predecessor are over by then."""
        before = len(self._ledger.placed)
        open_before = self._service.server.run(lambda _: self._ledger.open_ids())
        self._wait(
            lambda: len(self._ledger.placed) > before or trader.poll() is not None, "no order"
        )
        still = open_before & self._service.server.run(lambda _: self._ledger.open_ids())
        if still:
            self._wrong.append(f"still open when the next run had sent an order: {still}")

    def _wait(self, reached: Callable[[], bool], problem: str) -> None:
        end_ns = monotonic_ns() + round(BEGUN_S * NS_PER_S)
        while not reached():
            if monotonic_ns() > end_ns:
                self._wrong.append(f"{problem} after {BEGUN_S} s")
                return
            threading.Event().wait(0.02)

    def _verdict(self, kills: int) -> Verdict:
        runs = [self._data / "runs" / run for run in run_ids(self._data) if run != PAPER_RUN]
        return Verdict(
            seed=self._seed,
            kills=kills,
            in_plans=sum(map(was_owed, runs[:-1])),
            orders=len(self._ledger.placed),
            fills=len(self._ledger.parts),
            wrong=self._wrong,
        )


def was_owed(run: Path) -> bool:
    """Whether anything was told of its orders after it was killed and closed."""
    rows = np.concatenate([rows for _, rows in read_inputs(run)])
    words = (rows["kind"] == EventKind.CONTROL) & (rows["aux"] == Control.HALT)
    return bool((rows["kind"][words.argmax() :] >= EventKind.ACK).any())


def main(seed: int, kills: int) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        return Killed(Path(folder), seed).run(kills)


if __name__ == "__main__":
    verdict = main(*map(int, sys.argv[1:]))
    sys.stdout.buffer.write(msgspec.json.encode(verdict) + b"\n")
    sys.exit(bool(verdict.wrong))
