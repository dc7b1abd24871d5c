"""What stands between kernel and exchange, part by part, and what forbids a start; at a sandbox."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from hfptm import clock
from hfptm.drive.checks import account_checks
from hfptm.drive.clob import Clob
from hfptm.drive.desk import Desk, Rows
from hfptm.drive.inputs import InputLog, Start
from hfptm.drive.kill_switch import throw
from hfptm.drive.live import Live
from hfptm.drive.order_log import OrderLog
from hfptm.errors import VenueError
from hfptm.journal import RunJournal
from hfptm.portfolio import Portfolio, Position
from hfptm.records import BUY, INTENT, SELL, EventKind, IntentKind, OrderType, Token
from hfptm.registry import Market
from hfptm.sandbox.faults_kinds import ClockSkew, Disconnect, RateLimit
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.secrets import Secret
from hfptm.units import ONE_E6
from hfptm.venue.account import Account, Placement, SignedOrder, TimeInForce
from replay.paper_run import recover
from tests.e2e.command import hfptm, in_its_own_process
from tests.e2e.flip import CONFIRMED, LIVE, allow
from tests.gateway import ADDRESS, SHORT_S, SPLIT_E6, secrets_of, serving
from tests.sandbox_api import FUNDS_E6

FILLED = ["DONE", "FILL", "FILL_CONFIRMED"]


class Trader:
    """A `Live` at a sandbox, with what it told."""

    def __init__(self, server: Server, market: Market, clob: Clob, account: Account) -> None:
        self.server, self.market = server, market
        self.desk = Desk({market.market: market}.__getitem__)
        self.signed: list[SignedOrder] = []
        self.blocks: list[Rows] = []
        address = server.servers.user_ws_url
        self.live = Live(clob, account, address, self.desk, self.note, self.blocks.append)

    def note(self, signed: Any) -> None:
        self.signed += signed
        self.desk.remember(signed)

    def intents(self, *fields: dict[str, int]) -> Rows:
        """BUYs of ten YES at 0.60, each with some fields of its own."""
        rows = np.zeros(len(fields), INTENT)
        rows["kind"], rows["order_type"] = IntentKind.PLACE, OrderType.FAK
        rows["ts_ns"] = clock.wall_ns()
        rows["market"], rows["token"] = self.market.market, Token.YES
        rows["price_e4"], rows["size_e6"] = 6_000, 10 * ONE_E6
        for row, changes in zip(rows, fields, strict=True):
            for name, value in changes.items():
                row[name] = value
        return rows

    def kinds(self, order: int) -> list[str]:
        rows = np.concatenate(self.blocks)
        return [EventKind(int(kind)).name for kind in rows["kind"][rows["aux"] == order]]

    async def told(self, order: int, kind: EventKind) -> None:
        async with asyncio.timeout(20):
            while not self.blocks or kind.name not in self.kinds(order):
                await asyncio.sleep(0.02)

    def open_orders(self) -> int:
        return self.server.run(lambda s: len(s.exchange.accounts[ADDRESS].open_orders))


def trade(use: Callable[[Trader], Awaitable[None]], deadline_s: float = 2.0) -> Trader:
    async def run() -> Trader:
        account = Account(server.run(secrets_of))
        async with Clob(server.clob_url, account, deadline_s) as clob:
            trader = Trader(server, market, clob, account)
            async with trader.live:
                await use(trader)
            return trader

    with serving() as (server, market):
        trader = asyncio.run(run())
        assert trader.open_orders() == 0
        return trader


def test_legs_of_a_plan_go_in_one_request_and_are_what_was_intended() -> None:
    async def use(trader: Trader) -> None:
        trader.desk.take(
            trader.intents(
                {"order": 1, "plan": 1},
                {"order": 2, "plan": 2, "side": SELL, "price_e4": 4_000},
                {"order": 3, "plan": 1, "token": Token.NO, "size_e6": 20 * ONE_E6},
                {"order": 4, "plan": 3, "kind": IntentKind.OBSERVE},
            )
        )
        await trader.desk.idle()
        for order in (1, 2, 3):
            await trader.told(order, EventKind.FILL_CONFIRMED)
            assert sorted(trader.kinds(order)) == FILLED

    trader = trade(use)
    assert [signed.placement.order for signed in trader.signed] == [1, 3, 2]
    first: Placement = trader.signed[1].placement
    assert (first.token, first.side, first.price_e4) == (Token.NO, BUY, 6_000)
    assert (first.size_e6, first.time_in_force) == (20 * ONE_E6, TimeInForce.FAK)


def test_orders_leave_in_the_call_that_takes_them() -> None:
    """The loop is held until the exchange has them: nothing else comes in between."""

    async def use(trader: Trader) -> None:
        trader.desk.take(trader.intents({"order": 1, "plan": 1}, {"order": 2, "plan": 1}))
        assert trader.blocks == [], "nothing is heard before the rows that caused them are through"
        left = {signed.order_id for signed in trader.signed}
        for _ in range(200):
            arrived = trader.server.run(lambda s: [o in s.exchange.orders for o in left])
            if len(arrived) == 2 and all(arrived):
                break
            threading.Event().wait(0.02)
        assert arrived == [True, True]
        for order in (1, 2):
            await trader.told(order, EventKind.FILL_CONFIRMED)

    trade(use)


def test_a_plan_of_more_legs_than_a_request_takes_is_sent_whole() -> None:
    async def use(trader: Trader) -> None:
        legs = [{"order": n, "plan": 1, "size_e6": 3 * ONE_E6} for n in range(1, 18)]
        trader.desk.take(trader.intents(*legs))
        await trader.desk.idle()
        for order in (1, 15, 16, 17):
            await trader.told(order, EventKind.FILL_CONFIRMED)

    assert [signed.placement.order for signed in trade(use).signed] == list(range(1, 18))


RESTING = {"price_e4": 5_000, "order_type": OrderType.POST_ONLY}


def test_cancels_find_their_order() -> None:
    async def use(trader: Trader) -> None:
        trader.desk.take(trader.intents({"order": 1, "plan": 1, **RESTING}))
        await trader.told(1, EventKind.ACK)
        assert trader.signed[0].placement.is_post_only
        trader.desk.take(trader.intents({"order": 1, "plan": 1, "kind": IntentKind.CANCEL}))
        trader.desk.take(trader.intents({"order": 9, "plan": 1, "kind": IntentKind.CANCEL}))
        await trader.told(1, EventKind.DONE)
        trader.live.check()

    trade(use)


@pytest.mark.parametrize("is_halted", [True, False])
def test_a_halt_and_every_end_cancel_all(is_halted: bool) -> None:
    async def use(trader: Trader) -> None:
        trader.desk.take(trader.intents({"order": 1, "plan": 1, **RESTING}))
        await trader.told(1, EventKind.ACK)
        if is_halted:
            trader.live.halt()
            await trader.told(1, EventKind.DONE)
            assert trader.open_orders() == 0

    assert trade(use).kinds(1) == ["ACK", "DONE"]


def test_a_crash_cancels_all_too() -> None:
    async def use(trader: Trader) -> None:
        trader.desk.take(trader.intents({"order": 1, "plan": 1, **RESTING}))
        await trader.told(1, EventKind.ACK)
        crashed.append(trader)
        raise InterruptedError

    crashed: list[Trader] = []
    with pytest.raises(InterruptedError):
        trade(use)
    assert crashed[0].kinds(1) == ["ACK", "DONE"]


def test_a_journal_that_is_full_stops_the_run() -> None:
    async def use(trader: Trader) -> None:
        def full(_: object) -> None:
            raise OSError("no space left")

        trader.live.gateway._journal = full
        trader.desk.take(trader.intents({"order": 1, "plan": 1}))
        await trader.desk.idle()
        with pytest.raises(OSError, match="no space left"):
            trader.live.check()

    assert trade(use).signed == []


def test_a_cut_user_channel_is_opened_again() -> None:
    async def use(trader: Trader) -> None:
        trader.desk.take(trader.intents({"order": 1, "plan": 1, **RESTING}))
        await trader.told(1, EventKind.ACK)
        trader.server.run(lambda s: s.faults.start(Disconnect(channel="user", code=1012)))
        await trader.told(1, EventKind.UNKNOWN)
        trader.desk.take(trader.intents({"order": 1, "plan": 1, "kind": IntentKind.CANCEL}))
        await trader.told(1, EventKind.DONE)

    trade(use)


def test_without_a_heartbeat_nothing_begins() -> None:
    async def run() -> None:
        account = Account(server.run(secrets_of))
        server.run(lambda s: s.faults.start(RateLimit(method="POST", path="/v1/heartbeats")))
        async with Clob(server.clob_url, account, SHORT_S) as clob:
            with pytest.raises(VenueError, match="takes no heartbeat"):
                async with Trader(server, market, clob, account).live:
                    pytest.fail("it began")

    with serving() as (server, market):
        asyncio.run(run())


def held(market: Market, size_e6: int) -> Portfolio:
    position = Position(
        market=market.market,
        token=Token.NO,
        size_e6=size_e6,
        cost_e6=1,
        locked_size_e6=0,
        locked_cost_e6=0,
        alone_since_ns=0,
    )
    return Portfolio(positions=[position], markets=[market])


def problems(
    alter: Callable[[Sandbox], object], *, more_e6: int = 0, more_shares_e6: int = 0
) -> dict[str, str]:
    """Of an account that should hold what it does, and so much more."""

    async def run() -> dict[str, str]:
        secrets = server.run(secrets_of)
        server.run(alter)
        cash_e6 = FUNDS_E6 - SPLIT_E6 + more_e6
        portfolio = held(market, SPLIT_E6 + more_shares_e6)
        async with Clob(server.clob_url, Account(secrets)) as clob:
            found = await account_checks(clob, secrets.signature_type, cash_e6, portfolio)
        return {check.name: check.problem for check in found if check.problem}

    with serving() as (server, market):
        return asyncio.run(run())


def nothing(_: Sandbox) -> None:
    pass


def forbid(sandbox: Sandbox) -> None:
    sandbox.exchange.accounts[ADDRESS].allows_collateral = False


def test_a_sound_account_passes() -> None:
    assert problems(nothing) == {}


@pytest.mark.parametrize(
    ("alter", "more", "name", "text"),
    [
        (lambda s: s.faults.start(ClockSkew(skew_ms=2_600)), {}, "clock", "s off ours; set ours"),
        (lambda s: s.closed_only.add(ADDRESS), {}, "trading allowed", "only close"),
        (nothing, {"more_e6": ONE_E6}, "cash and allowance", "lower trading.bankroll_usd"),
        (forbid, {}, "cash and allowance", "approve it"),
        (nothing, {"more_shares_e6": 1}, "positions", "find out where they are"),
    ],
)
def test_what_forbids_a_start(
    alter: Callable[[Sandbox], object], more: dict[str, int], name: str, text: str
) -> None:
    found = problems(alter, **more)
    assert name in found
    assert text in found[name]


def test_an_order_that_nobody_knows_forbids_a_start() -> None:
    async def use(trader: Trader) -> None:
        trader.desk.take(trader.intents({"order": 1, "plan": 1, **RESTING}))
        await trader.told(1, EventKind.ACK)
        clob = Clob(trader.server.clob_url, Account(trader.server.run(secrets_of)))
        async with clob:
            found = await account_checks(clob, 0, 0, Portfolio())
        assert [check.name for check in found if check.problem] == ["open orders"]
        assert trader.signed[0].order_id in found[-1].problem

    trade(use)


def test_a_wrong_key_is_named_without_being_shown() -> None:
    async def run() -> None:
        secrets = msgspec.structs.replace(server.run(secrets_of), api_key=Secret("other"))
        async with Clob(server.clob_url, Account(secrets)) as clob:
            found = await account_checks(clob, 0, 0, Portfolio())
        told = {check.name: check.problem for check in found if check.problem}
        assert "refuses the API key" in told["trading allowed"]
        assert "other" not in str(found).replace("another", "")

    with serving() as (server, _):
        asyncio.run(run())


NAMES = ("private_key", "api_key", "api_secret", "api_passphrase")
HTTP, WS = ("clob_url", "gamma_url", "geoblock_url"), ("market_ws_url", "user_ws_url")
NOWHERE = [
    *(f"server.{name}=http://127.0.0.1:9" for name in HTTP),
    *(f"server.{name}=ws://127.0.0.1:9" for name in WS),
]
NEAR = tuple(word for each in NOWHERE for word in ("--set", each))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((*LIVE, *NEAR[:2]), "server: clob_url of this machine, the others not; take all of one"),
        (NEAR, "trading.mode: is paper"),
        ((*NEAR, *LIVE), "private_key: is missing"),
    ],
)
def test_what_is_not_written_down(arguments: tuple[str, ...], text: str, tmp_path: Path) -> None:
    result = hfptm("live", "--data", tmp_path, *arguments)
    assert result.code == 2
    assert text in result.err
    assert not (tmp_path / "runs").exists()


def addresses(server: Server) -> list[str]:
    names = server.servers.__struct_fields__
    given = [f"server.{name}={getattr(server.servers, name)}" for name in names]
    return [word for each in given for word in ("--set", each)]


def test_the_doctor_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as (server, _):
        near = ("doctor", "--data", tmp_path, *addresses(server))
        assert hfptm(*near).code == 0
        assert [each["problem"] for each in hfptm(*near, "--json").json] == 4 * [""]
        without = hfptm(*near, "--live", "--json")
        assert without.code == 1
        wrong = {each["name"]: each["problem"] for each in without.json if each["problem"]}
        assert wrong.keys() == {"trading.mode", "live.canary_plans", "secrets", "alerts"}
        secrets = server.run(secrets_of)
        for name, value in msgspec.structs.asdict(secrets).items():
            shown = value.reveal() if isinstance(value, Secret) else str(value)
            monkeypatch.setenv(f"POLYMARKET_{name.upper()}", shown)
        sound = hfptm(*near, *LIVE, "--live", "--set", "trading.bankroll_usd=400", "--json")
        assert sound.code == 0, sound.out
        assert len(sound.json) == 18
        assert [each["name"] for each in sound.json if each["problem"]] == ["alerts"]
        server.run(lambda s: s.closed_only.add(ADDRESS))
        closed = hfptm(*near, *LIVE, "--live", "--set", "trading.bankroll_usd=400")
        assert closed.code == 1
        assert "only close" in closed.out
    gone = hfptm(*near, "--json")
    assert gone.code == 1
    assert [bool(each["problem"]) for each in gone.json] == [False, False, True, True]


def test_a_start_that_fails_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    """Nobody answers where markets are listed; the next start removes what the first has left."""
    with serving() as (server, _):
        secrets = msgspec.structs.asdict(server.run(secrets_of))
        hidden = {
            f"POLYMARKET_{name.upper()}": value.reveal() if name in NAMES else str(value)
            for name, value in secrets.items()
        }
        settings = (*addresses(server), *LIVE, "--set", "trading.bankroll_usd=400")
        nowhere = (*settings, "--set", "server.gamma_url=http://127.0.0.1:9")
        allow(tmp_path, *nowhere, **hidden)
        failed = in_its_own_process("live", "--data", tmp_path, CONFIRMED, *nowhere, **hidden)
        assert failed.code == 5, failed.err
        assert "gamma_url" in failed.err
        (left,) = (tmp_path / "runs").glob("*.partial")
        assert (left / "orders.jsonl").read_bytes() == b""
        assert recover(tmp_path) == []
        assert not left.exists()
        assert server.run(lambda s: len(s.exchange.accounts[ADDRESS].open_orders)) == 0


def test_caps_are_somebodys_decision(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[trading]\nmode = "live"\nbankroll_usd = 100\nmax_arb_size_usd = 10\n')
    result = hfptm("live", "--config", config, "--data", tmp_path, *NEAR)
    assert result.code == 2
    assert "caps: risk.max_exposure_per_market_usd" in result.err
    assert "bankroll_usd" not in result.err


def written_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PRIVATE_KEY": "0x" + "11" * 32,
        "API_KEY": "k",
        "API_SECRET": "c2VjcmV0",
        "API_PASSPHRASE": "p",
        "FUNDER_ADDRESS": ADDRESS,
        "SIGNATURE_TYPE": "0",
    }.items():
        monkeypatch.setenv(f"POLYMARKET_{name}", value)


def test_a_halt_and_a_run_under_way_forbid_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_secrets(monkeypatch)
    allow(tmp_path, *NEAR, *LIVE)
    throw(tmp_path, "for a test")
    for command in (("live", *NEAR, *LIVE), ("paper",)):
        result = hfptm(*command, "--data", tmp_path)
        assert result.code == 4
        assert "halted by hand (for a test); `hfptm resume` lifts it" in result.err
    assert "it was: for a test" in hfptm("resume", "--data", tmp_path).out
    assert "nothing was halted" in hfptm("resume", "--data", tmp_path).out
    assert "halted by" in hfptm("kill", "again", "--data", tmp_path).out
    told = hfptm("resume", "--data", tmp_path, "--json")
    assert (told.code, told.json) == (0, {"halted": False, "reason": "again"})
    with (
        RunJournal(tmp_path, "1", "") as journal,
        InputLog(journal.folder, Start(mode="live")),
        OrderLog(journal.folder),
    ):
        (journal.folder / "orders.jsonl").write_bytes(b"{}\n")
        result = hfptm("live", "--data", tmp_path, CONFIRMED, *NEAR, *LIVE)
        assert result.code == 4
        assert "the live run 1 is under way; end it first" in result.err
