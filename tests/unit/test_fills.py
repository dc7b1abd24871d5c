"""Calibrations beside the recording: kept by the hour, summed by event, stale when it changed."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from rich.console import Console

from hfptm import __version__, config
from hfptm.config import limits
from hfptm.errors import LakeError
from hfptm.lake import Lake
from hfptm.records import EVENT, EventKind, Side
from hfptm.units import NS_PER_S, ONE_E6
from replay.calibrate import calibrate, class_of
from replay.calibration import HourCalibration, Tally, calibration, fills_of, path_of, store
from replay.calibration_report import MISSES, calibration_table, worth
from replay.prints import Order
from replay.shadow import Miss, Shadow
from tests.tapes import HOUR_NS, START_NS, make_market

END_NS = START_NS + 2 * HOUR_NS


def shadow(shares: int, filled: int, miss: Miss | None = None, extra_e4: int = 0) -> Shadow:
    order = Order(1, START_NS, START_NS, Side.BID, ((5_000, shares * ONE_E6),))
    return Shadow(order, False, filled * ONE_E6, extra_e4 * filled * ONE_E6, miss)


def tally(event: str, *shadows: Shadow, market_class: str = "crypto") -> Tally:
    made = Tally(event=event, market_class=market_class)
    for each in shadows:
        made.add(each)
    return made


def hour(lake: Lake, number: int, *tallies: Tally, **changes: Any) -> None:
    fields: dict[str, Any] = {"rows": 1, "version": __version__, "print_lag_ms": 0} | changes
    start_ns = START_NS + number * HOUR_NS
    store(lake, HourCalibration(hour_ns=start_ns, tallies=list(tallies), **fields))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two hours of one row each."""
    lake = Lake(tmp_path)
    rows = np.zeros(2, EVENT)
    rows["kind"] = EventKind.TIMER
    rows["ts_recv_ns"] = START_NS, START_NS + HOUR_NS
    lake.write_events("seg", rows)
    return lake


def test_orders_without_a_book_are_counted_and_left_out() -> None:
    seen = shadow(10, 4, Miss.THIN, extra_e4=50)
    found = fills_of([tally("a", seen, shadow(90, 0, Miss.UNSEEN)), tally("b", shadow(10, 10))])
    assert (found.orders, found.unseen, found.whole) == (3, 1, 1)
    assert found.whole_share.value == 1 / 2
    assert found.filled_share.value == 14 / 20
    assert found.extra_e4.value == 4 * 50 / 14
    assert found.missed == {"thin": 1, "unseen": 1}
    assert found.missed_share == {"thin": 6 / 110, "unseen": 90 / 110}


def test_hours_are_summed_by_event_class_and_time_of_day(lake: Lake) -> None:
    hour(lake, 0, tally("a", shadow(10, 10)), tally("b", shadow(5, 5), market_class="sports"))
    hour(lake, 1, tally("a", shadow(10, 0, Miss.NO_LEVEL)), print_lag_ms=30)
    found = calibration(lake, START_NS, END_NS)
    assert (found.hours, found.calibrated, found.print_lag_ms) == (2, 2, [0, 30])
    assert {name: fills.orders for name, fills in found.by_class.items()} == {
        "crypto": 2,
        "sports": 1,
    }
    assert [fills.orders for fills in found.by_hour.values()] == [2, 1]
    assert found.fills.filled_share.value == 15 / 25
    assert calibration(lake, START_NS, START_NS + 1).fills.orders == 2


@pytest.mark.parametrize("stale", [{"rows": 2}, {"version": "0.0.9"}])
def test_an_hour_that_changed_since_is_not_calibrated(lake: Lake, stale: dict[str, Any]) -> None:
    hour(lake, 0, tally("a", shadow(10, 10)), **stale)
    found = calibration(lake, START_NS, END_NS)
    assert (found.hours, found.calibrated, found.fills.orders) == (2, 0, 0)


def test_a_damaged_file_says_what_to_do(lake: Lake) -> None:
    hour(lake, 0)
    path_of(lake, START_NS).write_bytes(b"{")
    with pytest.raises(LakeError, match=r"hour=\d\d\.json: damaged .* run `hfptm calibrate` again"):
        calibration(lake, START_NS, END_NS)


def test_nothing_recorded_is_said_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="nothing recorded in this time"):
        calibrate(tmp_path, (0, END_NS), 0, lambda *_: None)
    assert not (tmp_path / "lake" / "calibrations").exists()


def test_an_hour_without_trades_is_calibrated_too(lake: Lake) -> None:
    found = calibrate(lake.root.parent, (START_NS, START_NS + 1), 7, lambda *_: None)
    assert (found.hours, found.calibrated, found.print_lag_ms) == (1, 1, [7])
    assert list(worth(found)) == [("real orders that simulated ones repeat", "none with a book")]


def lines_of(lake: Lake) -> list[tuple[str, str]]:
    return list(worth(calibration(lake, START_NS, END_NS)))


def test_a_run_says_what_its_fills_are_worth(lake: Lake) -> None:
    title = "real orders that simulated ones repeat"
    assert lines_of(lake) == [(title, "hfptm calibrate tells")]
    hour(lake, 0, tally("a", shadow(10, 10, extra_e4=-25), shadow(10, 0, Miss.THIN)))
    assert lines_of(lake) == [
        (title, "50.0% of 2"),
        ("  price error, cents", "-0.250"),
        ("  hours calibrated", "1 of 2 hours"),
    ]


def test_tables_fit_a_terminal_and_have_words_for_everything(lake: Lake) -> None:
    assert set(MISSES) == set(Miss)
    misses = [shadow(123_456, 1, miss, extra_e4=-4_321) for miss in Miss]
    events = [
        tally(f"event-{n}", *misses * 40, shadow(9, 9), market_class=market_class)
        for n in range(30)
        for market_class in ("crypto", "a-category-with-a-very-long-name-indeed")
    ]
    hour(lake, 0, *events)
    hour(lake, 1, *events)
    found = calibration(lake, START_NS, END_NS)
    console = Console(width=80, record=True, file=(lake.root / "out").open("w"))
    with console.file:
        console.print(calibration_table(found))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert all(title in text for title in MISSES.values())
    assert "95 %" in text
    assert msgspec.convert(msgspec.to_builtins(found), type(found)) == found


@pytest.mark.parametrize(
    ("minutes", "category", "market_class"),
    [
        (15, "crypto", "short window"),
        (15, "", "short window"),
        (24 * 60, "crypto", "crypto"),
        (24 * 60, "", "unnamed"),
    ],
)
def test_short_windows_are_a_class_of_their_own(
    minutes: int, category: str, market_class: str
) -> None:
    start_s = START_NS // NS_PER_S
    end_ns = START_NS + 60 * minutes * NS_PER_S
    market = make_market(f"btc-updown-15m-{start_s}", end_ts_ns=end_ns)
    market = msgspec.structs.replace(market, category=category)
    assert class_of(market, None, limits(config.load(None, (), {}))) == market_class
