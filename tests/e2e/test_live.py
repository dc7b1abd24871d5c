"""`hfptm live` at a sandbox with planted opportunities: its books are the exchange's own."""

import json
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from hfptm import bulletin
from hfptm.drive.inputs import read_inputs
from hfptm.drive.order_log import read_orders
from hfptm.journal import read_run
from hfptm.records import Control, EventKind, IntentKind, Token
from hfptm.sandbox.reports import Action, Placed
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.service import ACCOUNT, FUNDS_E6, PRIVATE_KEY, Service
from hfptm.sandbox.session import Settings
from hfptm.units import NS_PER_S, ONE_E6
from tests.e2e.command import Result, hfptm, must, process
from tests.e2e.flip import CONFIRMED, LIVE, allow
from tests.e2e.test_paper import PLANT, TRADING
from tests.e2e.test_record import EVERYTHING, variables
from tests.service_manager import ServiceManager, is_a_whole_life
from tests.told import assert_told

RUN_S = 60
KILLED_AFTER_S, TRADED_S = 0.1, 12
"""From the first order on: the first run is killed in the middle of its first plan."""
MERGES = ("--set", "trading.complete_sets=merge")
HALT_S, HALTED_S = 1.0, 3.0
"""What the kill switch may take on a busy machine, and for how long it is watched after that."""


def secrets(service: Service) -> dict[str, str]:
    """Of the sandbox's own account, as variables."""
    made = service.server.run(lambda sandbox: sandbox.keys.create(ACCOUNT, 0))
    assert made is not None
    return {
        "POLYMARKET_PRIVATE_KEY": PRIVATE_KEY,
        "POLYMARKET_API_KEY": made.api_key,
        "POLYMARKET_API_SECRET": made.secret,
        "POLYMARKET_API_PASSPHRASE": made.passphrase,
        "POLYMARKET_FUNDER_ADDRESS": ACCOUNT,
        "POLYMARKET_SIGNATURE_TYPE": "0",
    }


class Books(NamedTuple):
    """What the exchange says of the account."""

    cash_e6: int
    shares_e6: dict[str, int]
    open_orders: int


def books_of(sandbox: Sandbox) -> Books:
    account = sandbox.exchange.accounts[ACCOUNT]
    return Books(account.cash_e6, dict(account.shares_e6), len(account.open_orders))


class Traded(NamedTuple):
    """A run that was killed, and the next, which was told to end."""

    data: Path
    killed: str
    result: Result
    books: Books
    placed: list[str]
    """What the exchange has accepted from the account, each time that it did."""
    still_placed: int
    """Of those, once the kill switch had been thrown."""
    secrets: dict[str, str]
    under_way: Any
    """Its gap while it traded."""
    heard: list[str]
    """What systemd would have been told of it."""

    @property
    def summary(self) -> Any:
        return self.result.json

    @property
    def run(self) -> Path:
        return self.data / "runs" / str(self.summary["run_id"])


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Traded:
    folder = tmp_path_factory.mktemp("live")
    plant, data = folder / "plant.toml", folder / "data"
    plant.write_text(PLANT)
    service = Service(
        Settings(markets=12, rate=40, seed=7, plant=plant), duration_ns=RUN_S * NS_PER_S
    )
    settings = (*EVERYTHING, *TRADING, *LIVE, *MERGES, "--set", "risk.failure_pause_s=1")
    arguments = ("live", "--data", data, "--json", CONFIRMED, *settings)
    placed: list[str] = []

    def witness(action: Action, _: object) -> None:
        made = [each for each in action.reports if isinstance(each, Placed)]
        placed.extend(each.order_id for each in made if each.account == ACCOUNT)

    with service:
        service.server.run(lambda sandbox: sandbox.listeners.append(witness))
        hidden = secrets(service)
        environment = variables(service) | hidden
        allow(data, *settings, **environment)
        with process(*arguments, **environment) as trader:
            wait_for_order(service, data, trader)
            threading.Event().wait(KILLED_AFTER_S)
            trader.kill()
            killed_out, killed_err = trader.communicate()
        (killed,) = (data / "runs").glob("*.partial")
        with (
            ServiceManager(folder) as manager,
            process(*arguments, **environment, NOTIFY_SOCKET=manager.address) as trader,
        ):
            wait_for_order(service, data, trader, but=killed.stem)
            threading.Event().wait(TRADED_S)
            under_way = must("gap", "--data", data, "--json").json
            must("kill", "enough", "--data", data)
            threading.Event().wait(HALT_S)
            halted = len(placed)
            threading.Event().wait(HALTED_S)
            still_placed = len(placed) - halted
            trader.send_signal(signal.SIGTERM)
            out, err = trader.communicate()
        books = service.server.run(books_of)
    result = Result(trader.returncode, out, killed_out + killed_err + err)
    heard = manager.heard
    return Traded(data, killed.stem, result, books, placed, still_placed, hidden, under_way, heard)


def wait_for_order(
    service: Service, data: Path, trader: "subprocess.Popen[str]", but: str = "none"
) -> None:
    """Until one left, in another run than that."""
    while not service.is_over and trader.poll() is None:
        for path in data.glob("runs/*/orders.jsonl"):
            if path.stat().st_size and not path.parent.name.startswith(but):
                return
        threading.Event().wait(0.1)


def test_it_ends_whole_and_leaves_nothing_open(traded: Traded) -> None:
    assert traded.result.code == 0, traded.result.err
    assert "Traceback" not in traded.result.err
    assert traded.summary["mode"] == "live"
    assert traded.summary["fills"] > 0
    assert traded.books.open_orders == 0
    assert not list((traded.data / "runs").glob("*.partial"))
    assert is_a_whole_life(traded.heard)


