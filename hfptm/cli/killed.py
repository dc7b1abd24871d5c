"""What `hfptm live` does about a live run that was killed, before it begins another."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from hfptm.cli.operating import operations_of, transacts
from hfptm.cli.output import say

if TYPE_CHECKING:
    from hfptm.config import Config
    from hfptm.secrets import Secrets


def close_runs(settings: "Config", data: Path, secrets: "Secrets") -> None:
    """End what killed runs have left open, and close them."""
    from replay.paper_run import recover

    killed = killed_runs(data)
    for run_id in recover(data):
        say(f"the run {run_id} was killed before it sent an order, and is closed")
    for partial in killed:
        asyncio.run(close_killed(settings, data, secrets, partial))
        say(f"the run {partial.stem} was killed; what became of its orders was asked, it is closed")


def close_shadows(data: Path) -> None:
    """Close what sent nothing. Raises LakeError for a killed run that did: its orders have to be
    cancelled, and a shadow cancels nothing."""
    from hfptm.errors import LakeError
    from replay.paper_run import recover

    if killed := killed_runs(data):
        named = ", ".join(partial.stem for partial in killed)
        raise LakeError(f"the live run {named} was killed; `hfptm live` without --shadow closes it")
    for run_id in recover(data):
        say(f"the run {run_id} was killed; it had sent nothing, and is closed")


async def close_killed(settings: "Config", data: Path, secrets: "Secrets", partial: Path) -> None:
    """Cancel every order, feed what the exchange says of those of the run, and close it.

    Nothing but cancellations leaves. What it holds then is what the next run begins with.
    """
    from contextlib import nullcontext

    import numpy as np

    from hfptm.clock import monotonic_ns, wall_ns
    from hfptm.drive.clob import Clob
    from hfptm.drive.desk import Desk
    from hfptm.drive.inputs import InputLog, read_inputs, read_start
    from hfptm.drive.live import Live
    from hfptm.drive.loop import Loop
    from hfptm.drive.operation_log import read_operations, write_unredeemed
    from hfptm.drive.order_log import read_orders
    from hfptm.drive.owed import owed_merges, owed_orders
    from hfptm.engine import Output, compile_kernels
    from hfptm.journal import RunJournal
    from hfptm.records import Control, IntentKind
    from hfptm.venue.account import Account
    from replay.metrics import Tally
    from replay.paper_run import close_run, sink_of
    from replay.rerun import rerun

    compile_kernels()
    account, tally, outputs = Account(secrets), Tally(), list[Output]()
    config, url = (partial / "config.toml").read_text(), settings.server.user_ws_url
    with RunJournal(data, partial.stem, config, is_again=True) as journal:
        keep, began_ns = sink_of(journal, tally), monotonic_ns()

        def sink(output: Output) -> None:
            keep(output)
            outputs.append(output)

        engine = rerun(partial, sink)
        steps, start = list(read_inputs(partial)), read_start(partial)
        held = start.portfolio.markets
        markets = {m.market: m for m in [*held, *(m for step, _ in steps for m in step.markets)]}
        intents = np.concatenate([output.intents for output in outputs])
        told = np.concatenate([rows for _, rows in steps])
        owed = owed_orders(read_orders(partial), intents, told, markets)
        merges = owed_merges(read_operations(partial), told)
        with InputLog(partial, None) as inputs:
            loop = Loop(engine, inputs, max(wall_ns(), engine.last_row_ns), markets.values())
            loop.control(Control.HALT)
            operations = None
            if transacts(settings, secrets):
                operations = operations_of(settings, secrets, data, None, (engine, loop))
                placed = set(intents["market"][intents["kind"] == IntentKind.PLACE].tolist())
                operations.watch(start.unredeemed, are_over=True)
                operations.watch([*held, *(markets[market] for market in placed)])
            async with (
                Clob(settings.server.clob_url, account) as clob,
                operations or nullcontext(),
            ):
                if operations:
                    operations.take_over(merges)
                desk = Desk(markets.__getitem__)
                async with Live(clob, account, url, desk, lambda _: None, loop.hear) as trader:
                    trader.take_over(owed)
            loop.tick(wall_ns())
        if operations:
            operations.check()
        write_unredeemed(partial, operations.unredeemed() if operations else start.unredeemed)
        close_run(data, journal, engine, tally, monotonic_ns() - began_ns)


def killed_runs(data: Path) -> list[Path]:
    """Folders of live runs with orders that nobody has asked for since. Raises LakeError if one is
    still under way."""
    from hfptm.errors import LakeError
    from hfptm.journal import partial_runs
    from hfptm.presence import unread
    from replay.paper_run import has_orders

    killed = [partial for partial in partial_runs(data) if has_orders(partial)]
    for partial in killed:
        with unread(partial) as is_free:
            if not is_free:
                raise LakeError(f"the live run {partial.stem} is under way; end it first")
    return killed
