"""Orders of a killed run: what was told of them before is told no second time."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from hfptm.drive.inputs import InputLog, Start, read_inputs
from hfptm.drive.operation_log import OperationKind, OperationLine
from hfptm.drive.order_log import OrderLine
from hfptm.drive.owed import owed_merges, owed_orders, told_fills
from hfptm.errors import LakeError
from hfptm.records import BUY, EVENT, INTENT, EventFlag, EventKind, OrderType
from hfptm.units import NS_PER_S, ONE_E6
from hfptm.venue.account import SignedFields
from hfptm.venue.own_order import Fill
from hfptm.venue.transaction import Sent
from tests.own_orders import NOW_NS, feed_of, own_order, told
from tests.tapes import START_NS, Rows, make_market, make_rows

MINE = "0xaa"
FILL, CONFIRMED, FAILED, DONE, REJECT, ACK = (
    EventKind.FILL,
    EventKind.FILL_CONFIRMED,
    EventKind.FILL_FAILED,
    EventKind.DONE,
    EventKind.REJECT,
    EventKind.ACK,
)


def trade(number: int, status: str, size: str = "10") -> bytes:
    message: dict[str, Any] = {
        "event_type": "trade",
        "id": f"t{number}",
        "market": "0xc0",
        "status": status,
        "taker_order_id": MINE,
        "size": size,
        "price": "0.52",
        "timestamp": "1793000000600",
    }
    return msgspec.json.encode(message)


def fill(status: str, shares: int = 10) -> Fill:
    return Fill(5_200, shares * ONE_E6, status)


@pytest.mark.parametrize(
    ("before", "trades", "expected"),
    [
        ([], ["MATCHED"], ["FILL"]),
        (["MATCHED"], ["MATCHED"], []),
        (["MATCHED"], ["CONFIRMED"], ["FILL_CONFIRMED"]),
        (["MATCHED"], ["FAILED"], ["FILL_FAILED"]),
        (["CONFIRMED"], ["CONFIRMED"], []),
        (["FAILED"], ["FAILED"], []),
        (["CONFIRMED", "MATCHED"], ["CONFIRMED", "CONFIRMED"], ["FILL_CONFIRMED"]),
        (["MATCHED", "CONFIRMED"], ["CONFIRMED", "MATCHED"], []),
        (["MATCHED"], ["MATCHED", "CONFIRMED"], ["FILL", "FILL_CONFIRMED"]),
        (["CONFIRMED"], ["MATCHED", "CONFIRMED"], None),
    ],
)
def test_equal_trades_are_told_as_often_as_there_are(
    before: list[str], trades: list[str], expected: list[str] | None
) -> None:
    """They come in any order, and again and again."""
    for order in (trades, trades[::-1]):
        own_one = own_order(MINE, told=[fill(status) for status in before])
        feed, own = feed_of(own_one)
        for number, status in enumerate(order):
            feed.receive(trade(number, status), NOW_NS)
            feed.receive(trade(number, status), NOW_NS)
        kinds = [kind for kind, *_ in told(own.take())]
        ends = [s for s in before if s != "MATCHED"]
        fills = len(before) + kinds.count("FILL")
        settled = len(ends) + kinds.count("FILL_CONFIRMED") + kinds.count("FILL_FAILED")
        assert fills == max(len(before), len(trades))
        assert settled >= sum(status != "MATCHED" for status in trades)
        if expected is not None:
            assert sorted(kinds) == sorted(expected)
        assert own_one.matched_e6 == len(trades) * 10 * ONE_E6


def rows_of(*rows: tuple[int, EventKind, int]) -> Rows:
    """(order, kind, shares) at 0.52."""
    made = np.zeros(len(rows), EVENT)
    for row, (order, kind, shares) in zip(made, rows, strict=True):
        row["aux"], row["kind"], row["size_e6"] = order, kind, shares * ONE_E6
        row["price_e4"] = 5_200
    return made


def line(order: int) -> OrderLine:
    names = SignedFields.__struct_fields__
    values = {name: 0 if name in ("salt", "signature_type") else "" for name in names}
    fields = SignedFields(**values)  # type: ignore[arg-type]
    return OrderLine(order_id=f"0x{order}", order=order, market=7, fields=fields)


def test_what_is_settled_is_not_asked_for() -> None:
    intents = np.zeros(5, INTENT)
    intents["order"], intents["ts_ns"] = range(1, 6), START_NS
    intents["order_type"], intents["size_e6"] = OrderType.FAK, 30 * ONE_E6
    intents["order_type"][4] = OrderType.GTC
    rows = rows_of(
        (1, FILL, 10),
        (1, CONFIRMED, 10),
        (1, DONE, 20),
        (2, REJECT, 30),
        (3, FILL, 10),
        (3, FILL, 10),
        (3, DONE, 10),
        (3, FAILED, 10),
        (5, ACK, 0),
    )
    markets = {7: make_market("one")}
    owed = owed_orders([line(order) for order in range(1, 6)], intents, rows, markets)
    assert [own.order for own in owed] == [3, 4, 5]
    assert [[told.status for told in own.told] for own in owed] == [["FAILED", "MATCHED"], [], []]
    assert [own.is_immediate for own in owed] == [True, True, False]
    assert {(own.side, own.size_e6, own.sent_ns) for own in owed} == {(BUY, 30 * ONE_E6, START_NS)}


def test_an_order_whose_decision_is_lost_is_named() -> None:
    with pytest.raises(LakeError, match=r"the order 0x9 was sent.*move the run's folder"):
        owed_orders([line(9)], np.zeros(0, INTENT), rows_of(), {})


def test_who_rested_is_remembered() -> None:
    rows = rows_of((1, FILL, 10))
    rows["flags"] = EventFlag.MAKER
    assert told_fills(list(rows)) == [Fill(5_200, 10 * ONE_E6, "MATCHED", is_maker=True)]


def test_inputs_go_on_behind_the_last_whole_block(tmp_path: Path) -> None:
    """A torn block is cut off, and so are listings of rows that are lost."""
    inputs = InputLog(tmp_path, Start(mode="live"))
    with inputs:
        inputs.append(make_rows([START_NS]))
        inputs.flush()
        whole = (tmp_path / "inputs.wal").stat().st_size
        inputs.append(make_rows([START_NS + 1, START_NS + 2]))
        inputs.list_more([make_market("lost")], [])
    path = tmp_path / "inputs.wal"
    path.write_bytes(path.read_bytes()[:-1])
    with InputLog(tmp_path, None):
        pass
    assert path.stat().st_size == whole
    with InputLog(tmp_path, None) as inputs:
        assert inputs.rows == 1
        inputs.append(make_rows([START_NS + NS_PER_S]))
        inputs.list_more([make_market("later")], [])
        inputs.append(make_rows([START_NS + 2 * NS_PER_S]))
    steps = list(read_inputs(tmp_path))
    assert [[market.slug for market in listing.markets] for listing, _ in steps] == [[], ["later"]]
    times = [(rows["ts_recv_ns"] - START_NS).tolist() for _, rows in steps]
    assert times == [[0, NS_PER_S], [2 * NS_PER_S]]


def operation(kind: OperationKind, order: int) -> OperationLine:
    sent = Sent(hash=f"0x{order:x}", nonce=order, raw="0x")
    return OperationLine(kind=kind, market=make_market("one"), sent=sent, order=order)


def test_merges_are_owed_until_somebody_told_their_end() -> None:
    lines = [operation(OperationKind.MERGE, order) for order in (1, 2, 3)]
    lines.append(operation(OperationKind.REDEEM, 0))
    rows = np.zeros(3, EVENT)
    rows["kind"] = EventKind.SETTLED, EventKind.REJECT, EventKind.UNKNOWN
    rows["aux"] = 1, 2, 3
    assert [line.order for line in owed_merges(lines, rows)] == [3]
