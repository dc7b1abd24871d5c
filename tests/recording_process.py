"""A recorder's storage in a process that is meant to be killed: appends rows until it is.

`python -m tests.recording_process DATA CONNECTION`. A line "seq monotonic_ns sync_latency_ns
written_rows syncing_since_ns starved_ns" on standard output follows each append; the rows are those
of `tests.recordings.row`.
"""

import sys
import threading
from itertools import count
from pathlib import Path

from hfptm.clock import monotonic_ns, wall_ns
from recorder.storage import Storage
from recorder.writer import WriterSettings
from tests.recordings import row

SETTINGS = WriterSettings(log_bytes=20_000)
"""A log takes some 60 rows: a run of a second closes and seals several."""

PAUSE_S = 0.001


def starved_ns() -> int:
    """For how long threads of this process were ready to run, and had no processor (Linux)."""
    stats = Path("/proc/self/task").glob("*/schedstat")
    return sum(int(path.read_text().split()[1]) for path in stats)


def main() -> None:
    data, connection = Path(sys.argv[1]), int(sys.argv[2])
    storage = Storage(data, SETTINGS)
    pause = threading.Event()
    for seq in count():
        storage.append(row(seq, ts_ns=wall_ns(), connection=connection))
        writer = storage.status().writer
        done = f"{writer.sync_latency_ns} {writer.written_rows} {writer.syncing_since_ns}"
        sys.stdout.write(f"{seq} {monotonic_ns()} {done} {starved_ns()}\n")
        sys.stdout.flush()
        pause.wait(PAUSE_S)


if __name__ == "__main__":
    main()
