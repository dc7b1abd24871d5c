"""A kernel's own merge, and a resolution, at a sandbox: the books are those of the exchange."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from hfptm import clock
from hfptm.cli.operating import operations_of, redeem_left, sets_problem, transacts
from hfptm.config import Config
from hfptm.drive.inputs import InputLog, Start
from hfptm.drive.loop import Loop
from hfptm.drive.node_check import node_check
from hfptm.drive.operation_log import (
    OperationKind,
    OperationLog,
    read_operations,
    read_unredeemed,
    write_unredeemed,
)
from hfptm.engine import Output
from hfptm.records import EventKind, IntentKind
from hfptm.registry import Market
from hfptm.sandbox.faults_kinds import RateLimit
from hfptm.sandbox.node import PATH
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.secrets import Secrets
from hfptm.sections import Trading
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from tests.engines import Recorder, crossed_market, tape_of
from tests.gateway import ADDRESS, SPLIT_E6, secrets_of, serving
from tests.sandbox_api import FUNDS_E6, SPORTS_SLUG
from tests.unit.test_loop import reports_of

PAIRS_E6 = 100 * ONE_E6


def cash_e6(sandbox: Sandbox) -> int:
    return sandbox.exchange.accounts[ADDRESS].cash_e6


MERGE = "trading.complete_sets=merge"


def settings_of(server: Server) -> Config:
    return Config(server=server.servers)


async def merged(server: Server, market: Market, secrets: Secrets, folder: Path) -> Recorder:
    """A crossed book of which both sides are filled, until its pairs are merged."""
    engine = Recorder([market], [], MERGE, orders_leave=True)
    with InputLog(folder, Start(mode="live")) as inputs, OperationLog(folder) as log:
        start_ns = clock.wall_ns()
        loop = Loop(engine, inputs, start_ns)
        settings = settings_of(server)
        operations = operations_of(settings, secrets, folder, (inputs, log), (engine, loop))

        def sink(output: Output) -> None:
            engine.outputs.append(output)
            operations.take(output.intents)

        engine.sink = sink
        async with operations:
            tape = tape_of(crossed_market("one", start_ns)[:-1])
            tape["market"] = market.market
            engine.feed(tape)
            intents = engine.rows_of("intents")
            placed = intents[intents["kind"] == IntentKind.PLACE]
            kinds = (EventKind.FILL, EventKind.DONE, EventKind.FILL_CONFIRMED)
            loop.hear(reports_of(placed, start_ns + NS_PER_S, *kinds))
            bought_e6 = loop.status.cash_e6
            async with asyncio.timeout(20):
                while loop.status.under_way:
                    operations.check()
                    await asyncio.sleep(0.02)
            assert loop.status.cash_e6 - bought_e6 == PAIRS_E6
            assert read_operations(folder)[0].size_e6 == PAIRS_E6
    return engine


def test_a_pair_that_the_kernel_bought_becomes_cash_there_and_in_its_books(tmp_path: Path) -> None:
    with serving(SPORTS_SLUG) as (server, market):
        server.run(lambda s: setattr(s.chain, "mined_after_ns", 40 * NS_PER_MS))
        secrets, before_e6 = server.run(secrets_of), server.run(cash_e6)
        engine = asyncio.run(merged(server, market, secrets, tmp_path))
        assert server.run(cash_e6) - before_e6 == PAIRS_E6
    assert engine.portfolio().positions == []
    kinds = engine.rows_of("intents")["kind"].tolist()
    assert kinds.count(IntentKind.MERGE) == 1
    (line,) = read_operations(tmp_path)
    assert (line.kind, line.market.market) == (OperationKind.MERGE, market.market)


@pytest.mark.parametrize("is_mergeable", [True, False])
def test_what_the_last_run_did_not_redeem_is_redeemed_by_the_next(
    tmp_path: Path, is_mergeable: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """If it can; if not, somebody is told, and it is not forgotten."""
    run = tmp_path / "runs" / "last"
    run.mkdir(parents=True)
    start = Start(mode="live", after="last")
    with serving() as (server, market):
        server.run(lambda s: setattr(s.chain, "mined_after_ns", 40 * NS_PER_MS))
        server.run(lambda s: s.resolve_market(market.market, 2_500, s.now_ns))
        write_unredeemed(run, [market])
        assert read_unredeemed(run) == [market]
        secrets = server.run(secrets_of)
        settings = settings_of(server) if is_mergeable else Config()
        left = asyncio.run(redeem_left(settings, secrets, tmp_path, start))
        assert server.run(cash_e6) == FUNDS_E6 - (0 if is_mergeable else SPLIT_E6)
    assert left == ([] if is_mergeable else [market])
    assert ("is not redeemed" in capsys.readouterr().err) != is_mergeable


def test_who_can_send_transactions() -> None:
    with serving() as (server, _):
        secrets = server.run(secrets_of)
        wallet = server.run(lambda s: secrets_of(s, signature_type=3))
        near, without = settings_of(server), Config()
    assert transacts(near, secrets)
    assert not transacts(near, wallet)
    assert not transacts(without, secrets)


@pytest.mark.parametrize(
    ("wanted", "near", "wallet", "far"),
    [
        ("convert", "has no call", "has no call", "has no call"),
        ("merge", "", "set it to hold", "set it to hold"),
        ("hold", "", "", ""),
    ],
)
def test_complete_sets_are_left_as_the_account_can(
    wanted: Literal["convert", "merge", "hold"], near: str, wallet: str, far: str
) -> None:
    trading = Trading(complete_sets=wanted)
    with serving() as (server, _):
        own = server.run(secrets_of)
        other = server.run(lambda s: secrets_of(s, signature_type=3))
        here = Config(server=server.servers, trading=trading)
    for settings, secrets, text in ((here, own, near), (here, other, wallet)):
        problem = sets_problem(settings, secrets)
        assert text in problem
        assert bool(text) == bool(problem)
    assert far in sets_problem(Config(trading=trading), own)


@pytest.mark.parametrize(
    ("alter", "text"),
    [
        (str, ""),
        (lambda s: s.approve(ADDRESS, shares=False), "may not take"),
        (lambda s: setattr(s.chain, "coins_wei", 0), "no coin"),
        (lambda s: s.faults.start(RateLimit(path=PATH)), "check the network and server.rpc_url"),
    ],
)
def test_what_keeps_an_account_from_merging(alter: Callable[[Sandbox], object], text: str) -> None:
    with serving() as (server, _):
        secrets = server.run(secrets_of)
        server.run(alter)
        found = asyncio.run(node_check(server.servers, secrets))
    assert found.name == "transactions"
    assert text in found.problem
    assert bool(text) == bool(found.problem)


def test_a_run_that_left_nothing_has_nothing_to_redeem(tmp_path: Path) -> None:
    write_unredeemed(tmp_path, [])
    assert list(tmp_path.iterdir()) == []
    assert read_unredeemed(tmp_path) == []
    assert read_operations(tmp_path) == []
