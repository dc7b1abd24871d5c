"""Rows as the recorder receives them, and the account of what became of them."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pyarrow as pa

from hfptm.lake import Lake
from hfptm.raw import Loss, RawKind
from recorder.writer import RawRow

START_NS = 1_777_428_000_000_000_000
"""2026-04-29 02:00:00Z."""


def row(seq: int, *, ts_ns: int = 0, connection: int = 1) -> RawRow:
    """A frame of 600 bytes that says whose it is, and of which half is left when compressed."""
    digits = hashlib.shake_128(f"{connection} {seq}".encode()).hexdigest(300)
    payload = f'{{"hash":"{digits}"}}'.encode()
    return ts_ns or START_NS + seq * 1_000_000, seq, 0, connection, seq, RawKind.FRAME, payload


def read(data: Path, *, tail: bool = False) -> pa.Table:
    tables = list(Lake(data).scan_raw(tail=tail))
    return pa.concat_tables(tables) if tables else pa.table({"seq": [], "connection": []})


def frames(table: pa.Table) -> dict[int, list[int]]:
    """Sequence numbers of the frames by connection, in the table's order."""
    found: dict[int, list[int]] = {}
    for item in table.to_pylist():
        if item["kind"] == RawKind.FRAME:
            assert item["payload"] == row(item["seq"], connection=item["connection"])[6]
            found.setdefault(item["connection"], []).append(item["seq"])
    return found


def losses(table: pa.Table) -> list[tuple[int, int, Loss]]:
    """Connection, last lost sequence number, and the rest of every loss."""
    return [
        (item["connection"], item["seq"], msgspec.json.decode(item["payload"], type=Loss))
        for item in table.to_pylist()
        if item["kind"] == RawKind.LOSS
    ]


def accounted(table: pa.Table, connection: int) -> Counter[int]:
    """How often each sequence number is there or said to be lost; a whole account is all ones."""
    seen = Counter(frames(table).get(connection, []))
    for of, to_seq, loss in losses(table):
        if of == connection:
            lost = range(loss.from_seq, to_seq + 1)
            assert loss.rows == len(lost)
            seen.update(lost)
    return seen


def ones(seqs: Iterable[int]) -> Counter[int]:
    return Counter(dict.fromkeys(seqs, 1))
