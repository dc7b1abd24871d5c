"""From the write-ahead log to sealed segments of the lake, in a process of its own.

A log's segment bears the log's name and is published before the log is removed; the same rows give
the same bytes. So a crash anywhere leaves nothing that sealing once more does not set right.

Run as a program it seals logs: `python -m recorder.sealer DATA LOG…`, at the lowest priority.
"""

import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from hfptm.clock import NS_MAX
from hfptm.errors import HfptmError, LakeError
from hfptm.lake import SCHEMAS, Kind, Lake
from hfptm.parquet import sync_folder
from hfptm.wal import goes_on, read_batches

DAMAGED_SUFFIX = ".damaged"


def seal(lake: Lake, log: Path) -> list[Path]:
    """Publish a log's rows and remove it; returns the files that are new. Waits for its writer.

    Nothing if another process sealed it meanwhile. A log with whole blocks behind a damaged place
    is kept under another name after the rows before it are sealed, and LakeError says so.
    """
    try:
        file = log.open("rb")
    except FileNotFoundError:
        return []
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not os.fstat(file.fileno()).st_nlink:
            return []
        lake.clean(log.stem)
        writer = lake.writer(Kind.RAW, log.stem)
        try:
            for table in _in_order(file):
                writer.append(table)
            changed = writer.close()
        except (OSError, HfptmError):
            writer.discard()
            raise
        _retire(log, file)
    return changed


def _retire(log: Path, file: BinaryIO) -> None:
    damaged_at = file.tell()
    if not goes_on(file):
        log.unlink()
        sync_folder(log.parent)
        return
    kept = log.rename(log.with_name(log.name + DAMAGED_SUFFIX))
    sync_folder(log.parent)
    raise LakeError(
        f"{kept}: damaged at byte {damaged_at}, with whole blocks behind it; the rows before it "
        "are sealed, the file was kept: check the disk, then remove it"
    )


def _in_order(file: BinaryIO) -> Iterator[pa.Table]:
    """The log's rows by receive time, of one time in order of receipt.

    Clocks are set back at times; rows wait while the log still holds an earlier one.
    """
    earliest_ns = _earliest_from_each_block_on(file)
    file.seek(0)
    waiting = SCHEMAS[Kind.RAW].empty_table()
    for batch, next_ns in zip(read_batches(file), [*earliest_ns[1:], NS_MAX], strict=True):
        waiting = _sorted(pa.concat_tables([waiting, pa.Table.from_batches([batch])]))
        ready = int(np.searchsorted(waiting.column(0).to_numpy(), next_ns, side="right"))
        yield waiting.slice(0, ready)
        waiting = waiting.slice(ready)


def _earliest_from_each_block_on(file: BinaryIO) -> list[int]:
    lowest = [batch.column(0).to_numpy().min() for batch in read_batches(file, columns=[0])]
    return np.minimum.accumulate(lowest[::-1])[::-1].tolist() if lowest else []


def _sorted(table: pa.Table) -> pa.Table:
    ts_ns = table.column(0).to_numpy()
    if np.all(ts_ns[1:] >= ts_ns[:-1]):
        return table
    return table.take(np.argsort(ts_ns, kind="stable"))


def main(arguments: Sequence[str]) -> int:
    os.nice(19)
    lake = Lake(Path(arguments[0]))
    failed = 0
    for log in arguments[1:]:
        try:
            seal(lake, Path(log))
        except (OSError, HfptmError) as error:
            failed = 1
            sys.stderr.write(f"{log}: {error}\n")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
