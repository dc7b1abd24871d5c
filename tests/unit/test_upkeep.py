"""What the recorder does with its sealed files by itself; no failure of it ends anything."""

from pathlib import Path

from hfptm import sections
from hfptm.clock import NS_MAX
from hfptm.lake import Kind, Lake
from hfptm.opportunities import Relation
from hfptm.parquet import HOUR_NS
from hfptm.registry import Group
from recorder.compact import maintenance_lock
from recorder.derivation import listed
from recorder.known_markets import MARGIN_NS, known_versions
from recorder.market_store import MarketStore
from recorder.selection import DEAD_NS
from recorder.upkeep import Upkeep
from tests.recordings import START_NS
from tests.tapes import make_market
from tests.unit.test_derivation import arrivals as arriving
from tests.unit.test_derivation import derived, new_lake, run, write
from tests.unit.test_recorder_compact import merge, sealed

DAY_MS = 24 * 3_600_000


def upkeep(data: Path, **settings: object) -> Upkeep:
    return Upkeep(data, sections.Storage(**settings))  # type: ignore[arg-type]


def test_files_are_merged_copied_and_removed(tmp_path: Path) -> None:
    data, there = tmp_path / "data", tmp_path / "copy"
    for ms in (0, 1, DAY_MS, DAY_MS + 1):
        sealed(data, [ms])
    keeper = upkeep(data, copy_url=f"file://{there}", keep_days=1)
    keeper.tape()
    keeper.files()
    status = keeper.status
    assert status.problems == {}
    assert (status.derived_segments, status.merged_hours, status.removed_hours) == (4, 2, 2)
    assert status.copied_files >= 2
    assert Lake(data).files(Kind.RAW) == []
    assert len(list(there.glob("raw/date=*/hour=*/*.parquet"))) == 2


def test_without_settings_only_hours_that_are_over_are_merged(tmp_path: Path) -> None:
    for ms in (0, 1):
        sealed(tmp_path, [ms])
    keeper = upkeep(tmp_path)
    keeper.files()
    assert (keeper.status.merged_hours, keeper.status.problems) == (1, {})
    assert len(Lake(tmp_path).files(Kind.RAW)) == 1


def test_the_tape_is_that_of_merged_segments(tmp_path: Path) -> None:
    lakes = [new_lake(tmp_path / name) for name in ("kept", "once")]
    rows = arriving()
    size = len(rows) // 3 + 1
    for lake in lakes:
        for number in range(3):
            write(lake, number, rows[number * size : (number + 1) * size])
    keeper = upkeep(tmp_path / "kept")
    keeper.tape()
    keeper.files()
    assert keeper.status.merged_hours > 0
    assert keeper.status.problems == {}
    merge(lakes[1])
    run(lakes[1])
    assert derived(lakes[0]) == derived(lakes[1])


def test_a_copy_that_fails_is_said_until_it_works(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "file"
    file.write_text("no folder")
    for ms in (0, 1):
        sealed(data, [ms])
    keeper = upkeep(data, copy_url=f"file://{file}/in")
    keeper.files()
    assert list(keeper.status.problems) == ["copy"]
    assert "nothing is lost" in keeper.status.problems["copy"]
    assert keeper.status.merged_hours == 1
    file.unlink()
    keeper.files()
    assert keeper.status.problems == {}
    assert keeper.status.copied_files > 0


def test_a_damaged_file_and_a_disk_that_stays_full_are_said(tmp_path: Path) -> None:
    damaged, _ = sealed(tmp_path, [0]), sealed(tmp_path, [1])
    damaged.write_bytes(b"PAR1 damaged")
    keeper = upkeep(tmp_path, min_free_mib=1 << 39)
    keeper.files()
    assert str(damaged) in keeper.status.problems["compact"]
    assert "asks for more" in keeper.status.problems["retain"]


def test_who_does_it_by_hand_is_no_problem(tmp_path: Path) -> None:
    for ms in (0, 1):
        sealed(tmp_path, [ms])
    keeper = upkeep(tmp_path)
    with maintenance_lock(Lake(tmp_path)):
        keeper.files()
    assert (keeper.status.merged_hours, keeper.status.problems) == (0, {})
    keeper.files()
    assert keeper.status.merged_hours == 1


def test_an_hour_knows_only_markets_that_it_can_hold(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    long_ago, dead_ns = START_NS - 90 * 24 * HOUR_NS, START_NS - DEAD_NS - MARGIN_NS
    versions = {
        "endless": make_market("endless", end_ts_ns=0, valid_from_ns=long_ago),
        "late": make_market("late", end_ts_ns=dead_ns, valid_from_ns=long_ago),
        "dead": make_market("dead", end_ts_ns=dead_ns - 1, valid_from_ns=long_ago),
        "soon": make_market("soon", valid_from_ns=START_NS + HOUR_NS + MARGIN_NS),
        "future": make_market("future", valid_from_ns=START_NS + HOUR_NS + MARGIN_NS + 1),
    }
    store = MarketStore(lake, long_ago)
    store.put([(market, None) for market in versions.values()])
    assert {market.slug for market in listed(lake, START_NS)} == {"endless", "late", "soon"}
    assert {market.slug for market in known_versions(lake, 0, NS_MAX - MARGIN_NS)} == set(versions)
    lake.write_markets("import", [make_market("old", end_ts_ns=1, valid_from_ns=1)])
    assert "old" in {market.slug for market in listed(lake, START_NS)}


def test_a_market_lives_as_long_as_its_event(tmp_path: Path) -> None:
    lake, long_ago = Lake(tmp_path), START_NS - 90 * 24 * HOUR_NS
    group = Group(group=9, slug="event", relation=Relation.EXACTLY_ONE, members=2, convertible=True)
    ended = make_market("ended", group=9, end_ts_ns=long_ago + 1, valid_from_ns=long_ago)
    other = make_market("other", group=9, end_ts_ns=START_NS, valid_from_ns=long_ago)
    MarketStore(lake, long_ago).put([(ended, group), (other, group)])
    assert {market.slug for market in listed(lake, START_NS)} == {"ended", "other"}
    assert listed(lake, START_NS + 30 * 24 * HOUR_NS) == []
