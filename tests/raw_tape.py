"""What a recorder's raw rows give, read again: a tape, its gaps, and what can be proved."""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hfptm.book_check import BookCheck
from hfptm.certificate import Findings
from hfptm.lake import Gap, Lake
from hfptm.normaliser.normaliser import Normaliser, Rows
from hfptm.records import EventKind, Side
from hfptm.registry import Market
from recorder.hash_agreement import HashAgreement

Book = tuple[list[tuple[int, int]], list[tuple[int, int]]]
"""Bids and asks by price_e4 and size_e6, the best one first."""


class Row(NamedTuple):
    ts_recv_ns: int
    connection: int
    kind: int
    payload: bytes


class Tape:
    """What a folder's raw rows give: gaps, books, and what can be proved."""

    def __init__(self, folder: Path, markets: list[Market]) -> None:
        self.raw: list[Row] = []
        self.gaps: dict[int, list[Gap]] = defaultdict(list)
        self.findings: dict[int, Findings] = defaultdict(Findings)
        normaliser, hashes = Normaliser(markets), HashAgreement(markets)
        check = BookCheck(markets)
        for table in Lake(folder).scan_raw(tail=True):
            for row in table.to_pylist():
                payload, kind = row["payload"], row["kind"]
                self.raw.append(Row(row["ts_recv_ns"], row["connection"], kind, payload))
                normaliser.receive(row["ts_recv_ns"], row["line"], row["connection"], kind, payload)
                hashes.receive(row["connection"], kind, payload, self.findings)
        rows = normaliser.take()
        self.rows: dict[int, Rows] = {m.market: rows[rows["market"] == m.market] for m in markets}
        for gap in [*normaliser.take_gaps(), *normaliser.unseen.values()]:
            self.gaps[gap.market].append(gap)
        check.feed(rows)
        for market, found in check.take().items():
            self.findings[market].mismatches += int(found["mismatches"])
            self.findings[market].doubted += int(found["doubted"] + found["mirror_breaks"])

    def book(self, market: int, until_ns: int = 1 << 62) -> Book:
        """As its rows until then give it."""
        levels: dict[tuple[int, int], int] = {}
        for row in self.rows[market]:
            if row["ts_recv_ns"] > until_ns:
                break
            if row["kind"] in (EventKind.SNAPSHOT, EventKind.TICK):
                levels.clear()
            elif row["kind"] == EventKind.LEVEL:
                levels[int(row["side"]), int(row["price_e4"])] = int(row["size_e6"])
        there = [(side, price, size) for (side, price), size in levels.items() if size]
        bids = [(price, size) for side, price, size in there if side == Side.BID]
        asks = [(price, size) for side, price, size in there if side == Side.ASK]
        return sorted(bids, reverse=True), sorted(asks)

    def snapshots(self, market: int) -> Rows:
        rows = self.rows[market]
        return np.asarray(rows[rows["kind"] == EventKind.SNAPSHOT])

    def is_flagged(self, market: int) -> bool:
        """Whether the certificate shows that something of it is missing."""
        found = self.findings[market]
        return bool(found.mismatches or found.doubted or found.hashes_bad)
