"""The measures that set the sandbox beside recordings, on books small enough to count by hand."""

import gzip
from pathlib import Path

import pytest

from benchmarks import calibration
from benchmarks.calibration import Book


def book(ts_ms: int, bids: dict[int, float], asks: dict[int, float], market: str = "m") -> Book:
    return Book(market, ts_ms, bids, asks)


def test_spreads_are_shares_of_all_books() -> None:
    books = [
        book(0, {4_900: 5}, {5_000: 5}),
        book(0, {4_900: 5}, {5_100: 5}),
        book(0, {4_900: 5}, {4_900: 5}),
        book(0, {}, {5_100: 5}),
    ]
    assert calibration.spreads(books) == {
        "one-sided books, %": 25,
        "other spread, %": 25,
        "spread of 1 cent, %": 25,
        "spread of 2 cent, %": 25,
    }


def test_a_seconds_changes_are_told_apart_and_placed() -> None:
    before = book(0, {4_900: 5, 4_800: 7, 4_700: 2}, {5_000: 1, 5_100: 4})
    after = book(1_000, {4_900: 5, 4_800: 8, 4_700: 2}, {5_100: 4, 5_200: 9})
    far = book(9_000, {1_000: 5}, {1_100: 5})
    other = book(1_000, {1_000: 5}, {1_100: 5}, "n")
    found = calibration.changes([before, after, far, other])
    assert found["levels changed a second"] == 2, "5200 was beyond what the first book showed"
    assert found["levels that change size, %"] == found["levels that go, %"] == 50
    assert found["depth of a change, cents, 75 %"] == 0.75, "one at the best price, one behind"
    assert found["seconds without a move, %"] == 0


def test_sizes_are_of_all_levels() -> None:
    found = calibration.sizes([book(0, {4_900: 5, 4_800: 7.5}, {5_000: 1, 5_100: 4})])
    assert found["whole levels, %"] == 75
    assert found["level, shares, 50 %"] == 4.5


def test_trades_are_read_from_the_folder_given(tmp_path: Path) -> None:
    folder = tmp_path / "l2-updown-15m-sol"
    folder.mkdir()
    for token in ("up", "down"):
        lines = b'[{"size": "10", "price": "0.5"}, {"size": "2.5"}]'
        (folder / f"trades-{token}.json.gz").write_bytes(gzip.compress(lines))
    assert calibration.recorded_trades(tmp_path) == [10, 2.5, 10, 2.5]
    assert calibration.trade_sizes([10, 2.5])["trade, shares, 50 %"] == 6.25


@pytest.mark.soak
def test_the_sandbox_resembles_what_was_recorded() -> None:
    """Within a factor of two wherever something was fitted."""
    ours, _ = calibration.sandbox_windows(7)
    theirs = list(calibration.recorded_books())
    left, right = (
        calibration.spreads(books) | calibration.sizes(books) | calibration.changes(books)
        for books in (theirs, ours)
    )
    for name in (
        *("spread of 1 cent, %", "level, shares, 25 %", "level, shares, 50 %"),
        *("level, shares, 75 %", "whole levels, %", "levels changed a second"),
        *("middle moves a second, cents, std", "seconds without a move, %"),
    ):
        assert 0.5 < right[name] / left[name] < 2, name
