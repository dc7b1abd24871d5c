"""`hfptm live` begins with a pair and merges it at the sandbox's chain: killed with its merge under
way, begun again, and told to end. Its cash is the exchange's own.

`python -m pytest -m soak tests/e2e/test_live_merges.py`: pairs are looked for once a minute.
"""

import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from hfptm.drive.inputs import read_inputs
from hfptm.drive.operation_log import OperationKind, OperationLine, read_operations
from hfptm.journal import RunJournal, read_run
from hfptm.portfolio import Portfolio, Position
from hfptm.records import EventKind, RejectReason, Token
from hfptm.registry import Market
from hfptm.sandbox.faults_kinds import Revert
from hfptm.sandbox.reports import Operation
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.service import ACCOUNT, FUNDS_E6, Service
from hfptm.sandbox.session import Settings
from hfptm.units import NS_PER_S, ONE_E6
from replay.paper_run import PORTFOLIO
from tests.e2e.command import must, process
from tests.e2e.flip import CONFIRMED, LIVE, allow
from tests.e2e.test_live import Books, books_of, secrets
from tests.e2e.test_record import EVERYTHING, variables

pytestmark = pytest.mark.soak

RUN_S = 400
PAIRS_E6 = 100 * ONE_E6
BEFORE = "20200101T000000-000000002"
"""The run that has left the pair."""


class Merged(NamedTuple):
    data: Path
    killed: str
    run: str
    books: Books
    mined: list[tuple[str, int]]
    """Hash and size of every merge that the chain carried out."""

    def rows(self, run: str) -> Any:
        return np.concatenate([rows for _, rows in read_inputs(self.data / "runs" / run)])

    def line(self, run: str) -> OperationLine:
        (line,) = read_operations(self.data / "runs" / run)
        return line


def split(sandbox: Sandbox) -> Market:
    """A market that stays open, and a pair of it for the account."""
    entry = max(sandbox.catalogue.markets, key=lambda entry: entry.listed.market.end_ts_ns)
    market = entry.listed.market
    sandbox.exchange.split(ACCOUNT, market.market, PAIRS_E6)
    return market


def leave(data: Path, market: Market) -> None:
    """A live run that has closed with the pair."""
    positions = [
        Position(
            market=market.market,
            token=token,
            size_e6=PAIRS_E6,
            cost_e6=PAIRS_E6 // 2,
            locked_size_e6=0,
            locked_cost_e6=0,
            alone_since_ns=0,
        )
        for token in Token
    ]
    with RunJournal(data, BEFORE, "") as journal:
        journal.write(PORTFOLIO, Portfolio(positions=positions, markets=[market]))
        journal.close({"mode": "live", "plans": 0, "fills": 0, "pnl_usd": 0.0, "risk": {}})


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Merged:
    data = tmp_path_factory.mktemp("merges")
    service = Service(Settings(markets=12, rate=40, seed=7), duration_ns=RUN_S * NS_PER_S)
    settings = (*EVERYTHING, *LIVE)
    arguments = ("live", "--data", data, "--json", CONFIRMED, *settings)
    mined: list[tuple[str, int]] = []

    def witness(transaction: Any, done: object) -> None:
        assert isinstance(done, Operation)
        mined.append((transaction.hash, done.amount_e6))

    with service:
        service.server.run(lambda sandbox: sandbox.chain.listeners.append(witness))
        leave(data, service.server.run(split))
        environment = variables(service) | secrets(service)
        allow(data, *settings, **environment)
        revert = service.server.run(lambda sandbox: sandbox.faults.start(Revert()))
        with process(*arguments, **environment) as trader:
            wait(service, lambda: sent(data) or trader.poll() is not None)
            trader.kill()
            trader.communicate()
        (killed,) = (data / "runs").glob("*.partial")
        wait(service, lambda: service.server.run(nonce))
        service.server.run(lambda sandbox: sandbox.faults.stop(revert))
        with process(*arguments, **environment) as trader:
            wait(service, lambda: mined or trader.poll() is not None)
            trader.send_signal(signal.SIGTERM)
            out, err = trader.communicate()
        assert trader.returncode == 0, err
        books = service.server.run(books_of)
    return Merged(data, killed.stem, json.loads(out)["run_id"], books, mined)


def sent(data: Path) -> int:
    """Transactions that were journalled."""
    return sum(len(path.read_bytes().splitlines()) for path in data.glob("runs/*/operations.jsonl"))


def nonce(sandbox: Sandbox) -> int:
    return sandbox.chain.nonce(ACCOUNT, is_pending=False)


def wait(service: Service, met: Callable[[], Any]) -> None:
    while not service.is_over and not met():
        threading.Event().wait(0.02)


def test_a_merge_of_the_killed_run_was_looked_up_and_not_repeated(merged: Merged) -> None:
    line, rows = merged.line(merged.killed), merged.rows(merged.killed)
    assert (line.kind, line.size_e6) == (OperationKind.MERGE, PAIRS_E6)
    (place,) = np.flatnonzero((rows["aux"] == line.order) & (rows["kind"] >= EventKind.ACK))
    assert rows["kind"][place] == EventKind.REJECT
    assert rows["price_e4"][place] == RejectReason.REFUSED, "it reverted"
    assert place > np.flatnonzero(rows["kind"] == EventKind.CONTROL)[0], "told as it was closed"


def test_what_reverted_was_merged_once_by_the_next_run(merged: Merged) -> None:
    first, second = merged.line(merged.killed), merged.line(merged.run)
    assert merged.mined == [(second.sent.hash, PAIRS_E6)]
    assert second.sent.nonce == first.sent.nonce + 1
    rows = merged.rows(merged.run)
    assert EventKind.GAS in rows["kind"]
    (end,) = rows[(rows["aux"] == second.order) & (rows["kind"] >= EventKind.ACK)]
    assert (end["kind"], end["size_e6"]) == (EventKind.SETTLED, PAIRS_E6)


def test_cash_and_shares_are_those_of_the_exchange(merged: Merged) -> None:
    run = read_run(merged.data, merged.run)
    assert json.loads((run.path / PORTFOLIO).read_text())["positions"] == []
    assert merged.books == Books(FUNDS_E6, {}, 0)
    assert run.summary["cash_usd"] == 1000


def test_the_same_inputs_give_the_same_merges(merged: Merged) -> None:
    for run in (merged.killed, merged.run):
        assert must("parity", run, "--data", merged.data, "--json").json["difference"] is None
