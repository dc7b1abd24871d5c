"""The write-ahead log's format: rows that were received and are in no sealed file yet.

    header  "hfptmwal", format version u16, schema version u16
    block   "HFWB", length of the body u32 (never 0), CRC-32 of the body u32, body
    body    an Arrow stream (zstd, or not compressed) of one batch of rows

Integers are little-endian. A log is read block by block up to the first that is not whole: a torn
or zero-filled tail is what a crash leaves, and none of its rows is ever read in part.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from itertools import islice, zip_longest
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from hfptm.clock import NS_MAX
from hfptm.errors import LakeError
from hfptm.parquet import sorted_by_time
from hfptm.records import SCHEMA_VERSION

SUFFIX = ".wal"

_MAGIC = b"HFWB"
_HEADER = struct.Struct("<8sHH")
_FRAME = struct.Struct("<4sII")

HEADER = _HEADER.pack(b"hfptmwal", 1, SCHEMA_VERSION)

BODY_BYTES_MAX = 1 << 30
"""No writer makes a longer body, so a longer one is damage and is not read into memory."""

_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"

_ZSTD = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1), use_threads=False)
"""Level 1: the log lives for an hour at most, the processor's time is the recorder's."""


def encode_block(batch: pa.RecordBatch) -> bytes:
    """One block; compression and checksum run without the interpreter's lock."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=_ZSTD) as stream:
        stream.write_batch(batch)
    return _framed(sink.getvalue())


def encode_at_once(batch: pa.RecordBatch) -> bytes:
    """One block, not compressed, in a tenth of the time: for a few rows that somebody waits for."""
    begin, end = _stream_of(batch.schema)
    return _framed(b"".join([begin, batch.serialize(), end]))


@lru_cache(maxsize=8)
def _stream_of(schema: pa.Schema) -> tuple[bytes, bytes]:
    """What stands before and behind the batches of an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema):
        pass
    stream: bytes = sink.getvalue().to_pybytes()
    return stream[: -len(_END_OF_STREAM)], _END_OF_STREAM


def _framed(body: bytes) -> bytes:
    return b"".join([_FRAME.pack(_MAGIC, len(body), zlib.crc32(body)), body])


def read_batches(file: BinaryIO, columns: list[int] | None = None) -> Iterator[pa.RecordBatch]:
    """The batches of a log open at its start, only `columns` (by index) of them if given.

    Afterwards the file stands at the first byte that belongs to no whole block. Raises LakeError
    for a file that is no log, or one of another version.
    """
    if _begins_whole(file):
        yield from read_on(file, columns)


def read_on(file: BinaryIO, columns: list[int] | None = None) -> Iterator[pa.RecordBatch]:
    """As `read_batches`, of a log that stands behind its header or a block: it may have grown."""
    options = pa.ipc.IpcReadOptions(included_fields=columns, use_threads=False)
    while body := _read_body(file):
        with pa.ipc.open_stream(body, options=options) as stream:
            yield stream.read_next_batch()


def read_in_order(file: BinaryIO) -> Iterator[pa.Table]:
    """As `read_batches`, the rows by their first column, a time; of one time in order of writing.

    Clocks are set back at times: rows wait while the log still holds an earlier one.
    """
    start = file.tell()
    lowest = [batch.column(0).to_numpy().min() for batch in read_batches(file, columns=[0])]
    earliest_ns = np.minimum.accumulate(lowest[::-1])[::-1].tolist() if lowest else []
    file.seek(start)
    waiting: list[pa.Table] = []
    # Not one block more than the first pass saw: the log may be growing.
    batches = islice(read_batches(file), len(lowest))
    for next_ns, batch in zip_longest(earliest_ns[1:], batches, fillvalue=NS_MAX):
        table = sorted_by_time(pa.concat_tables([*waiting, pa.Table.from_batches([batch])]))
        ready = int(np.searchsorted(table.column(0).to_numpy(), next_ns, side="right"))
        waiting = [table.slice(ready)]
        yield table.slice(0, ready)


def goes_on(file: BinaryIO) -> bool:
    """Whether a whole block lies behind the place where `read_batches` stopped.

    A crash leaves none: the medium was damaged, and rows would be lost with the log.
    """
    rest = file.read()
    start = rest.find(_MAGIC, 1)
    while start >= 0:
        if _is_whole_at(rest, start):
            return True
        start = rest.find(_MAGIC, start + 1)
    return False


def logs(folder: Path) -> list[Path]:
    """Every log of a folder, oldest name first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


@contextmanager
def open_logs(folder: Path) -> Iterator[dict[str, BinaryIO]]:
    """Every log by its segment, open: it can be read on while it is sealed and removed."""
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for log in logs(folder):
            with suppress(FileNotFoundError):  # sealed since it was listed
                files[log.stem] = stack.enter_context(log.open("rb"))
        yield files


def _begins_whole(file: BinaryIO) -> bool:
    """False if a crash left the log without its header."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or not any(header):
        return False
    magic, version, schema_version = _HEADER.unpack(header)
    if magic != HEADER[:8]:
        raise LakeError(f"{file.name}: not a log of the recorder; move it out of this folder")
    if header != HEADER:
        raise LakeError(
            f"{file.name}: log version {version} with schema version {schema_version}, this hfptm "
            f"reads 1 with {SCHEMA_VERSION}; seal it with `hfptm` of the version that wrote it"
        )
    return True


def _read_body(file: BinaryIO) -> bytes | None:
    start = file.tell()
    frame = file.read(_FRAME.size)
    body = file.read(_body_bytes(frame))
    if _is_whole(frame, body):
        return body
    file.seek(start)
    return None


def _is_whole_at(data: bytes, start: int) -> bool:
    frame = data[start : start + _FRAME.size]
    body_start = start + len(frame)
    return _is_whole(frame, data[body_start : body_start + _body_bytes(frame)])


def _is_whole(frame: bytes, body: bytes) -> bool:
    is_all_there = 0 < _body_bytes(frame) == len(body)
    return is_all_there and zlib.crc32(body) == _FRAME.unpack(frame)[2]


def _body_bytes(frame: bytes) -> int:
    """Length of the body that follows; 0 if these bytes begin no block."""
    if len(frame) < _FRAME.size:
        return 0
    magic, length, _ = _FRAME.unpack(frame)
    return length if magic == _MAGIC and length <= BODY_BYTES_MAX else 0
