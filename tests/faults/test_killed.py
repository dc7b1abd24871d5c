"""A gateway that is killed under every fault at once: who takes its orders over tells the rest."""

import asyncio
from collections import Counter

import numpy as np
import pytest

from hfptm.drive.clob import Clob
from hfptm.drive.order_log import OrderLine
from hfptm.drive.owed import owed_orders
from hfptm.records import BUY, INTENT, SELL, EventKind, OrderType, Token
from hfptm.units import ONE_E6
from hfptm.venue.account import SignedOrder, TimeInForce
from tests.e2e.test_live_parts import Trader
from tests.faults.test_gateway import MIXED
from tests.gateway import ADDRESS, SHORT_S, SPLIT_E6, Desk, count_of, desk_of, serving, sum_of
from tests.tapes import Rows

PLANS = 8
LOST_ROWS_MAX = 5
"""What had been told, and was not on disk yet."""

_TYPES = {TimeInForce.FAK: OrderType.FAK, TimeInForce.GTC: OrderType.GTC}


async def traded(desk: Desk, rng: np.random.Generator) -> None:
    """The last plan is on its way when it ends."""
    for fault in MIXED:
        desk.start(fault)
    for _ in range(PLANS):
        legs = [
            desk.placement(
                (BUY, SELL)[rng.integers(2)],
                int(rng.choice([4_000, 5_000, 6_000])),
                size_e6=int(rng.choice([5, 8, 30])) * ONE_E6,
                time_in_force=(TimeInForce.FAK, TimeInForce.GTC)[rng.integers(2)],
            )
            for _ in range(rng.integers(1, 4))
        ]
        sending = asyncio.create_task(desk.gateway.send(legs))
        await asyncio.sleep(float(rng.choice([0.01, 0.1, 0.4])))
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


def journalled(signed: list[SignedOrder]) -> tuple[list[OrderLine], Rows]:
    lines, intents = [], np.zeros(len(signed), INTENT)
    for order, intent in zip(signed, intents, strict=True):
        placement = order.placement
        lines.append(
            OrderLine(
                order_id=order.order_id,
                order=placement.order,
                market=placement.market.market,
                fields=order.fields,
            )
        )
        intent["order"], intent["side"] = placement.order, placement.side
        intent["size_e6"], intent["ts_ns"] = placement.size_e6, int(order.fields.timestamp) * 10**6
        intent["order_type"] = _TYPES[placement.time_in_force]
    return lines, intents


async def killed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    with serving() as (server, market):
        async with desk_of(server, market, deadline_s=SHORT_S) as desk:
            await traded(desk, rng)
        for number in range(len(MIXED)):
            desk.stop(number + 1)
        rows = desk.rows()
        told = rows[: max(0, len(rows) - int(rng.integers(LOST_ROWS_MAX + 1)))]
        owed = owed_orders(*journalled(desk.journal), told, {market.market: market})
        assert len(owed) > 0
        async with Clob(server.clob_url, desk.account) as clob:
            trader = Trader(server, market, clob, desk.account)
            async with trader.live:
                trader.live.take_over(owed)
        check(desk, np.concatenate([told, *trader.blocks]))


def check(desk: Desk, rows: Rows) -> None:
    """All that was told, before and after, is what the exchange's own books say."""
    orders = desk.exchange_orders()
    net_e6: Counter[Token] = Counter()
    for signed in desk.journal:
        placement = signed.placement
        mine = rows[rows["aux"] == placement.order]
        sign = 1 if placement.side == BUY else -1
        filled_e6 = sum_of(mine, EventKind.FILL) - sum_of(mine, EventKind.FILL_FAILED)
        net_e6[placement.token] += sign * filled_e6
        assert count_of(mine, EventKind.FILL) == count_of(mine, EventKind.FILL_CONFIRMED) + (
            count_of(mine, EventKind.FILL_FAILED)
        )
        assert count_of(mine, EventKind.DONE) + count_of(mine, EventKind.REJECT) >= 1
        order = orders.get(signed.order_id)
        assert not (order and order.is_open())
    held = desk.server.run(lambda s: dict(s.exchange.accounts[ADDRESS].shares_e6))
    tokens = (desk.market.yes_token, desk.market.no_token)
    assert [held[t] - SPLIT_E6 for t in tokens] == [net_e6[Token.YES], net_e6[Token.NO]]
    assert Counter(desk.placed) == Counter(orders.keys())


def test_orders_of_a_killed_gateway_are_taken_over() -> None:
    asyncio.run(killed(seed=1))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(200, 220))
def test_orders_of_a_killed_gateway_are_taken_over_by_many_seeds(seed: int) -> None:
    asyncio.run(killed(seed))
