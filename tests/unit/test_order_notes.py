"""What is written of orders before they leave, and what is on the disk soon after."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hfptm.drive.desk import Desk
from hfptm.drive.inputs import InputLog, Start, read_inputs
from hfptm.drive.order_log import OrderLog, read_orders
from hfptm.drive.order_notes import OrderNotes
from hfptm.records import BUY, Token
from hfptm.units import ONE_E6
from hfptm.venue.account import Account, Placement, SignedOrder
from tests.tapes import START_NS, make_market, make_rows
from tests.unit.test_loop import SECRETS


def signed() -> SignedOrder:
    placement = Placement(
        order=7,
        decided_ns=START_NS,
        market=make_market("one", yes_token="1", no_token="2"),
        token=Token.YES,
        side=BUY,
        price_e4=5_000,
        size_e6=10 * ONE_E6,
    )
    return Account(SECRETS).sign(placement, START_NS)


def noted(folder: Path, use: Callable[[OrderNotes, Desk], Awaitable[None]]) -> None:
    async def work() -> None:
        desk = Desk({7: make_market("one")}.__getitem__)
        with InputLog(folder, Start(mode="live")) as inputs, OrderLog(folder) as orders:
            inputs.append(make_rows([START_NS]))
            await use(OrderNotes(inputs, orders, desk), desk)
            await desk.idle()

    asyncio.run(work())


def test_all_is_written_in_the_call_and_synced_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def fdatasync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)

    async def use(notes: OrderNotes, desk: Desk) -> None:
        notes([signed()])
        assert synced == [], "the order has not left yet"
        assert [line.order for line in read_orders(tmp_path)] == [7]
        assert [len(rows) for _, rows in read_inputs(tmp_path)] == [1]
        await desk.idle()
        assert synced == ["listings.jsonl", "inputs.wal", "orders.jsonl"]
        desk.check()

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    noted(tmp_path, use)


def test_a_disk_that_fails_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fdatasync(_: int) -> None:
        raise OSError("input/output error")

    async def use(notes: OrderNotes, desk: Desk) -> None:
        notes([signed()])
        await desk.idle()
        with pytest.raises(OSError, match="input/output"):
            desk.check()

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    noted(tmp_path, use)
