"""Merging raw segments, or removing the oldest, makes no hour again, and changes no byte."""

from pathlib import Path

import pytest

from hfptm.clock import NS_MAX
from hfptm.lake import Kind, Lake
from hfptm.parquet import HOUR_NS
from recorder.compact import compact
from recorder.derivation import Report
from recorder.manifest import manifest_path, read_manifest, write_manifest
from recorder.retention import RetentionSettings, retain
from recorder.verify import verify
from replay.importers.base import quiet
from tests.tapes import START_NS
from tests.unit.test_derivation import arrivals, cut, derived, new_lake, run, tape, write

SEGMENTS = 6


def recorded(folder: Path, seed: int) -> Lake:
    lake = new_lake(folder)
    for number, rows in enumerate(cut(arrivals(seed), SEGMENTS)):
        write(lake, number, rows)
    return lake


def files(lake: Lake) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in lake.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("seed", range(3))
def test_events_of_merged_segments_are_merged(tmp_path: Path, seed: int) -> None:
    lake, never_apart = recorded(tmp_path / "a", seed), recorded(tmp_path / "b", seed)
    run(lake)
    before = tape(lake)
    merged = compact(lake, NS_MAX, quiet)
    assert len(merged) == 2
    assert run(lake) == Report()  # nothing was made again
    assert [path.stem for path in lake.events_files()] == [Path(new.path).stem for new in merged]
    assert tape(lake).tobytes() == before.tobytes()
    compact(never_apart, NS_MAX, quiet)
    assert run(never_apart).segments == 2
    assert derived(lake) == derived(never_apart)
    assert verify(lake.root.parent, 0, NS_MAX, quiet)[0].checksums.wrong == []


def test_merging_keeps_certificates(tmp_path: Path) -> None:
    lake = recorded(tmp_path, 1)
    run(lake)
    certificates = verify(tmp_path, 0, NS_MAX, quiet)
    stored = sorted(lake.root.glob("certificates/*/*"))
    compact(lake, NS_MAX, quiet)
    run(lake)
    assert sorted(lake.root.glob("certificates/*/*")) == stored
    again = verify(tmp_path, 0, NS_MAX, quiet)
    assert [(c.grade, c.total, c.checksums.wrong) for c in again] == [
        (c.grade, c.total, []) for c in certificates
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_late_segment_and_another_merge(tmp_path: Path, seed: int) -> None:
    lake, in_order = new_lake(tmp_path / "a"), recorded(tmp_path / "b", seed)
    parts = list(enumerate(cut(arrivals(seed), SEGMENTS)))
    for number, rows in parts[:-1]:
        write(lake, number, rows)
    run(lake)
    compact(lake, NS_MAX, quiet)
    run(lake)
    write(lake, *parts[-1])
    assert run(lake).segments == 1
    compact(lake, NS_MAX, quiet)
    assert run(lake) == Report()
    run(in_order)
    assert tape(lake).tobytes() == tape(in_order).tobytes()


def test_segments_that_overlap_are_made_again(tmp_path: Path) -> None:
    lake, never_apart = new_lake(tmp_path / "a"), new_lake(tmp_path / "b")
    for number in range(2):
        write(lake, number, arrivals()[number::2])
        write(never_apart, number, arrivals()[number::2])
    run(lake)
    compact(lake, NS_MAX, quiet)
    assert run(lake).hours == 2
    assert run(lake) == Report()
    compact(never_apart, NS_MAX, quiet)
    run(never_apart)
    assert derived(lake) == derived(never_apart)


@pytest.mark.parametrize("kept", ["manifest", "parts"])
def test_a_crash_on_the_way(tmp_path: Path, kept: str) -> None:
    """Before the manifest names the merged events, or before their parts are removed."""
    lake = recorded(tmp_path, 2)
    run(lake)
    rows, before = tape(lake).tobytes(), files(lake)
    compact(lake, NS_MAX, quiet)
    run(lake)
    after = derived(lake)
    for path, content in before.items():
        if "events" in path.parts or (kept == "manifest" and path.suffix == ".manifest"):
            path.write_bytes(content)
    assert tape(lake).tobytes() == rows  # no reader sees a row twice meanwhile
    assert run(lake) == Report()
    assert derived(lake) == after


def test_lost_events_of_a_part_are_made_again(tmp_path: Path) -> None:
    lake = recorded(tmp_path, 3)
    run(lake)
    rows = tape(lake).tobytes()
    compact(lake, NS_MAX, quiet)
    lake.events_files()[1].unlink()
    assert run(lake).segments == 2
    assert tape(lake).tobytes() == rows


def test_what_follows_a_removed_hour_stands(tmp_path: Path) -> None:
    lake = recorded(tmp_path, 4)
    run(lake)
    verify(tmp_path, 0, NS_MAX, quiet)
    second = START_NS + HOUR_NS
    kept = [path.read_bytes() for path in lake.files(Kind.EVENTS, second)]
    settings = RetentionSettings(keep_days=1)
    report = retain(lake, settings, second + 24 * HOUR_NS)
    assert [hour.hour[:13] for hour in report.removed] == ["2026-04-29 02"]
    assert run(lake) == Report()
    assert [path.read_bytes() for path in lake.events_files()] == kept
    assert manifest_path(lake, START_NS).exists()
    (certificate,) = verify(tmp_path, 0, NS_MAX, quiet)
    assert certificate.checksums.not_derivable == []
    assert len(list(lake.root.glob("certificates/*/*"))) == 1
    write(lake, SEGMENTS, [arrivals(4)[-1]._replace(at_ns=HOUR_NS)])
    assert run(lake).segments == 1


def test_another_normaliser_does_not_go_on_from_what_was_left(tmp_path: Path) -> None:
    """It would not even understand it."""
    lake = recorded(tmp_path, 5)
    run(lake)
    retain(lake, RetentionSettings(keep_days=1), START_NS + 25 * HOUR_NS)
    for start_ns in (START_NS, START_NS + HOUR_NS):
        path = manifest_path(lake, start_ns)
        manifest = read_manifest(path)
        assert manifest is not None
        manifest.normaliser, manifest.state = "another", b"of another kind"
        write_manifest(path, manifest)
    assert run(lake).hours == 1
    assert run(lake) == Report()


def test_parts_that_a_crash_left_are_no_part_of_an_hour_made_again(tmp_path: Path) -> None:
    lake = recorded(tmp_path, 2)
    run(lake)
    before = files(lake)
    compact(lake, NS_MAX, quiet)
    run(lake)
    after = derived(lake)
    for path, content in before.items():
        if "events" in path.parts:
            path.write_bytes(content)
    manifest_path(lake, START_NS).unlink()
    run(lake)
    assert derived(lake) == after
