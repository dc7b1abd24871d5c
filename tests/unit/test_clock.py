"""Stamps: exact in both directions, and one clear error for everything else."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm import clock

DAY_NS = 1_777_420_800_000_000_000


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        ("1970-01-01", 0),
        ("2026-04-29", DAY_NS),
        ("2026-04-29T02:10", DAY_NS + 7_800 * 10**9),
        ("2026-04-29 02:10:43", DAY_NS + 7_843 * 10**9),
        ("2026-04-29T02:10:43.288Z", DAY_NS + 7_843_288 * 10**6),
        ("2026-04-29T02:10:43.123456789Z", DAY_NS + 7_843_123_456_789),
        ("2026-04-29T02:10:43.5+02:00", DAY_NS + 643_500 * 10**6),
        ("2026-04-28T20:40:43-05:30", DAY_NS + 7_843 * 10**9),
        ("1969-12-31T23:00:00-01:00", 0),
        ("1777420800000000001", DAY_NS + 1),
        (str(clock.NS_MAX), clock.NS_MAX),
    ],
)
def test_parse_forms(text: str, expected_ns: int) -> None:
    assert clock.parse_utc_ns(text) == expected_ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "29.04.2026",
        "2026-4-29",
        "2026-02-30",
        "2026-04-29T25:00",
        "2026-04-29T02:60",
        "2026-04-29T02:10:43.1234567890",
        "2026-04-29T02:10:43+0200",
        "2026-04-29T02:10:43+24:00",
        "2026-04-29T02:10:43+02:99",
        "2026-04-29\n",
        "20260429",
        "1777420800",
        "1777420800000",
        "9999999999999999999",
        "1969-12-31",
        "0001-01-01T00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "2262-04-12",
        "٢٠٢٦-٠٤-٢٩",
    ],
)
def test_everything_else_is_refused_and_the_forms_are_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 2026-04-29.* or nanoseconds since 1970"):
        clock.parse_utc_ns(text)


@given(st.integers(0, clock.NS_MAX))
def test_format_floors_to_the_millisecond_and_parses_back(ts_ns: int) -> None:
    assert clock.parse_utc_ns(clock.format_utc(ts_ns)) == ts_ns - ts_ns % 10**6


@given(st.integers(0, clock.NS_MAX))
def test_partition_is_the_one_of_the_standard_library(ts_ns: int) -> None:
    stamp = datetime.fromtimestamp(ts_ns // 10**9, UTC)
    assert clock.utc_date_hour(ts_ns) == (stamp.date().isoformat(), stamp.hour)


def test_format_is_the_documented_text() -> None:
    ts_ns = DAY_NS + 7_843_288_999_999
    assert clock.format_utc(ts_ns) == "2026-04-29 02:10:43.288Z"
    assert clock.utc_date_hour(ts_ns) == ("2026-04-29", 2)


def test_wall_clock_is_utc_and_monotonic_clock_moves() -> None:
    before_ns = clock.monotonic_ns()
    now = datetime.now(UTC)
    assert abs(clock.wall_ns() - int(now.timestamp() * 10**9)) < 10 * 10**9
    assert clock.monotonic_ns() >= before_ns
