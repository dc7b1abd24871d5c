"""Orders and merges of a killed run of which news is owed, with what its kernel was told of each.

Rows carry no trade ids, so a trade that is heard of again is known by its price and size.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hfptm.drive.operation_log import OperationKind, OperationLine
from hfptm.drive.order_log import OrderLine
from hfptm.errors import LakeError
from hfptm.records import EventFlag, EventKind, OrderType, Side
from hfptm.registry import Market
from hfptm.venue.listings import clob_condition
from hfptm.venue.own_order import CONFIRMED, FAILED, Fill, OwnOrder

Rows = npt.NDArray[np.void]

_MATCHED = "MATCHED"
_ENDS = (int(EventKind.DONE), int(EventKind.REJECT))
_SETTLED = {int(EventKind.FILL_CONFIRMED): CONFIRMED, int(EventKind.FILL_FAILED): FAILED}


def owed_orders(
    lines: Sequence[OrderLine], intents: Rows, told: Rows, markets: Mapping[int, Market]
) -> list[OwnOrder]:
    """Those that are not over, or whose trades are not final. `intents` and `told` are rows of the
    whole run, INTENT and EVENT; `markets` are those of all orders, by lake id.

    Raises LakeError for an order whose decision is lost, which takes a machine that lost power.
    """
    placed = {int(intent["order"]): intent for intent in intents}
    by_order: dict[int, list[np.void]] = {}
    for row in told[told["kind"] >= EventKind.ACK]:
        by_order.setdefault(int(row["aux"]), []).append(row)
    owed = []
    for line in lines:
        if line.order not in placed:
            raise LakeError(
                f"the order {line.order_id} was sent, and its decision was lost with the machine; "
                "look at the exchange for what it has bought or sold, then move the run's folder "
                "out of runs/ and begin with --anew"
            )
        rows = by_order.get(line.order, [])
        fills = told_fills(rows)
        is_over = any(row["kind"] in _ENDS for row in rows)
        if not is_over or any(fill.status == _MATCHED for fill in fills):
            owed.append(_own_order(line, placed[line.order], markets[line.market], fills))
    return owed


def owed_merges(lines: Sequence[OperationLine], told: Rows) -> list[OperationLine]:
    """Merges of which nobody has said whether they went through."""
    is_end = (told["kind"] == EventKind.SETTLED) | (told["kind"] == EventKind.REJECT)
    over = set(told["aux"][is_end].tolist())
    return [line for line in lines if line.kind is OperationKind.MERGE and line.order not in over]


def told_fills(rows: Sequence[np.void]) -> list[Fill]:
    """Of one order, each as it was last told."""
    fills: list[Fill] = []
    for row in rows:
        price_e4, size_e6 = int(row["price_e4"]), int(row["size_e6"])
        if row["kind"] == EventKind.FILL:
            is_maker = bool(row["flags"] & EventFlag.MAKER)
            fills.append(Fill(price_e4, size_e6, _MATCHED, is_maker))
        elif status := _SETTLED.get(int(row["kind"])):
            same = (fill for fill in fills if (fill.price_e4, fill.size_e6) == (price_e4, size_e6))
            next(fill for fill in same if fill.status == _MATCHED).status = status
    return fills


def _own_order(line: OrderLine, intent: np.void, market: Market, fills: list[Fill]) -> OwnOrder:
    return OwnOrder(
        order_id=line.order_id,
        order=line.order,
        market=line.market,
        condition_id=clob_condition(market.condition_id),
        side=Side(intent["side"]),
        size_e6=int(intent["size_e6"]),
        is_immediate=intent["order_type"] in (OrderType.FAK, OrderType.FOK),
        sent_ns=int(intent["ts_ns"]),
        told=fills,
    )
