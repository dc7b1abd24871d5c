"""What was, in figures: every second of the last quarter of an hour, then every 15 s of a day."""

from collections import deque
from collections.abc import Iterable

from hfptm.bulletin import Bulletin
from hfptm.units import NS_PER_S

FINE_NS, FINE_MAX = NS_PER_S, 900
COARSE_NS, COARSE_MAX = 15 * NS_PER_S, 5_760

TOTAL_LIMIT = "max_exposure_total_usd"

COLUMNS = (
    *("told_ns", "frames_per_s", "feed_p50_ns", "feed_p99_ns", "result_e6", "realised_e6"),
    *("unrealised_e6", "locked_e6", "exposure_e6", "free_bytes"),
)
"""`locked_e6`: what complete baskets pay beyond their cost."""

Point = tuple[float | None, ...]
"""A value of each column; None where it is not known."""


class History:
    """Bounded: it takes as much after a year as after a day."""

    def __init__(self) -> None:
        self._fine = deque[Point](maxlen=FINE_MAX)
        self._coarse = deque[Point](maxlen=COARSE_MAX)

    @property
    def until_ns(self) -> int:
        """Of the newest point; 0 if there is none."""
        return _told_ns(self._fine[-1]) if self._fine else 0

    def note(self, bulletin: Bulletin) -> None:
        """At most one of each period is kept. What is later than this one is of a clock that has
        been set back since, and goes."""
        for points, period_ns in ((self._fine, FINE_NS), (self._coarse, COARSE_NS)):
            while points and _told_ns(points[-1]) > bulletin.told_ns:
                points.pop()
            if not points or _told_ns(points[-1]) // period_ns < bulletin.told_ns // period_ns:
                points.append(_point(bulletin))

    def columns(self, since_ns: int) -> dict[str, list[float | None]]:
        """Points after `since_ns`, oldest first, each column by its name."""
        found = [point for point in self._points() if _told_ns(point) > since_ns]
        return {name: [point[place] for point in found] for place, name in enumerate(COLUMNS)}

    def _points(self) -> Iterable[Point]:
        finest_ns = _told_ns(self._fine[0]) if self._fine else 0
        return *(point for point in self._coarse if _told_ns(point) < finest_ns), *self._fine


def _told_ns(point: Point) -> int:
    return int(point[0] or 0)


def _point(bulletin: Bulletin) -> Point:
    feed = next((known for known in bulletin.latencies if known.name == "feed"), None)
    is_measured = feed is not None and feed.minute_count > 0
    trading = bulletin.trading
    money = trading.money if trading else None
    uses = trading.limits if trading else []
    return (
        bulletin.told_ns,
        bulletin.feed.frames_per_s,
        feed.p50_ns if feed and is_measured else None,
        feed.p99_ns if feed and is_measured else None,
        money.result_e6 if money else None,
        money.realised_e6 if money else None,
        money.unrealised_e6 if money else None,
        money.locked_payout_e6 - money.locked_e6 if money else None,
        next((use.used for use in uses if use.name == TOTAL_LIMIT), None),
        bulletin.feed.free_bytes,
    )
