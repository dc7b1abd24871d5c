"""Time: no other module reads a clock. Every stamp is an int, in UTC, ns since 1970."""

import re
import time
from datetime import UTC, date, datetime, timedelta
from functools import cache

from hfptm.units import NS_PER_MS, NS_PER_S

NS_MAX = 2**63 - 1
"""The last stamp an int64 column holds, in April 2262."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP = re.compile(r"[0-9]{19}")
_ISO = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_FORMS = (
    "2026-04-29, 2026-04-29T02:10:43.288Z (without a zone it is UTC), "
    "or nanoseconds since 1970 in 19 digits"
)


def wall_ns() -> int:
    """Now, UTC. It may jump when the machine's clock is set: measure spans with `monotonic_ns`."""
    return time.time_ns()


def monotonic_ns() -> int:
    """Never goes back; only differences mean anything."""
    return time.monotonic_ns()


def wall_offset_ns() -> int:
    """How far `wall_ns` is ahead of `monotonic_ns`: it jumps if the machine's clock is set."""
    while True:
        before_ns = monotonic_ns()
        offset_ns = wall_ns() - before_ns
        if monotonic_ns() - before_ns < NS_PER_MS:  # nothing came in between
            return offset_ns


def parse_utc_ns(text: str) -> int:
    """A stamp from an ISO date, an ISO date-time of up to 9 decimals, or 19 digits of nanoseconds.

    Exact to the nanosecond. Raises ValueError, naming the forms taken, for anything else and for
    times before 1970 or after `NS_MAX`.
    """
    ts_ns = int(text) if _STAMP.fullmatch(text) else _parse_iso_ns(text)
    if not 0 <= ts_ns <= NS_MAX:
        raise ValueError(f"time outside 1970 to 2262: {text!r}; write {_FORMS}")
    return ts_ns


def _parse_iso_ns(text: str) -> int:
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time: {text!r}; write {_FORMS}")
    try:
        whole = _whole_second(match)
    except ValueError as error:
        raise ValueError(f"not a time: {text!r} ({error}); write {_FORMS}") from error
    since_epoch = whole - _EPOCH
    seconds = since_epoch.days * 86_400 + since_epoch.seconds
    return seconds * NS_PER_S + int((match["fraction"] or "").ljust(9, "0"))


def _whole_second(match: re.Match[str]) -> datetime:
    day = date.fromisoformat(match["date"])
    if not 1969 <= day.year <= 2263:  # a zone may still move it into range, never out of datetime's
        raise ValueError("outside 1970 to 2262")
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    local = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)
    zone = match["zone"] or "Z"
    if zone == "Z":
        return local
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    if offset >= timedelta(hours=24) or int(zone[4:6]) > 59:
        raise ValueError("no such zone")
    return local - offset if zone[0] == "+" else local + offset


def format_utc(ts_ns: int) -> str:
    """For people, to the millisecond below: "2026-04-29 02:10:43.288Z"."""
    second, rest_ns = divmod(ts_ns, NS_PER_S)
    stamp = _EPOCH + timedelta(seconds=second)
    return f"{stamp:%Y-%m-%d %H:%M:%S}.{rest_ns // NS_PER_MS:03d}Z"


@cache
def weekly_restarts_ns() -> tuple[int, ...]:
    """Tuesdays at 07:00 in New York, 2025 to 2035 (reference, section 3.5).

    Summer time is from the second Sunday of March to the first of November: law since 2007, and not
    in the zone files of every machine.
    """
    found = []
    day = date(2025, 1, 7)
    while day.year <= 2035:
        summer = date(day.year, 3, 8), date(day.year, 11, 1)
        begins, ends = (first + timedelta(days=6 - first.weekday()) for first in summer)
        hour = 11 if begins <= day < ends else 12
        found.append(parse_utc_ns(f"{day}T{hour}:00Z"))
        day += timedelta(days=7)
    return tuple(found)


def utc_date_hour(ts_ns: int) -> tuple[str, int]:
    """The lake's partition of a stamp: ("2026-04-29", 2)."""
    stamp = _EPOCH + timedelta(seconds=ts_ns // NS_PER_S)
    return f"{stamp:%Y-%m-%d}", stamp.hour
