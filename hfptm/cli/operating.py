"""Merges and redemptions of a live run, as the command composes them."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from hfptm.cli.output import say

if TYPE_CHECKING:
    from hfptm.config import Config
    from hfptm.drive.inputs import InputLog, Start
    from hfptm.drive.loop import Loop
    from hfptm.drive.operation_log import OperationLine, OperationLog
    from hfptm.drive.operations import Operations
    from hfptm.engine import Engine, Rows
    from hfptm.registry import Market
    from hfptm.secrets import Secrets


def transacts(settings: "Config", secrets: "Secrets") -> bool:
    """Whether the account's own transactions can be sent: it holds its funds itself, and a node is
    named."""
    from hfptm.venue.signing import SignatureType

    return bool(settings.server.rpc_url) and secrets.signature_type == SignatureType.EOA


def sets_problem(settings: "Config", secrets: "Secrets") -> str:
    """Why this account cannot do with complete sets what is wanted; empty if it can."""
    wanted = settings.trading.complete_sets
    if wanted == "convert":
        return "is convert, which the exchange's client has no call for; set it to merge or hold"
    if wanted == "merge" and not transacts(settings, secrets):
        return (
            "is merge, which takes an account that holds its own funds (signature_type 0) and a "
            "node, server.rpc_url; set it to hold"
        )
    return ""


def operations_of(
    settings: "Config",
    secrets: "Secrets",
    data: Path,
    logs: "tuple[InputLog, OperationLog] | None",
    driven: "tuple[Engine, Loop]",
) -> "Operations":
    """Those of a run: what its kernel was given is written before each transaction. Without logs
    none leaves: of a run that was killed, what did leave is asked for."""
    from hfptm.drive.kill_switch import reason_of
    from hfptm.drive.operations import Operations

    engine, loop = driven

    def report(rows: "Rows") -> None:
        if engine.rows:  # a run to which no market came is nobody's: its folder is removed
            loop.hear(rows)

    async def note(line: "OperationLine") -> None:
        if logs is None:
            raise ValueError(f"{line.kind} of a run that was killed")
        inputs, log = logs
        inputs.flush()
        log.append_lines(line)
        await asyncio.to_thread(inputs.sync)
        await asyncio.to_thread(log.sync)

    return Operations(
        settings.server,
        secrets,
        note,
        report,
        market_of=lambda market: engine.slots.markets[market],
        is_over=engine.slots.is_over,
        is_halted=lambda: logs is None or reason_of(data) is not None,
    )


async def redeem_left(
    settings: "Config", secrets: "Secrets", data: Path, start: "Start"
) -> "list[Market]":
    """Have shares redeemed that the last run was paid for in the books alone, before the account is
    compared; the markets of those that are still not."""
    from hfptm.drive.operation_log import read_unredeemed
    from hfptm.drive.operations import Operations

    async def forget(_: "OperationLine") -> None:
        """What is redeemed twice is redeemed once: the second finds nothing."""

    left = read_unredeemed(data / "runs" / start.after) if start.after else []
    if left and transacts(settings, secrets):
        async with Operations(
            settings.server,
            secrets,
            forget,
            lambda _: None,
            market_of={market.market: market for market in left}.__getitem__,
            is_over=lambda _: False,
            is_halted=lambda: False,
        ) as operations:
            operations.watch(left, are_over=True)
            await operations.redeem()
            left = operations.unredeemed()
    for market in left:
        say(f"{market.slug} has resolved and is not redeemed; do it on the exchange's site")
    return left
