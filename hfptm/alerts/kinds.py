"""What an alert is, and the kinds there are."""

from enum import StrEnum

import msgspec

GUIDE = "docs/operations.md"
"""Has a section for each kind: what it means, and what to do."""


class Kind(StrEnum):
    """Names as in messages and as the guide's headings."""

    TRADE = "trade"
    ERROR = "error"
    ORDER_LATENCY = "order-latency"
    FEED_LAG = "feed-lag"
    DRAWDOWN = "drawdown"
    BREAKER = "breaker"
    KILLED = "killed"
    FEED_SILENT = "feed-silent"
    GAPS = "gaps"
    DISK = "disk"
    DIED = "died"
    LIMIT = "limit"


class Severity(StrEnum):
    """In rising order."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


RANKS = {severity: rank for rank, severity in enumerate(Severity)}

SEVERITIES = {
    Kind.TRADE: Severity.INFO,
    Kind.ERROR: Severity.WARNING,
    Kind.ORDER_LATENCY: Severity.WARNING,
    Kind.FEED_LAG: Severity.WARNING,
    Kind.DRAWDOWN: Severity.CRITICAL,
    Kind.BREAKER: Severity.CRITICAL,
    Kind.KILLED: Severity.CRITICAL,
    Kind.FEED_SILENT: Severity.CRITICAL,
    Kind.GAPS: Severity.WARNING,
    Kind.DISK: Severity.CRITICAL,
    Kind.DIED: Severity.CRITICAL,
    Kind.LIMIT: Severity.WARNING,
}
"""Of the beginning; that something is over is information."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, or a condition that began or is over."""

    serial: int
    """Counts up in a data folder, from 1."""
    ts_ns: int
    """When it was noticed, UTC."""
    mode: str
    """Of the program that it is about."""
    name: Kind
    severity: Severity
    key: str
    """Of the condition: what it tells of begins and ends under the same key."""
    is_over: bool
    text: str
    """What, how much against which limit, since when; one line."""

    @property
    def guide(self) -> str:
        """Where it says what to do."""
        return f"{GUIDE}#{self.name}"
