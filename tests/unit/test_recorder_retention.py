"""What of a lake may go, what has to, and what stays although it had to go."""

from pathlib import Path

import pytest

from hfptm.errors import ConfigError
from hfptm.lake import Gap, Kind, Lake
from hfptm.records import GapReason
from recorder.archive import copy
from recorder.retention import Report, RetentionSettings, retain
from replay.importers.base import quiet
from tests.recordings import START_NS, frames, read
from tests.unit.test_recorder_compact import merge, sealed

HOUR_MS = 3_600_000
HOUR_NS = HOUR_MS * 1_000_000
END_NS = START_NS + 24 * HOUR_NS
ALL = 1 << 62
"""More than any disk has free."""


def run(lake: Lake, *, dry_run: bool = False, **settings: object) -> Report:
    chosen = RetentionSettings(**settings)  # type: ignore[arg-type]
    return retain(lake, chosen, END_NS, dry_run=dry_run)


def hours(report: Report) -> list[int]:
    return [int(removed.hour[11:13]) for removed in report.removed]


def test_old_hours_go_and_imports_stay(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for hour in (0, 1, 26):
        sealed(tmp_path, [hour * HOUR_MS])
    lake.write_gaps("recorded", [Gap(START_NS, 7, 0, GapReason.SILENCE)])
    imported = lake.files(Kind.RAW)[0].with_name("frames-jsonl.parquet")
    imported.write_bytes(lake.files(Kind.RAW)[0].read_bytes())
    assert run(lake, keep_days=1).removed == []
    report = retain(lake, RetentionSettings(keep_days=1), END_NS + HOUR_NS)
    (removed,) = report.removed
    assert [name.partition("/")[0] for name in removed.files] == ["raw", "gaps"]
    assert (report.held_back, report.is_enough) == ("", True)
    assert imported in lake.files(Kind.RAW)
    assert len(frames(read(tmp_path))[1]) == 3


def test_a_full_disk_takes_the_oldest_hours_that_ended(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for hour in (3, 0, 23, 24):
        sealed(tmp_path, [hour * HOUR_MS])
    assert hours(run(lake, min_free_bytes=1)) == []
    report = run(lake, min_free_bytes=ALL)
    assert hours(report) == [2, 5, 1]
    assert report.held_back == "2026-04-30 02h goes on"
    assert not report.is_enough
    assert [path.parent.name for path in lake.files(Kind.RAW)] == ["hour=02"]


def test_a_dry_run_says_the_same_and_removes_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    sizes = [sealed(tmp_path, [hour * HOUR_MS]).stat().st_size for hour in range(3)]
    before = lake.files(Kind.RAW)
    planned = run(lake, dry_run=True, min_free_bytes=ALL)
    assert lake.files(Kind.RAW) == before
    assert hours(planned) == [2, 3, 4]
    assert [removed.size_bytes for removed in planned.removed] == sizes
    removed = run(lake, min_free_bytes=ALL)
    assert removed.removed == planned.removed
    assert lake.files(Kind.RAW) == []


def test_nothing_uncopied_goes_and_nothing_after_it(tmp_path: Path) -> None:
    lake, url = Lake(tmp_path), f"file://{tmp_path / 'copies'}"
    sealed(tmp_path, [HOUR_MS])
    copy(lake, url, quiet)
    sealed(tmp_path, [0])
    report = run(lake, min_free_bytes=ALL, copy_url=url)
    assert report.removed == []
    assert "2026-04-29 02h is not copied to file://" in report.held_back
    assert "run `hfptm copy` first" in report.held_back
    copy(lake, url, quiet)
    assert run(lake, min_free_bytes=ALL, copy_url=f"{url}/elsewhere").removed == []
    assert hours(run(lake, min_free_bytes=ALL, copy_url=url)) == [2, 3]


def test_an_hour_with_a_log_stays(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    sealed(tmp_path, [0])
    later = sealed(tmp_path, [HOUR_MS])
    log = lake.wal / f"{later.stem}.wal"
    log.touch()
    report = run(lake, min_free_bytes=ALL)
    assert hours(report) == [2]
    assert report.held_back.startswith("2026-04-29 03h has a log that is not sealed; a recorder")
    log.unlink()
    assert hours(run(lake, min_free_bytes=ALL)) == [3]


def test_parts_that_a_crash_left_do_not_come_back(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    old = {path: path.read_bytes() for path in (sealed(tmp_path, [n]) for n in range(2))}
    merge(lake)
    for path, content in old.items():
        path.write_bytes(content)
    assert hours(run(lake, min_free_bytes=ALL)) == [2]
    assert lake.files(Kind.RAW) == []


def test_settings_that_keep_everything(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"storage\.min_free_mib does; set one of them"):
        run(Lake(tmp_path))
