"""Frames for tests of decoding: small ones made by hand, and those of the shared capture."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hfptm.records import EVENT, EventFlag, EventKind
from hfptm.registry import Market, market_id
from hfptm.venue.market_feed import MarketFeed

YES, NO = "71", "72"
CONDITION = "0x" + "c0" * 32
TS_MS = 1_793_000_000_123
RECV_NS = 1_793_000_000_150_000_000

Rows = npt.NDArray[np.void]


def make_market(
    condition_id: str = CONDITION, yes: str = YES, no: str = NO, tick_e4: int = 100
) -> Market:
    return Market(
        market=market_id(condition_id),
        condition_id=condition_id,
        yes_token=yes,
        no_token=no,
        slug="made-up",
        question="Made up?",
        category="crypto",
        group=0,
        tick_e4=tick_e4,
        min_size_e6=5_000_000,
        fee_rate_e4=700,
        fee_exponent=1,
        neg_risk=False,
        version="v1",
        end_ts_ns=0,
        valid_from_ns=0,
    )


def frame(event_type: str, **fields: Any) -> bytes:
    """One message of the made-up market as an object frame."""
    return json.dumps(message(event_type, **fields)).encode()


def message(event_type: str, **fields: Any) -> dict[str, Any]:
    head = {"event_type": event_type, "market": CONDITION, "timestamp": str(TS_MS)}
    return head | fields


def change(asset_id: str, side: str, price: str, size: str, **fields: Any) -> dict[str, Any]:
    return {"asset_id": asset_id, "side": side, "price": price, "size": size} | fields


def levels(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"price": price, "size": size} for price, size in pairs]


def decode_all(feed: MarketFeed, *frames: bytes) -> Rows:
    for payload in frames:
        feed.receive(payload, RECV_NS)
    return feed.take()


def flags_of(row: np.void) -> set[EventFlag]:
    return {flag for flag in EventFlag if flag & int(row["flags"])}


def kinds_of(rows: Rows) -> list[EventKind]:
    return [EventKind(kind) for kind in rows["kind"]]


def apply_rows(rows: Rows) -> dict[tuple[int, int], int]:
    """The book of one market after its rows: (side, price_e4) to size_e6."""
    assert rows.dtype == EVENT
    book: dict[tuple[int, int], int] = {}
    for row in rows:
        if row["kind"] in (EventKind.SNAPSHOT, EventKind.TICK):
            book.clear()
        elif row["kind"] == EventKind.LEVEL:
            book[int(row["side"]), int(row["price_e4"])] = int(row["size_e6"])
    return {level: size_e6 for level, size_e6 in book.items() if size_e6}


def capture_markets(shared: Path) -> list[Market]:
    lines = (shared / "recordings/raw-updown-15m/markets.jsonl").read_text().splitlines()
    markets = []
    for fields in map(json.loads, lines):
        yes, no = (outcome["token_id"] for outcome in fields["outcomes"])
        markets.append(make_market(fields["condition_id"], yes, no))
    return markets


def capture_frames(shared: Path) -> list[tuple[bytes, int]]:
    """(payload, ts_recv_ns) of the frames and REST books of the exchange, in order."""
    path = shared / "recordings/raw-updown-15m/frames.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [
        (record["payload"].encode(), record["recv_mono_ns"])
        for record in records
        if record["source"] == "polymarket_clob"
    ]
