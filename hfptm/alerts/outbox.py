"""What one address is to be told, when, and in how many messages: pure."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from hfptm.alerts.bounds import Bounds
from hfptm.alerts.kinds import RANKS, Alert, Severity
from hfptm.clock import format_utc
from hfptm.units import NS_PER_S

HOUR_NS = 3_600 * NS_PER_S

BODY_CHARACTERS_MAX = 1_800
"""Of the usual services the strictest takes 2,000."""

TEXT_CHARACTERS_MAX = 400
"""Of one alert."""

RETRY_NS_MIN = 2 * NS_PER_S
RETRY_NS_MAX = 300 * NS_PER_S


class Message(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    body: str
    severity: Severity
    """The highest in it."""
    serial: int
    """Of the last alert in it."""


class Outbox(msgspec.Struct, kw_only=True):
    """Of one address; times UTC."""

    serial: int
    """Of the last alert that it was told of."""
    taken_ns: list[int] = []
    """When it took messages, in the last hour."""
    failures: int = 0
    """In a row."""
    retry_ns: int = 0
    """Not before, after a failure."""


def due(
    outbox: Outbox, alerts: Sequence[Alert], bounds: Bounds, now_ns: int, *, at_once: bool = False
) -> list[Alert]:
    """The alerts of the message that is to leave now; none if none is. `at_once`: without waiting
    for more of a group."""
    waiting = [alert for alert in alerts if alert.serial > outbox.serial]
    sent = sum(0 <= now_ns - ns < HOUR_NS for ns in outbox.taken_ns)
    if not waiting or sent >= bounds.messages_per_hour:
        return []
    # Ahead of now is only what was written before the clock was set back: it waits for nothing.
    is_grouped = not 0 <= now_ns - waiting[0].ts_ns < bounds.group_ns
    is_retried = not 0 < outbox.retry_ns - now_ns <= RETRY_NS_MAX
    return waiting if (at_once or is_grouped) and is_retried else []


def took(outbox: Outbox, message: Message, now_ns: int) -> None:
    recent = [ns for ns in outbox.taken_ns if 0 <= now_ns - ns < HOUR_NS]
    outbox.serial, outbox.taken_ns = message.serial, [*recent, now_ns]
    outbox.failures = outbox.retry_ns = 0


def failed(outbox: Outbox, now_ns: int) -> None:
    wait_ns = min(RETRY_NS_MIN << min(outbox.failures, 16), RETRY_NS_MAX)
    outbox.failures, outbox.retry_ns = outbox.failures + 1, now_ns + wait_ns


def message(alerts: Sequence[Alert], told: int, place: str) -> Message:
    """Of alerts in their order, the first of which follows number `told`, if none was forgotten.

    What has no room, the least severe first, is counted.
    """
    chosen: list[Alert] = []
    room = BODY_CHARACTERS_MAX
    for alert in sorted(alerts, key=lambda alert: -RANKS[alert.severity]):
        room -= len(_lines(alert)) + 1
        if room >= 0:
            chosen.append(alert)
    shown = {alert.serial for alert in chosen}
    left = Counter(alert.name for alert in alerts if alert.serial not in shown)
    lines = [_lines(alert) for alert in alerts if alert.serial in shown]
    if left:
        lines.append(f"No room for: {', '.join(f'{n} {name}' for name, n in left.items())}.")
    if forgotten := alerts[0].serial - told - 1:
        lines.append(f"Before these: {forgotten} that could not be told in time.")
    names = {alert.name for alert in alerts}
    what = names.pop() if len(alerts) == 1 else f"{len(alerts) + forgotten} alerts"
    over = ", over" if len(alerts) == 1 and alerts[0].is_over else ""
    return Message(
        title=f"hfptm {alerts[-1].mode} on {place}: {what}{over}",
        body="\n".join(lines),
        severity=max((alert.severity for alert in alerts), key=RANKS.__getitem__),
        serial=alerts[-1].serial,
    )


def _lines(alert: Alert) -> str:
    text = alert.text
    if len(text) > TEXT_CHARACTERS_MAX:
        text = f"{text[: TEXT_CHARACTERS_MAX - 1]}…"
    line = f"{format_utc(alert.ts_ns)} {alert.name}: {' '.join(text.split())}"
    return line if alert.is_over else f"{line}\nWhat to do: {alert.guide}"
