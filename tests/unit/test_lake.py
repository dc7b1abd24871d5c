from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hfptm.errors import LakeError
from hfptm.lake import SCHEMAS, Gap, Kind, Lake
from hfptm.opportunities import Relation
from hfptm.parquet import read_rows
from hfptm.raw import RawKind
from hfptm.records import EVENT, GapReason
from hfptm.registry import Group
from tests.tapes import HOUR_NS, START_NS, make_market, make_rows

GROUP = Group(group=9, slug="event", relation=Relation.EXACTLY_ONE, members=3, convertible=True)


def test_rows_lie_in_their_utc_hour(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    rows = make_rows([START_NS, START_NS + HOUR_NS - 1, START_NS + HOUR_NS])
    written = lake.write_events("seg", rows)
    assert [str(path.relative_to(tmp_path)) for path in written] == [
        "lake/events/date=2026-04-29/hour=02/seg.parquet",
        "lake/events/date=2026-04-29/hour=03/seg.parquet",
    ]
    stored = np.concatenate([read_rows(path, EVENT) for path in written])
    assert np.array_equal(stored, rows)


def test_writing_again_reports_no_change(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    rows = make_rows([START_NS])
    assert lake.write_events("seg", rows)
    assert lake.write_events("seg", rows) == []


def test_files_are_chosen_by_overlap_of_their_hour(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for name in ("b", "a"):
        lake.write_events(name, make_rows([START_NS, START_NS + HOUR_NS, START_NS + 30 * HOUR_NS]))
    names = [f"{path.parts[-3]} {path.parts[-2]} {path.stem}" for path in lake.events_files()]
    assert names == [
        f"date=2026-04-{day} hour={hour} {segment}"
        for day, hour in (("29", "02"), ("29", "03"), ("30", "08"))
        for segment in "ab"
    ]
    assert len(lake.events_files(START_NS + HOUR_NS - 1, START_NS + HOUR_NS)) == 2
    assert len(lake.events_files(START_NS + HOUR_NS - 1, START_NS + HOUR_NS + 1)) == 4
    assert lake.events_files(0, START_NS) == []
    assert lake.events_files(START_NS + 31 * HOUR_NS) == []


def test_temporary_files_are_never_listed(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    folder = lake.path(Kind.EVENTS, START_NS, "x").parent
    folder.mkdir(parents=True)
    (folder / "x.12.tmp").write_bytes(b"half")
    assert lake.events_files() == []


def test_a_stray_file_is_named(tmp_path: Path) -> None:
    stray = tmp_path / "lake" / "events" / "date=yesterday" / "hour=02"
    stray.mkdir(parents=True)
    (stray / "x.parquet").touch()
    with pytest.raises(LakeError, match=r"date=yesterday.*move it out"):
        Lake(tmp_path).events_files()


def test_markets_keep_their_versions_and_groups(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    old = make_market("a", group=9)
    new = make_market("a", group=9, tick_e4=10, valid_from_ns=START_NS + 1)
    alone = make_market("b")
    assert lake.write_markets("z", [old, alone], [GROUP])
    assert not lake.write_markets("z", [old, alone], [GROUP])
    grown = Group(group=9, slug="event", relation=Relation.AT_MOST_ONE, members=4, convertible=True)
    lake.write_markets("a", [new], [grown])
    assert lake.market_versions() == [(old, GROUP), (alone, None), (new, grown)]
    assert lake.markets() == sorted([new, alone], key=lambda market: market.market)
    assert lake.groups() == [grown]


def test_a_market_of_an_undefined_group_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="groups that are not given"):
        Lake(tmp_path).write_markets("a", [make_market("a", group=5)])


def test_gaps_come_back_by_overlap(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    closed = Gap(START_NS, 1, START_NS + 10, GapReason.DISCONNECT)
    opened = Gap(START_NS + HOUR_NS, 2, 0, GapReason.SILENCE)
    lake.write_gaps("g", [opened, closed])
    assert lake.gaps() == [closed, opened]
    assert lake.gaps(START_NS + 9) == [closed, opened]
    assert lake.gaps(START_NS + 10) == [opened]
    assert lake.gaps(START_NS + 40 * HOUR_NS) == [opened]
    assert lake.gaps(0, START_NS + HOUR_NS) == [closed]


def test_raw_rows_are_scanned_by_time(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    count = 5
    columns = {
        "ts_recv_ns": [START_NS + i for i in range(count)],
        "ts_mono_ns": [0] * count,
        "line": [0] * count,
        "connection": [1] * count,
        "seq": list(range(count)),
        "kind": [int(RawKind.FRAME)] * count,
        "payload": [bytes([i, 255]) for i in range(count)],
    }
    lake.write_raw("r", pa.table(columns, schema=SCHEMAS[Kind.RAW]))
    [table] = lake.scan_raw(START_NS + 1, START_NS + 3)
    assert table.column("payload").to_pylist() == [b"\x01\xff", b"\x02\xff"]


def test_others_of_a_segment_are_removed(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    [kept, gone] = lake.write_events("s", make_rows([START_NS, START_NS + HOUR_NS]))
    lake.write_events("t", make_rows([START_NS]))
    assert lake.remove_others(Kind.EVENTS, "s", [kept]) == [gone]
    assert [path.stem for path in lake.events_files()] == ["s", "t"]
