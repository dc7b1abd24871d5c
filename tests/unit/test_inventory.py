"""What a lake holds, from its metadata."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from hfptm.errors import LakeError
from hfptm.lake import Gap, Lake
from hfptm.records import GapReason, Relation
from hfptm.registry import Group, group_id
from replay.inventory import RELATIONS, inventory, inventory_table
from tests.tapes import HOUR_NS, START_NS, make_market, make_rows

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
    assert (found.raw_frames, found.gaps) == (0, 1)
    assert found.bytes == sum(path.stat().st_size for path in data.rglob("events/**/*.parquet"))
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
