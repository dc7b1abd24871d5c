"""How well the simulated venue reproduced what really traded, hour by hour, beside the recording.

    lake/calibrations/date=2026-04-29/hour=02.json

`hfptm calibrate` writes them, every later replay of such an hour shows them. An hour whose tape or
whose hfptm is another one since then counts as not calibrated.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from hfptm import __version__
from hfptm.clock import utc_date_hour
from hfptm.errors import LakeError
from hfptm.lake import Lake, hour_ns
from hfptm.parquet import publish_bytes
from replay.confidence import Estimate, ratio_by_event
from replay.shadow import Miss, Shadow


class Tally(msgspec.Struct, kw_only=True):
    """Real orders of one event and class within one hour, and what ours got of them."""

    event: str
    """Slug of the event, or of a market of none."""
    market_class: str
    orders: int = 0
    prints: int = 0
    turned: int = 0
    """Orders of which the book says that they took the other side than was printed."""
    whole: int = 0
    """Orders that ours repeated whole."""
    size_e6: int = 0
    filled_e6: int = 0
    extra_e10: int = 0
    """See `shadow.Shadow`."""
    missed: dict[str, int] = {}
    """Orders by `shadow.Miss`."""
    missed_e6: dict[str, int] = {}
    """Shares of theirs that ours did not get."""
    unseen_e6: int = 0
    """Shares of orders whose book was not recorded."""

    def add(self, shadow: Shadow) -> None:
        order = shadow.order
        self.orders += 1
        self.prints += len(order.prints)
        self.turned += shadow.is_turned
        self.size_e6 += order.size_e6
        self.filled_e6 += shadow.filled_e6
        self.extra_e10 += shadow.extra_e10
        if shadow.miss is None:
            self.whole += 1
            return
        lacking_e6 = order.size_e6 - shadow.filled_e6
        _count(self.missed, shadow.miss, 1)
        _count(self.missed_e6, shadow.miss, lacking_e6)
        if shadow.miss is Miss.UNSEEN:
            self.unseen_e6 += order.size_e6

    @property
    def unseen(self) -> int:
        return self.missed.get(Miss.UNSEEN, 0)


class HourCalibration(msgspec.Struct, frozen=True, kw_only=True):
    hour_ns: int
    rows: int
    """Of the hour's tape when it was calibrated."""
    version: str
    """Of hfptm."""
    print_lag_ms: int
    tallies: list[Tally]


class Fills(msgspec.Struct, frozen=True, kw_only=True):
    """Many orders together. The shares leave out orders whose book was not recorded."""

    orders: int
    prints: int
    turned: int
    unseen: int
    whole: int
    whole_share: Estimate
    """Of the orders."""
    filled_share: Estimate
    """Of the shares that they took."""
    extra_e4: Estimate
    """Price error: what ours paid more a share, or got less; negative: ours was better off."""
    missed: dict[str, int]
    missed_share: dict[str, float]
    """Of the shares, by reason."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Of a stretch of time."""

    hours: int
    """With rows on the tape."""
    calibrated: int
    """Of them."""
    print_lag_ms: list[int]
    """Assumed; more than one if hours differ."""
    fills: Fills
    by_class: dict[str, Fills]
    by_hour: dict[str, Fills]
    """By time of day, "00" to "23", UTC."""


def store(lake: Lake, calibrated: HourCalibration) -> None:
    content = msgspec.json.format(msgspec.json.encode(calibrated)) + b"\n"
    publish_bytes(path_of(lake, calibrated.hour_ns), content)


def path_of(lake: Lake, start_ns: int) -> Path:
    date, hour = utc_date_hour(start_ns)
    return lake.root / "calibrations" / f"date={date}" / f"hour={hour:02d}.json"


def rows_by_hour(lake: Lake, from_ns: int, to_ns: int) -> dict[int, int]:
    """Rows of the tape in every hour that overlaps [from_ns, to_ns), by its start."""
    rows: dict[int, int] = {}
    for path in lake.events_files(from_ns, to_ns):
        start_ns = hour_ns(path)
        rows[start_ns] = rows.get(start_ns, 0) + pq.read_metadata(path).num_rows
    return dict(sorted(rows.items()))


def calibration(lake: Lake, from_ns: int, to_ns: int) -> Calibration:
    """What is known of the hours that overlap [from_ns, to_ns).

    Raises LakeError for a damaged file.
    """
    rows = rows_by_hour(lake, from_ns, to_ns)
    found = [hour for start_ns in rows if (hour := _read(lake, start_ns, rows[start_ns]))]
    tallies = [tally for hour in found for tally in hour.tallies]
    by_hour: dict[str, list[Tally]] = {}
    for hour in found:
        by_hour.setdefault(f"{utc_date_hour(hour.hour_ns)[1]:02d}", []).extend(hour.tallies)
    by_class: dict[str, list[Tally]] = {}
    for tally in tallies:
        by_class.setdefault(tally.market_class, []).append(tally)
    return Calibration(
        hours=len(rows),
        calibrated=len(found),
        print_lag_ms=sorted({hour.print_lag_ms for hour in found}),
        fills=fills_of(tallies),
        by_class={name: fills_of(by_class[name]) for name in sorted(by_class)},
        by_hour={name: fills_of(by_hour[name]) for name in sorted(by_hour)},
    )


def fills_of(tallies: Iterable[Tally]) -> Fills:
    tallies = list(tallies)
    events: dict[str, list[int]] = {}
    missed: dict[str, int] = {}
    missed_e6: dict[str, int] = {}
    for tally in tallies:
        sums = events.setdefault(tally.event, [0] * 5)
        seen, seen_e6 = tally.orders - tally.unseen, tally.size_e6 - tally.unseen_e6
        parts = (tally.whole, seen, tally.filled_e6, seen_e6, tally.extra_e10)
        events[tally.event] = [old + more for old, more in zip(sums, parts, strict=True)]
        for reason, count in tally.missed.items():
            _count(missed, reason, count)
            _count(missed_e6, reason, tally.missed_e6[reason])
    size_e6 = sum(tally.size_e6 for tally in tallies)
    whole, seen_of, filled_e6, seen_e6_of, extra_e10 = zip(*events.values(), [0] * 5, strict=True)
    return Fills(
        orders=sum(tally.orders for tally in tallies),
        prints=sum(tally.prints for tally in tallies),
        turned=sum(tally.turned for tally in tallies),
        unseen=missed.get(Miss.UNSEEN, 0),
        whole=sum(whole),
        whole_share=ratio_by_event(whole, seen_of),
        filled_share=ratio_by_event(filled_e6, seen_e6_of),
        extra_e4=ratio_by_event(extra_e10, filled_e6),
        missed=dict(sorted(missed.items())),
        missed_share={name: missed_e6[name] / size_e6 for name in sorted(missed_e6) if size_e6},
    )


def _count(counts: dict[str, int], name: str, more: int) -> None:
    counts[name] = counts.get(name, 0) + more


def _read(lake: Lake, start_ns: int, rows: int) -> HourCalibration | None:
    path = path_of(lake, start_ns)
    if not path.exists():
        return None
    try:
        found = msgspec.json.decode(path.read_bytes(), type=HourCalibration)
    except msgspec.DecodeError as error:
        raise LakeError(
            f"{path}: damaged ({error}); remove it and run `hfptm calibrate` again"
        ) from error
    return found if (found.rows, found.version) == (rows, __version__) else None