def test_the_last_bulletin_tells_what_the_run_came_to(traded: Traded) -> None:
    told = bulletin.read(traded.data)
    assert told is not None
    assert_told(told, read_run(traded.data, traded.run.name))


def test_the_kill_switch_lets_nothing_leave(traded: Traded) -> None:
    assert traded.still_placed == 0
    ((_, rows),) = [step for step in read_inputs(traded.run) if len(step[1])][-1:]
    words = rows[rows["kind"] == EventKind.CONTROL]
    assert words["aux"].tolist() == [Control.HALT, Control.STOP, Control.HALT]
    intents = read_run(traded.data, traded.run.name).rows("intents")
    placed_ns = intents["ts_ns"][intents["kind"] == IntentKind.PLACE]
    assert placed_ns.max() < words["ts_recv_ns"][0]
    assert traded.summary["risk"]["latch"] == "", "it lies in the data folder"
    again = hfptm("paper", "--data", traded.data)
    assert (again.code, "halted by hand (enough)" in again.err) == (4, True)


def test_every_order_was_journalled_and_none_was_sent_twice(traded: Traded) -> None:
    lines = read_orders(traded.run)
    before = read_orders(traded.data / "runs" / traded.killed)
    assert len({line.order_id for line in lines}) == len(lines) > 0
    assert len(set(traded.placed)) == len(traded.placed) > 0
    assert set(traded.placed) <= {line.order_id for line in [*before, *lines]}
    intents = read_run(traded.data, traded.run.name).rows("intents")
    placed = intents[intents["kind"] == IntentKind.PLACE]["order"].tolist()
    assert len(set(placed)) == len(placed)
    assert {line.order for line in lines} <= set(placed)


def test_cash_and_shares_are_those_of_the_exchange(traded: Traded) -> None:
    """To the micro-share and the micro-dollar."""
    left = json.loads((traded.run / "portfolio.json").read_text())
    markets = {market["market"]: market for market in left["markets"]}
    held = {
        markets[p["market"]]["yes_token" if p["token"] == Token.YES else "no_token"]: p["size_e6"]
        for p in left["positions"]
    }
    assert held == traded.books.shares_e6
    spent_e6 = round((traded.summary["cash_usd"] - 1000) * ONE_E6)
    assert traded.books.cash_e6 - FUNDS_E6 == spent_e6


def test_a_killed_run_was_closed_with_what_became_of_its_orders(traded: Traded) -> None:
    assert f"{traded.killed} was killed; what became of its orders was asked" in traded.result.err
    killed = read_run(traded.data, traded.killed)
    kinds = np.concatenate([rows["kind"] for _, rows in read_inputs(killed.path)]).tolist()
    (halted,) = [place for place, kind in enumerate(kinds) if kind == EventKind.CONTROL]
    assert EventKind.UNKNOWN in kinds[halted:], "it was killed before an order was settled"
    assert killed.summary["risk"]["latch"] == ""
    assert traded.summary["after"] == traded.killed
    assert traded.summary["pnl_before_usd"] == killed.summary["pnl_usd"]


def test_the_same_inputs_give_the_same_orders(traded: Traded) -> None:
    for run_id in (traded.killed, traded.run.name):
        found = must("parity", run_id, "--data", traded.data, "--json").json
        assert found["difference"] is None
        assert found["rows"]["intents"] > 0


def test_the_journal_tells_what_the_exchange_said(traded: Traded) -> None:
    told = read_run(traded.data, traded.run.name).rows("reports")
    fed = np.concatenate([rows for _, rows in read_inputs(traded.run)])
    for kind in (EventKind.FILL, EventKind.FILL_CONFIRMED):
        assert (told["kind"] == kind).sum() == (fed["kind"] == kind).sum() > 0


def test_the_gap_to_its_paper_twin_is_explained(traded: Traded) -> None:
    """To the last part of a cent; and the twin decides as a replay of the recording does."""
    must("normalize", "--data", traded.data)
    for run_id in (traded.killed, traded.run.name):
        found = must("gap", run_id, "--data", traded.data, "--json").json
        assert found["unexplained_e10"] == 0
        assert sum(found["causes"].values()) == found["live_e10"] - found["twin_e10"]
        assert found["plans"]
        assert found["measured"]["p50"] > 0
    modes = {
        line["run_id"]: line["mode"] for line in must("runs", "--data", traded.data, "--json").json
    }
    assert modes[f"{traded.run.name}-twin"] == "twin"
    assert traded.under_way["run_id"] == traded.run.name
    assert traded.under_way["unexplained_e10"] == 0
    assert "its paper twin" in must("gap", "--data", traded.data).out
    compared = must("compare", traded.run.name, "--data", traded.data, "--json").json
    assert compared["rows_differing"] == {}
    assert compared["differing"] == []


def test_no_secret_is_anywhere(traded: Traded) -> None:
    hidden = [
        value.encode()
        for name, value in traded.secrets.items()
        if name not in ("POLYMARKET_FUNDER_ADDRESS", "POLYMARKET_SIGNATURE_TYPE")
    ]
    hidden.append(PRIVATE_KEY.removeprefix("0x").encode())
    written = [path.read_bytes() for path in traded.data.rglob("*") if path.is_file()]
    written += [traded.result.out.encode(), traded.result.err.encode()]
    assert len(written) > 8
    for secret in hidden:
        assert not any(secret in content for content in written)
