"""What a running recorder has just made durable, read from its write-ahead log as it grows."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from hfptm.raw import RawKind
from hfptm.wal import logs, read_batches, read_on
from recorder.log import segment_stamp


class Tail:
    """Of the logs that begin at `since_ns` or later. `read` again and again, from one thread."""

    def __init__(self, folder: Path, since_ns: int) -> None:
        self.lost_rows = 0
        """Rows of logs that were sealed before they were opened here, as far as that shows."""
        self._folder = folder
        self._newest = segment_stamp(since_ns)
        self._files: dict[str, BinaryIO] = {}
        self._begun: set[str] = set()
        self._seq: dict[int, int] = {}

    def read(self) -> Iterator[pa.RecordBatch]:
        """What is new, in the order in which it was received."""
        for log in logs(self._folder):
            if log.stem > self._newest:
                with suppress(FileNotFoundError):
                    self._files[log.stem] = log.open("rb")
                    self._newest = log.stem
        for name, file in list(self._files.items()):
            if name not in self._begun:
                file.seek(0)  # its header may just have been written
            for batch in read_on(file) if name in self._begun else read_batches(file):
                self._begun.add(name)
                self._count_lost(batch)
                yield batch
            if name != self._newest:  # one log is closed before the next one begins
                file.close()
                del self._files[name]
                self._begun.discard(name)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _count_lost(self, batch: pa.RecordBatch) -> None:
        """The rows of a connection are numbered without a gap, but for those of a LOSS."""
        columns = (batch.column(name).to_pylist() for name in ("connection", "seq", "kind"))
        for connection, seq, kind in zip(*columns, strict=True):
            before = self._seq.get(connection, seq - 1)
            if kind != RawKind.LOSS and seq > before + 1:
                self.lost_rows += seq - before - 1
            if kind == RawKind.LINK_DOWN:
                self._seq.pop(connection, None)
            else:
                self._seq[connection] = seq
