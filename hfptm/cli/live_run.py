"""A live run, from what the account must hold to the last cancellation: who is composed of whom."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfptm.cli.operating import operations_of, transacts
from hfptm.cli.paper import thrown_by_signal, ticking, trading
from hfptm.cli.recording import Shown, stopped_by_signals, told_to_systemd

if TYPE_CHECKING:
    from hfptm.cli.publishing import Publisher
    from hfptm.config import Config
    from hfptm.drive.inputs import Start
    from hfptm.drive.live import Live
    from hfptm.drive.loop import Loop
    from hfptm.drive.operations import Operations
    from hfptm.drive.shadow import Shadow
    from hfptm.secrets import Secrets

DRAIN_S = 20.0
"""How long plans under way are given to end by themselves."""

HALTED = "halted"
"""The latch of the kill switch: nothing can end by itself then."""

_LOOK_S = 0.05


async def traded(
    settings: "Config",
    data: Path,
    account_of: "tuple[Start, Secrets]",
    limit_ns: int | None,
    shown: Shown,
) -> dict[str, Any]:
    """The summary of a run that has ended as it is meant to, with nothing of it open."""
    from hfptm.cli.publishing import Publisher
    from hfptm.clock import monotonic_ns, wall_ns
    from hfptm.config import as_toml, limits
    from hfptm.drive.clob import Clob
    from hfptm.drive.desk import Desk
    from hfptm.drive.inputs import SHADOW, InputLog
    from hfptm.drive.live import Live
    from hfptm.drive.loop import Loop
    from hfptm.drive.operation_log import OperationLog, write_unredeemed
    from hfptm.drive.order_log import ORDERS, SHADOW_ORDERS, OrderLog
    from hfptm.drive.order_notes import OrderNotes
    from hfptm.drive.shadow import Shadow
    from hfptm.drive.trading_view import TradingView
    from hfptm.engine import Output
    from hfptm.journal import RunJournal
    from hfptm.parquet import sync_folder
    from hfptm.venue.account import Account
    from replay.driver import new_run_id
    from replay.metrics import Tally
    from replay.paper_run import close_run, sink_of
    from replay.rerun import engine_of

    start, secrets = account_of
    account, tally = Account(secrets), Tally()
    operations: Operations | None = None
    async with Clob(settings.server.clob_url, account) as clob:
        with (
            RunJournal(data, new_run_id(wall_ns()), as_toml(settings)) as journal,
            Publisher(data, start.mode, journal.path.name) as publisher,
        ):
            keep, began_ns = sink_of(journal, tally), monotonic_ns()
            desk = Desk(lambda market: engine.slots.markets[market])

            def sink(output: Output) -> None:
                desk.take(output.intents)  # first: what it writes before it sends can tell the rest
                publisher.take(output)
                keep(output)
                if operations:
                    operations.take(output.intents)

            engine = engine_of(limits(settings), start, sink)
            folder, is_shadow = journal.folder, start.mode == SHADOW
            with (
                InputLog(folder, start) as inputs,
                OrderLog(folder, SHADOW_ORDERS if is_shadow else ORDERS) as orders,
                OperationLog(folder) as transactions,
            ):
                sync_folder(folder)
                note = OrderNotes(inputs, orders, desk)

                loop = Loop(engine, inputs, wall_ns(), start.portfolio.markets)
                publisher.follow(TradingView(engine, loop, tally.copy, start))
                url = settings.server.user_ws_url
                trader = (
                    Shadow(account, desk, note)
                    if is_shadow
                    else Live(clob, account, url, desk, note, loop.hear)
                )
                if not is_shadow and transacts(settings, secrets):
                    logs = inputs, transactions
                    operations = operations_of(settings, secrets, data, logs, (engine, loop))
                    operations.watch(start.portfolio.markets)
                    operations.watch(start.unredeemed, are_over=True)
                driven = loop, trader, operations
                await until_stopped(settings, publisher, driven, limit_ns, shown)
            write_unredeemed(folder, operations.unredeemed() if operations else start.unredeemed)
            return close_run(data, journal, engine, tally, monotonic_ns() - began_ns)


async def until_stopped(
    settings: "Config",
    publisher: "Publisher",
    driven: "tuple[Loop, Live | Shadow, Operations | None]",
    limit_ns: int | None,
    shown: Shown,
) -> None:
    """Trade, until told to stop and nothing is open any more."""
    import gc
    from contextlib import nullcontext

    from hfptm.clock import monotonic_ns, wall_ns, wall_offset_ns
    from hfptm.drive.clock_watch import ClockWatch
    from hfptm.drive.kill_switch import KillSwitch
    from hfptm.records import Control
    from recorder.service import Service

    data, ended = publisher.data, asyncio.Event()
    (loop, trader, operations), switch = driven, KillSwitch(data)
    watch = ClockWatch(wall_offset_ns())

    def tick(now_ns: int) -> None:
        if word := switch.look(monotonic_ns()):
            loop.control(word)
            if word is Control.HALT:
                trader.halt()
        loop.tick(now_ns)
        trader.check()
        if operations:
            operations.check()
        watch.look(wall_offset_ns())

    thrown_by_signal(switch)
    gc.collect()
    gc.freeze()
    async with ticking(tick, ended), operations or nullcontext(), trader:
        draining = asyncio.create_task(drain(loop, limit_ns, ended))
        try:
            with told_to_systemd() as told:
                heard = [
                    told,
                    publisher.note,
                    lambda status: shown(status, trading(loop.status)),
                ]
                service = Service(settings, data, heard, loop)
                async with publisher.telling(service):
                    await service.run(ended)
        finally:
            is_told = draining.done()
            draining.cancel()
            if not is_told and loop.status.rows:  # without any there is nothing to halt
                loop.control(Control.HALT)
    loop.tick(wall_ns())


async def drain(loop: "Loop", limit_ns: int | None, ended: asyncio.Event) -> None:
    """When told to stop: nothing begins, what is under way may end, then nothing leaves."""
    from hfptm.records import Control
    from hfptm.units import NS_PER_S

    stop = stopped_by_signals()
    if limit_ns is not None:
        asyncio.get_running_loop().call_later(limit_ns / NS_PER_S, stop.set)
    await stop.wait()
    loop.control(Control.STOP)
    for _ in range(round(DRAIN_S / _LOOK_S)):
        if loop.status.under_way == 0 or loop.status.latch == HALTED:
            break
        await asyncio.sleep(_LOOK_S)
    loop.control(Control.HALT)
    ended.set()
