"""From the write-ahead log to sealed segments of the lake, in a process of its own.

A log's segment bears the log's name and is published before the log is removed; the same rows give
the same bytes. So a crash anywhere leaves nothing that sealing once more does not set right.

Run as a program it seals logs: `python -m recorder.seal DATA LOG…`, at the lowest priority.
"""

import fcntl
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from hfptm.errors import HfptmError, LakeError
from hfptm.lake import Kind, Lake
from hfptm.parquet import sync_folder
from hfptm.wal import goes_on, read_in_order

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
            for table in read_in_order(file):
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
