"""What a lake holds, from its metadata."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from hfptm.certificate import (
    Certificate,
    Checksums,
    Clock,
    Findings,
    Grade,
    Lines,
    Origin,
    store,
)
from hfptm.errors import LakeError
from hfptm.lake import Gap, Lake
from hfptm.opportunities import Relation
from hfptm.records import GapReason
from hfptm.registry import Group, group_id
from hfptm.tables import pairs
from replay.inventory import RELATIONS, inventory, inventory_table
from tests.tapes import HOUR_NS, START_NS, make_market, make_rows
from tests.unit.test_recorder_compact import sealed

EVENT_ID = group_id("event")
GROUP = Group(
    group=EVENT_ID, slug="event [x]", relation=Relation.AT_MOST_ONE, members=2, convertible=True
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    lake = Lake(tmp_path)
    grouped = [make_market("b", group=EVENT_ID), make_market("a", group=EVENT_ID)]
    lake.write_markets("made", [*grouped, make_market("alone")], [GROUP])
    lake.write_events("made", make_rows([START_NS, START_NS + HOUR_NS, START_NS + 2 * HOUR_NS]))
    lake.write_events("other", make_rows([START_NS + 5, START_NS + HOUR_NS + 5]))
    lake.write_gaps("made", [Gap(START_NS, 7, 0, GapReason.SILENCE)])
    return tmp_path


def test_it_counts_without_reading_rows(data: Path) -> None:
    found = inventory(data)
    assert found.event_rows == 5
    assert (found.first, found.last) == ("2026-04-29 02:00:00.000Z", "2026-04-29 04:00:00.000Z")
    assert (found.raw_rows, found.gaps) == (0, 1)
    assert (found.hours, found.hours_between) == (3, 3)
    assert [(event.event, event.relation, event.markets) for event in found.events] == [
        ("event [x]", "at_most_one", ["a", "b"]),
        ("", "none", ["alone"]),
    ]


def test_an_empty_lake_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="bring a recording in with `hfptm import`"):
        inventory(tmp_path)


def test_names_are_shown_as_they_are(data: Path) -> None:
    screen = StringIO()
    Console(width=80, file=screen).print(inventory_table(inventory(data)))
    shown = screen.getvalue()
    assert "event [x]" in shown
    assert "at most one of them wins" in shown
    assert "markets of no group" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_every_relation_has_words() -> None:
    assert set(RELATIONS) == {relation.name.lower() for relation in Relation}


def test_sizes_are_those_on_disk(data: Path) -> None:
    lake = Lake(data)
    lake.wal.mkdir()
    (lake.wal / "some.wal").write_bytes(b"12345")
    sizes = inventory(data).size_bytes
    events = sum(path.stat().st_size for path in lake.events_files())
    assert list(sizes) == ["events", "gaps", "markets", "wal"]
    assert (sizes["events"], sizes["wal"]) == (events, 5)
    on_disk = sum(path.stat().st_size for path in lake.root.rglob("*") if path.is_file())
    assert sum(sizes.values()) == on_disk


def test_coverage_day_by_day(data: Path) -> None:
    lake = Lake(data)
    lake.write_events("far", make_rows([START_NS + 25 * HOUR_NS] * 3))
    found = inventory(data)
    assert (found.hours, found.hours_between) == (4, 26)
    assert [(day.date, day.hours, day.event_rows) for day in found.days] == [
        ("2026-04-29", 3, 5),
        ("2026-04-30", 1, 3),
    ]
    assert found.days[1].size_bytes == lake.events_files()[-1].stat().st_size
    assert [(day.verified, day.grade) for day in found.days] == [(0, ""), (0, "")]


def test_certificates_say_what_of_a_day_was_not_seen(data: Path) -> None:
    lake = Lake(data)
    for hour, unseen_s, grade in ((0, 36.0, Grade.C), (1, 0.0, Grade.A)):
        certificate = Certificate(
            hour_ns=START_NS + hour * HOUR_NS,
            origin=Origin.IMPORTED,
            grade=grade,
            total=Findings(listed_s=3600.0, unseen_s=unseen_s),
            lines=Lines(),
            clock=Clock(),
            checksums=Checksums(),
            markets=[],
        )
        store(lake, certificate)
    (day,) = inventory(data).days
    assert (day.verified, day.grade, day.unseen_share) == (2, "C", 36.0 / 7200.0)
    screen = StringIO()
    Console(width=80, file=screen).print(inventory_table(inventory(data)))
    (shown,) = [line for line in screen.getvalue().splitlines() if line.startswith("2026-04-29")]
    assert shown.split()[1:4] == ["3", "5", "0"]
    assert shown.split()[-4:] == ["2", "0.500", "%", "C"]


def test_what_was_received_and_not_normalised_is_there(tmp_path: Path) -> None:
    sealed(tmp_path, [0, 5])
    found = inventory(tmp_path)
    assert (found.raw_rows, found.event_rows, found.hours) == (2, 0, 1)
    assert (found.first[-4:], found.last[-4:]) == ("000Z", "005Z")


@pytest.mark.parametrize("width", [80, 60])
def test_a_long_path_is_shown_whole(width: int) -> None:
    path = "-".join(f"{number:03d}" for number in range(40))
    screen = StringIO()
    Console(width=width, file=screen).print(pairs("Lake", [("", path)]))
    assert "".join(screen.getvalue().split()).endswith(path)
