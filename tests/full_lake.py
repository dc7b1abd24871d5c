"""Old hours make room on a disk of a few megabytes that is full.

`python -m tests.full_lake FOLDER` in a mount namespace of its own: mounts a small tmpfs on FOLDER,
records hours on it until nothing fits, has the oldest removed, and prints what happened as JSON.
"""

import json
import shutil
import sys
from pathlib import Path

from hfptm.lake import Kind, Lake
from hfptm.parquet import HOUR_NS
from recorder.recovery import recover
from recorder.retention import RetentionSettings, retain
from recorder.writer import RawWriter
from tests.full_disk import SETTINGS, fill, mount, wait_until
from tests.recordings import START_NS, frames, read, row

HOURS = 5
ROWS = 300
MIN_FREE_BYTES = 150_000
"""More than the files of one hour, less than those of two."""


def record_hour(data: Path, hour: int) -> None:
    writer = RawWriter(Lake(data).wal, SETTINGS, lambda _: None)
    for seq in range(ROWS):
        writer.append(row(hour * ROWS + seq, ts_ns=START_NS + hour * HOUR_NS + seq))
    writer.close()
    recover(data)


def make_room(folder: Path) -> dict[str, object]:
    data = folder / "data"
    lake = Lake(data)
    for hour in range(HOURS):
        record_hour(data, hour)
    fill(folder / "filler")
    writer = RawWriter(lake.wal, SETTINGS, lambda _: None)
    for seq in range(ROWS):
        writer.append(row(HOURS * ROWS + seq, ts_ns=START_NS + HOURS * HOUR_NS + seq))
    wait_until(lambda: bool(writer.status().problem))
    settings = RetentionSettings(min_free_bytes=MIN_FREE_BYTES)
    now_ns = START_NS + (HOURS + 1) * HOUR_NS
    before = lake.files(Kind.RAW)
    planned = retain(lake, settings, now_ns, dry_run=True)
    untouched = lake.files(Kind.RAW) == before
    report = retain(lake, settings, now_ns)
    free_bytes = shutil.disk_usage(folder).free
    wait_until(lambda: not writer.status().problem)
    writer.close()
    recover(data)
    return {
        "untouched": untouched,
        "planned": [removed.hour[11:13] for removed in planned.removed],
        "removed": [removed.hour[11:13] for removed in report.removed],
        "is_enough": report.is_enough,
        "is_least": free_bytes - report.removed[-1].size_bytes < MIN_FREE_BYTES,
        "left": frames(read(data))[1] == list(range(2 * ROWS, (HOURS + 1) * ROWS)),
    }


if __name__ == "__main__":
    mount(Path(sys.argv[1]))
    sys.stdout.write(json.dumps(make_room(Path(sys.argv[1]))))
