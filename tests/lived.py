"""A living sandbox with planted opportunities, under faults of all kinds, and the whole of a live
run against it, in one process; and what is wrong with that run by the exchange's account of it.

`python -m tests.lived SEED...` runs seeds, several at once: a line of JSON each.
"""

import asyncio
import logging
import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from hfptm.cli.killed import close_killed, killed_runs
from hfptm.cli.live import begun, require_account
from hfptm.cli.live_run import traded
from hfptm.config import Config, load
from hfptm.engine import compile_kernels
from hfptm.errors import HfptmError
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.service import ACCOUNT, PRIVATE_KEY, Service
from hfptm.sandbox.session import Settings
from hfptm.secrets import Secret, Secrets
from hfptm.units import NS_PER_S
from replay.paper_run import recover
from tests import planted
from tests.exchange_ledger import ExchangeLedger
from tests.judged import CAPS, judged
from tests.live_faults import faults_of

AT_ONCE = 6
MARKETS, RATE = 20, 20
RUN_S, FAULTY_S = 11, 6.0
"""From the first heartbeat to the word to end; of that, under faults from the first order on."""
LONG_SEEDS, LONG_S = 10, 12.0
"""One in so many seeds is under faults for so much longer: that heartbeats lapse."""
RUNS_MAX = 4
"""So many runs may try to set right what the first could not end by itself."""
SETTLED_S = 30.0

PER_MINUTE = 400
"""Planted opportunities."""
SETTINGS = (
    "trading.mode=live",
    "trading.complete_sets=merge",
    "live.canary_plans=1",
    "live.canary_usd=100",
    *planted.EVERYTHING,
    *planted.AT_ONCE,
    "risk.failure_pause_s=1",
    "risk.failed_book_pause_s=1",
    "risk.max_consecutive_failures=1000",
    "risk.max_inventory_drift_usd=200",
    "risk.daily_loss_limit_usd=300",
    "risk.max_drawdown_usd=300",
    *(f"{name}={value}" for name, value in CAPS.items()),
)
WAYS = ("fak", "fak", "fok", "gtc", "gtc", "resting")
FIRST_LEGS = ("at_once", "thinnest_first")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """On one seed; a line of JSON."""

    seed: int
    orders: int
    fills: int
    ended: list[str]
    """What each run said that could not end by itself."""
    wrong: list[str]


NO_CHAIN = ("trading.complete_sets=hold", "server.rpc_url=")
"""Transactions take seconds each; tests/faults/test_operations.py has them under faults."""


def addresses(service: Service) -> list[str]:
    """Where it is, as settings."""
    servers = service.server.servers
    return [f"server.{name}={getattr(servers, name)}" for name in servers.__struct_fields__]


def config_of(service: Service, seed: int) -> Config:
    rng = np.random.default_rng(seed)
    way, first = WAYS[rng.integers(len(WAYS))], FIRST_LEGS[rng.integers(len(FIRST_LEGS))]
    ways = (f"trading.order_type={way}", f"trading.leg_order={first}", *NO_CHAIN)
    return load(None, [*SETTINGS, *addresses(service), *ways], {})


def secrets_of(sandbox: Sandbox) -> Secrets:
    """Of the sandbox's own account; once."""
    made = sandbox.keys.create(ACCOUNT, 0)
    assert made is not None
    return Secrets(
        private_key=Secret(PRIVATE_KEY),
        api_key=Secret(made.api_key),
        api_secret=Secret(made.secret),
        api_passphrase=Secret(made.passphrase),
        funder_address=ACCOUNT,
        signature_type=0,
    )


def service_of(folder: Path, seed: int) -> Service:
    """Not entered yet."""
    plant = folder / "plant.toml"
    plant.write_text(planted.plant(PER_MINUTE))
    return Service(Settings(markets=MARKETS, rate=RATE, seed=seed, plant=plant))


class Lived:
    """One seed: `run` it once."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._data, self._seed = folder / "data", seed
        self._longer_s = 0.0 if seed % LONG_SEEDS else LONG_S
        self._service = service_of(folder, seed)
        self._ledger = ExchangeLedger(self._service.session.sandbox, ACCOUNT)
        self._ended: list[str] = []

    async def run(self) -> Verdict:
        await asyncio.to_thread(self._service.__enter__)
        try:
            config = config_of(self._service, self._seed)
            secrets = self._service.server.run(secrets_of)
            faults = asyncio.create_task(self._faulty())
            await self._trade(config, secrets)
            await faults
            while 0 < len(self._ended) < RUNS_MAX and await self._trade(config, secrets):
                continue
            await self._settled()
        finally:
            await asyncio.to_thread(self._service.__exit__, None, None, None)
        wrong = await asyncio.to_thread(judged, self._data, self._ledger)
        return self._verdict([*wrong, *(f"what now? {said}" for said in self._unclear())])

    async def _trade(self, config: Config, secrets: Secrets) -> bool:
        """As `hfptm live` does; whether another run has to set right what this one left."""
        try:
            for partial in killed_runs(self._data):
                await close_killed(config, self._data, secrets, partial)
            recover(self._data)
            start = begun(self._data, is_anew=False, is_resumed=False)
            await require_account(config, secrets, start)
            limit_ns = round((RUN_S + self._longer_s) * NS_PER_S)
            await traded(config, self._data, (start, secrets), limit_ns, _unseen)
        except HfptmError as error:
            self._ended.append(str(error))
            return True
        return False

    async def _faulty(self) -> None:
        for _ in range(10 * RUN_S):
            if self._ledger.placed:
                break
            await asyncio.sleep(0.1)
        server, faults = self._service.server, faults_of(self._seed)
        numbers = server.run(lambda s: [s.faults.start(fault) for fault in faults])
        await asyncio.sleep(FAULTY_S + self._longer_s)
        for number in numbers:
            server.run(partial(stop_fault, number=number))

    async def _settled(self) -> None:
        """The last trades become final."""
        async with asyncio.timeout(SETTLED_S):
            while self._service.server.run(lambda _: self._ledger.unsettled()):
                await asyncio.sleep(0.1)

    def _unclear(self) -> list[str]:
        """What was said without saying what to do."""
        return [said for said in self._ended if "; " not in said]

    def _verdict(self, wrong: list[str]) -> Verdict:
        orders, fills = len(self._ledger.placed), len(self._ledger.parts)
        return Verdict(seed=self._seed, orders=orders, fills=fills, ended=self._ended, wrong=wrong)


def stop_fault(sandbox: Sandbox, number: int) -> None:
    sandbox.faults.stop(number)


def _unseen(status: object, more: object = ()) -> None:
    """Nobody looks."""


async def of_seeds(seeds: Iterable[int]) -> bool:
    """Several at once: they wait most of the time. Whether nothing is wrong with any."""
    compile_kernels()
    gate = asyncio.Semaphore(AT_ONCE)

    async def of_seed(seed: int, folder: Path) -> bool:
        async with gate:
            folder.mkdir()
            verdict = await Lived(folder, seed).run()
        sys.stdout.buffer.write(msgspec.json.encode(verdict) + b"\n")
        sys.stdout.buffer.flush()
        return not verdict.wrong

    with tempfile.TemporaryDirectory() as folder:
        runs = [of_seed(seed, Path(folder, str(seed))) for seed in seeds]
        return all(await asyncio.gather(*runs))


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    sys.exit(not asyncio.run(of_seeds(map(int, sys.argv[1:]))))
