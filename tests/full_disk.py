"""A recorder on a disk of a few megabytes that fills up and is emptied again.

`python -m tests.full_disk FOLDER` in a mount namespace of its own: mounts a small tmpfs on FOLDER,
records on it before, while and after it is full, and prints what happened as JSON.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from hfptm.clock import monotonic_ns
from hfptm.lake import Lake
from recorder.recovery import recover
from recorder.seal import seal
from recorder.writer import RawWriter, WriterSettings
from tests.recordings import accounted, frames, losses, ones, read, row

DISK_BYTES = 4 << 20
SETTINGS = WriterSettings(flush_interval_ms=20, queue_bytes=300_000)


def wait_until(reached: Callable[[], bool]) -> None:
    deadline_ns = monotonic_ns() + 20_000_000_000
    while not reached():
        assert monotonic_ns() < deadline_ns, "waited for 20 s"
        threading.Event().wait(0.01)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"\xff" * 4096):
                continue
        except OSError:
            return


def seal_on_full_disk(data: Path, log: Path) -> str:
    try:
        seal(Lake(data), log)
    except OSError as error:
        return str(error)
    return "sealed"


def record(folder: Path) -> dict[str, object]:
    data, filler = folder / "data", folder / "filler"
    closed: list[Path] = []
    first = RawWriter(Lake(data).wal, SETTINGS, closed.append)
    first.append(row(0, connection=2))
    first.close()
    writer = RawWriter(Lake(data).wal, SETTINGS, closed.append)
    for seq in range(200):
        writer.append(row(seq))
    wait_until(lambda: writer.status().queued_bytes == 0)
    fill(filler)
    for seq in range(200, 300):
        writer.append(row(seq))
    wait_until(lambda: bool(writer.status().problem))
    problem = writer.status().problem
    sealing = seal_on_full_disk(data, closed[0])
    left = [path.name for path in Lake(data).root.rglob("*.tmp")]
    durable = frames(read(data, tail=True))[1]
    for seq in range(300, 3000):
        writer.append(row(seq))
    dropped = writer.status().dropped_rows
    filler.unlink()
    wait_until(lambda: writer.status().queued_bytes == 0)
    after = writer.status().problem
    for seq in range(3000, 3200):
        writer.append(row(seq))
    writer.close()
    recover(data)
    table = read(data)
    return {
        "problem": problem,
        "seal": sealing,
        "left": left,
        "durable": durable == list(range(200)),
        "dropped": dropped,
        "after": after,
        "told": sorted({loss.reason.name for _, _, loss in losses(table)}),
        "whole": accounted(table, 1) == ones(range(3200)) and frames(table)[2] == [0],
        "last": frames(table)[1][-1],
    }


def mount(folder: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(folder)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    mount(Path(sys.argv[1]))
    sys.stdout.write(json.dumps(record(Path(sys.argv[1]))))
