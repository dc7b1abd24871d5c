"""A stretch of the lake through the engine: what is chosen, what is kept, what is refused."""

from pathlib import Path

import numpy as np
import pytest

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
from hfptm.clock import NS_MAX
from hfptm.config import Config, load
from hfptm.errors import LakeError
from hfptm.journal import run_ids
from hfptm.lake import Lake
from hfptm.opportunities import Relation
from hfptm.registry import Group, group_id, market_id
from replay.driver import Selection, choose, new_run_id, replay
from replay.importers.base import quiet
from replay.metrics import Json
from tests.engines import crossed_market, tape_of
from tests.tapes import HOUR_NS, START_NS, make_market

EVENT_ID = group_id("event")
GROUP = Group(
    group=EVENT_ID, slug="event", relation=Relation.EXACTLY_ONE, members=2, convertible=True
)
MARKETS = [make_market("a", group=EVENT_ID), make_market("b", group=EVENT_ID), make_market("c")]
B_NS = START_NS + 5_000_000_000
WHOLE = Selection(0, NS_MAX)
CONFIG: Config = load(None, [], {})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Markets a and b, b five seconds after a; c is listed and has no rows."""
    lake = Lake(tmp_path)
    lake.write_markets("made", MARKETS, [GROUP])
    lake.write_events("made", tape_of([*crossed_market("a", START_NS), *crossed_market("b", B_NS)]))
    return tmp_path


def run(data: Path, selection: Selection = WHOLE, *overrides: str) -> Json:
    return replay(data, load(None, overrides, {}), selection, quiet)[1]


def test_the_summary_has_what_programs_rely_on(data: Path) -> None:
    summary = run(data)
    assert {
        *("run_id", "events", "events_per_s", "digest", "coverage", "opportunities"),
        *("fills", "fees_usd", "pnl_usd", "locked_usd"),
    } <= summary.keys()
    opportunities = summary["opportunities"]
    assert isinstance(opportunities, dict)
    assert list(opportunities) == ["binary", "no_basket", "yes_basket", "nested"]
    for kind in opportunities.values():
        assert isinstance(kind, dict)
        assert {"displayed", "arrived", "printed", "artefact"} <= kind.keys()
    assert summary["events"] == 12
    assert summary["from"] == "2026-04-29 02:00:00.000Z"
    assert summary["to"] == "2026-04-29 02:00:06.400Z"


def test_the_same_rows_give_the_same_digest(data: Path) -> None:
    first, second = run(data), run(data, WHOLE, "replay.block_rows=1")
    assert first["digest"] == second["digest"]
    assert first["run_id"] != second["run_id"]
    assert run_ids(data) == [first["run_id"], second["run_id"]]
    assert run(data, WHOLE, "fees.model=none")["digest"] != first["digest"]


def test_a_selection_takes_its_markets_and_its_time(data: Path) -> None:
    assert run(data, Selection(0, NS_MAX, markets=("a",)))["events"] == 6
    assert run(data, Selection(0, NS_MAX, events=("event",)))["events"] == 12
    assert run(data, Selection(B_NS, NS_MAX))["events"] == 6
    assert run(data, Selection(0, START_NS + 1_000_000))["events"] == 2


@pytest.mark.parametrize(
    "selection",
    [
        Selection(0, START_NS),
        Selection(B_NS, NS_MAX, markets=("a",)),
        Selection(0, NS_MAX, markets=("c",)),
    ],
    ids=["before", "other market", "no rows"],
)
def test_nothing_selected_leaves_no_run(data: Path, selection: Selection) -> None:
    with pytest.raises(LakeError, match="nothing recorded of these markets in this time"):
        run(data, selection)
    assert not (data / "runs").exists()


def test_names_are_slugs_or_ids(data: Path) -> None:
    a, b = MARKETS[0].market, MARKETS[1].market
    assert choose(MARKETS, [GROUP], WHOLE) is None
    assert choose(MARKETS, [GROUP], Selection(0, 1, markets=("a", str(b)))) == {a, b}
    assert choose(MARKETS, [GROUP], Selection(0, 1, events=(str(EVENT_ID),))) == {a, b}
    both = Selection(0, 1, markets=("c",), events=("event",))
    assert choose(MARKETS, [GROUP], both) == {a, b, market_id("c")}


@pytest.mark.parametrize(
    ("selection", "named"),
    [(Selection(0, 1, ("event",)), "market 'event'"), (Selection(0, 1, (), ("a",)), "event 'a'")],
)
def test_a_name_without_a_match_is_an_error(selection: Selection, named: str) -> None:
    with pytest.raises(
        LakeError, match=f"no {named} in the lake; `hfptm lake` lists what is there"
    ):
        choose(MARKETS, [GROUP], selection)


def test_progress_ends_at_all_rows(data: Path) -> None:
    told: list[tuple[int, int]] = []
    replay(data, CONFIG, WHOLE, lambda done, total: told.append((done, total)))
    assert told[-1] == (12, 12)


def test_a_damaged_lake_leaves_nothing_that_looks_whole(data: Path) -> None:
    lake = Lake(data)
    rows = tape_of(crossed_market("a", START_NS + 3_600_000_000_000))
    (path,) = lake.write_events("later", rows)
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)
    with pytest.raises(LakeError, match="row group 0 is damaged"):
        run(data)
    assert run_ids(data) == []
    path.unlink()
    assert run(data)["run_id"] in run_ids(data)


def test_run_ids_sort_by_time_and_differ() -> None:
    times_ns = np.cumsum([START_NS, 1, 999_999_998, 1, 86_400_000_000_000])
    ids = [new_run_id(int(now_ns)) for now_ns in times_ns]
    assert ids == sorted(set(ids))
    assert ids[0] == "20260429T020000-000000000"


def certify(data: Path, grade: Grade) -> None:
    """Make the imported hour a recorded one of this grade."""
    lake = Lake(data)
    for path in lake.events_files():
        path.rename(path.with_name(f"20260429T021043288Z-{0:08x}.parquet"))
    certificate = Certificate(
        hour_ns=START_NS // HOUR_NS * HOUR_NS,
        origin=Origin.RECORDED,
        grade=grade,
        total=Findings(),
        lines=Lines(),
        clock=Clock(),
        checksums=Checksums(),
        markets=[],
    )
    store(lake, certificate)


def test_an_hour_below_the_grade_is_refused_unless_told(data: Path) -> None:
    certify(data, Grade.E)
    with pytest.raises(LakeError, match=r"grade E, below replay\.min_grade D.*min_grade=F"):
        run(data)
    assert run(data, WHOLE, "replay.min_grade=F")["recorded"] == {
        "hours": 1,
        "verified": 1,
        "grade": "E",
    }
    with pytest.raises(LakeError, match=r"below replay\.min_grade A"):
        run(data, WHOLE, "replay.min_grade=A")


def test_the_grade_that_is_asked_for_is_enough(data: Path) -> None:
    certify(data, Grade.D)
    assert run(data)["events"] == 12


def test_what_was_imported_is_never_refused(data: Path) -> None:
    expected = {"hours": 0, "verified": 0, "grade": ""}
    assert run(data, WHOLE, "replay.min_grade=A")["recorded"] == expected
