"""The two clocks."""

from hfptm.records import EventKind, Side
from hfptm.units import ONE_E6
from tests.kernels import ASK, MS, Venue, best, book, level, market, timer, trade
from tests.tapes import Row


def asked_at_20(**changes_ms: int) -> Venue:
    """An order for 10 YES at 0.50 that arrives at 70; its report takes 30 more."""
    made = Venue({"bankroll_e6": 0}, **changes_ms)
    made.apply([market(0), *book(10, 0, {4_000: 10}, {5_000: 10})])
    made.send(20, 1, side=Side.BID, price_e4=5_000, size_e6=10 * ONE_E6)
    made.apply([timer(20)])
    return made


def gone(ts_ms: int, venue_ms: int) -> list[Row]:
    """The ask is taken away."""
    fields = {"venue_ms": venue_ms}
    return [
        level(ts_ms, 0, ASK, 5_000, 0, flags=0, **fields),
        best(ts_ms, 0, 4_000, 10_000, **fields),
    ]


def first_report(made: Venue) -> tuple[int, int]:
    """Kind, and ms."""
    return made.reports[0]["kind"], made.reports[0]["ts_recv_ns"] // MS


def test_a_change_before_the_arrival_counts_although_seen_later() -> None:
    made = asked_at_20()
    made.apply([*gone(90, venue_ms=70), trade(150, 0, 4_000), timer(151)])
    assert first_report(made) == (EventKind.REJECT, 150)


def test_a_change_after_the_arrival_does_not_count() -> None:
    made = asked_at_20()
    made.apply([*gone(90, venue_ms=71), timer(200)])
    assert first_report(made) == (EventKind.FILL, 100)


def test_no_report_before_the_feed_has_passed_the_arrival() -> None:
    made = asked_at_20()
    made.apply([trade(300, 0, 4_000, venue_ms=70), trade(400, 0, 4_000, venue_ms=71), timer(401)])
    assert first_report(made) == (EventKind.FILL, 400)


def test_a_quiet_market_counts_as_unchanged_after_its_grace() -> None:
    made = asked_at_20(grace=500)
    made.apply([timer(570)])
    assert made.reports == []
    made.apply([timer(571)])
    assert first_report(made) == (EventKind.FILL, 570)


def test_another_market_shows_nothing() -> None:
    made = asked_at_20(grace=500)
    made.apply([market(1), *book(200, 1, {4_000: 10}, {5_000: 10}), timer(300)])
    assert made.reports == []


def test_at_one_instant_market_rows_go_before_reports() -> None:
    """The report is due at 100, the same instant as a row that is seen first."""
    made = asked_at_20()
    made.apply([trade(90, 0, 4_000), trade(100, 0, 4_000)])
    assert made.reports == []
    made.apply([timer(101)])
    assert first_report(made) == (EventKind.FILL, 100)
    assert made.reports[-1]["kind"] == EventKind.DONE
