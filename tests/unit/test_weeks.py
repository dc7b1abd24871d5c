"""The generated weeks are what everything that is judged by them takes them for."""

from pathlib import Path

import pytest

from benchmarks.planted_week import DAY_NS, DAYS, Week
from hfptm.clock import format_utc
from hfptm.lake import Kind, Lake
from tests.weeks import own_data


def test_a_week_has_seven_days_and_no_event_of_two(planted_week: Week, tmp_path: Path) -> None:
    lake = Lake(own_data(planted_week, tmp_path))
    dates = {path.parent.parent.name for path in lake.files(Kind.EVENTS)}
    assert dates == {f"date=2026-11-{20 + number}" for number in range(DAYS)}
    versions = lake.market_versions()
    for names in (
        {market.market for market, _ in versions},
        {market.slug for market, _ in versions},
    ):
        assert len(names) == len(versions)
    seen = {(group.group, market.valid_from_ns) for market, group in versions if group}
    assert len({group for group, _ in seen}) == len(seen)
    assert len({group.slug for _, group in versions if group}) == len(seen)


def test_what_is_planted_stands_on_its_day(planted_week: Week) -> None:
    for number, day in enumerate(planted_week.days):
        assert len(day.truth.planted) > 50
        start_ns = planted_week.days[0].truth.start_ts_venue_ns + number * DAY_NS
        assert format_utc(day.truth.start_ts_venue_ns) == format_utc(start_ns)
        for thing in day.truth.planted:
            assert thing.slug.endswith(f"-day-{number + 1}")
            assert start_ns < thing.start_ts_venue_ns < day.truth.end_ts_venue_ns


def test_nothing_is_planted_in_a_bare_week(bare_week: Week) -> None:
    assert bare_week.planted == []
    assert all(day.truth.frames > 1_000 for day in bare_week.days)
    with pytest.raises(FileExistsError):
        own_data(bare_week, bare_week.data)
