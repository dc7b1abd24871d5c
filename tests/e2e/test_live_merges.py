"""`hfptm live` begins with a pair and merges it at the sandbox's chain: killed with its merge under
way, begun again, and told to end. Shares of a market that resolves meanwhile are redeemed. Its cash
is the exchange's own.

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
from hfptm.drive.operation_log import OperationKind, OperationLine, read_operations, read_unredeemed
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
LONE_E6 = 40 * ONE_E6
"""YES shares of another market, which resolves before anybody would sell them."""
BEFORE = "20200101T000000-000000002"
"""The run that has left the pair."""


class Merged(NamedTuple):
    data: Path
    killed: str
    run: str
    books: Books
    mined: list[tuple[str, int]]
    """Hash and amount of all that the chain carried out."""

    def rows(self, run: str) -> Any:
        return np.concatenate([rows for _, rows in read_inputs(self.data / "runs" / run)])

    def merge(self, run: str) -> OperationLine:
        """The one of a run."""
        lines = read_operations(self.data / "runs" / run)
        (line,) = [line for line in lines if line.kind is OperationKind.MERGE]
        return line


def give(sandbox: Sandbox) -> tuple[Market, Market]:
    """Two markets that stay open: a pair of one for the account, and YES of the other."""
    entries = sorted(sandbox.catalogue.markets, key=lambda entry: entry.listed.market.end_ts_ns)
    pair, lone = (entry.listed.market for entry in entries[-2:])
    sandbox.exchange.split(ACCOUNT, pair.market, PAIRS_E6)
    sandbox.exchange.split(ACCOUNT, lone.market, LONE_E6)
    sandbox.exchange.accounts[ACCOUNT].add_shares(lone.no_token, -LONE_E6)
    sandbox.exchange.accounts["somebody"].add_shares(lone.no_token, LONE_E6)
    return pair, lone


def held(market: Market, token: Token, size_e6: int, cost_e6: int) -> Position:
    return Position(
        market=market.market,
        token=token,
        size_e6=size_e6,
        cost_e6=cost_e6,
        locked_size_e6=0,
        locked_cost_e6=0,
        alone_since_ns=0,
    )


def leave(data: Path, pair: Market, lone: Market) -> None:
    """A live run that has closed with these."""
    positions = [held(pair, token, PAIRS_E6, PAIRS_E6 // 2) for token in Token]
    positions.append(held(lone, Token.YES, LONE_E6, LONE_E6))
    with RunJournal(data, BEFORE, "") as journal:
        journal.write(PORTFOLIO, Portfolio(positions=positions, markets=[pair, lone]))
        journal.close({"mode": "live", "plans": 0, "fills": 0, "pnl_usd": 0.0, "risk": {}})


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Merged:
    data = tmp_path_factory.mktemp("merges")
    service = Service(Settings(markets=12, rate=40, seed=7), duration_ns=RUN_S * NS_PER_S)
    settings = (*EVERYTHING, *LIVE, "--set", "trading.complete_sets=merge")
    arguments = ("live", "--data", data, "--json", CONFIRMED, *settings)
    mined: list[tuple[str, int]] = []

    def witness(transaction: Any, done: object) -> None:
        assert isinstance(done, Operation)
        mined.append((transaction.hash, done.amount_e6))

    with service:
        service.server.run(lambda sandbox: sandbox.chain.listeners.append(witness))
        pair, lone = service.server.run(give)
        leave(data, pair, lone)
        environment = variables(service) | secrets(service)
        allow(data, *settings, **environment)
        revert = service.server.run(lambda sandbox: sandbox.faults.start(Revert()))
        with process(*arguments, **environment) as trader:
            wait(service, lambda: fed(data) or trader.poll() is not None)
            service.server.run(lambda s: s.resolve_market(lone.market, 10_000, s.now_ns))
            wait(service, lambda: nonces(service).pending == 2 or trader.poll() is not None)
            trader.kill()
            trader.communicate()
        (killed,) = (data / "runs").glob("*.partial")
        wait(service, lambda: nonces(service).mined == 2)
        service.server.run(lambda sandbox: sandbox.faults.stop(revert))
        with process(*arguments, **environment) as trader:
            wait(service, lambda: len(mined) == 2 or trader.poll() is not None)
            trader.send_signal(signal.SIGTERM)
            out, err = trader.communicate()
        assert trader.returncode == 0, err
        books = service.server.run(books_of)
    return Merged(data, killed.stem, json.loads(out)["run_id"], books, mined)


def fed(data: Path) -> bool:
    """Whether a run has seen its first books."""
    return any(path.stat().st_size > 100_000 for path in data.glob("runs/*/inputs.wal"))


class Nonces(NamedTuple):
    mined: int
    pending: int


def nonces(service: Service) -> Nonces:
    def look(sandbox: Sandbox) -> Nonces:
        chain = sandbox.chain
        return Nonces(*(chain.nonce(ACCOUNT, is_pending=pending) for pending in (False, True)))

    return service.server.run(look)


def wait(service: Service, met: Callable[[], Any]) -> None:
    while not service.is_over and not met():
        threading.Event().wait(0.02)


def test_a_merge_of_the_killed_run_was_looked_up_and_not_repeated(merged: Merged) -> None:
    line, rows = merged.merge(merged.killed), merged.rows(merged.killed)
    assert line.size_e6 == PAIRS_E6
    (place,) = np.flatnonzero((rows["aux"] == line.order) & (rows["kind"] >= EventKind.ACK))
    assert rows["kind"][place] == EventKind.REJECT
    assert rows["price_e4"][place] == RejectReason.REFUSED, "it reverted"
    assert place > np.flatnonzero(rows["kind"] == EventKind.CONTROL)[0], "told as it was closed"


def test_what_reverted_was_merged_once_by_the_next_run(merged: Merged) -> None:
    first, second = merged.merge(merged.killed), merged.merge(merged.run)
    redeemed, last = merged.mined
    assert redeemed[1] == LONE_E6, "before the next run compared the account with its books"
    assert last == (second.sent.hash, PAIRS_E6)
    assert second.sent.nonce == first.sent.nonce + 2
    rows = merged.rows(merged.run)
    assert EventKind.GAS in rows["kind"]
    (end,) = rows[(rows["aux"] == second.order) & (rows["kind"] >= EventKind.ACK)]
    assert (end["kind"], end["size_e6"]) == (EventKind.SETTLED, PAIRS_E6)


def test_what_could_not_be_redeemed_was_not_forgotten(merged: Merged) -> None:
    """It had been paid in the books of the run that was killed."""
    runs = merged.data / "runs"
    kinds = [line.kind for line in read_operations(runs / merged.killed)]
    assert kinds == [OperationKind.REDEEM, OperationKind.MERGE]
    (left,) = read_unredeemed(runs / merged.killed)
    assert left == read_operations(runs / merged.killed)[0].market
    assert read_unredeemed(runs / merged.run) == []
    killed = json.loads((runs / merged.killed / PORTFOLIO).read_text())
    assert [p["size_e6"] for p in killed["positions"]] == [PAIRS_E6, PAIRS_E6]


def test_cash_and_shares_are_those_of_the_exchange(merged: Merged) -> None:
    run = read_run(merged.data, merged.run)
    assert json.loads((run.path / PORTFOLIO).read_text())["positions"] == []
    assert merged.books == Books(FUNDS_E6, {}, 0)
    assert run.summary["cash_usd"] == 1000


def test_the_same_inputs_give_the_same_merges(merged: Merged) -> None:
    for run in (merged.killed, merged.run):
        assert must("parity", run, "--data", merged.data, "--json").json["difference"] is None
