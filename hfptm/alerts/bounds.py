"""From where on something is worth an alert, and how the amounts are written."""

from typing import Self

import msgspec

from hfptm.config import Config, usd_e6
from hfptm.units import BYTES_PER_MIB, NS_PER_MS, NS_PER_S, ONE_E6

_CENT_E6 = ONE_E6 // 100


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in integers."""

    trade_e6: int
    drawdown_e6: int
    order_latency_ns: int
    """0: never."""
    feed_lag_ns: int
    """From here on nothing is bought."""
    silent_ns: int
    free_bytes: int
    """0: never."""
    group_ns: int
    messages_per_hour: int

    @classmethod
    def of(cls, settings: Config) -> Self:
        alerts = settings.alerts
        return cls(
            trade_e6=usd_e6(settings, "alerts.trade_above_usd"),
            drawdown_e6=usd_e6(settings, "alerts.drawdown_above_usd"),
            order_latency_ns=alerts.latency_above_ms * NS_PER_MS,
            feed_lag_ns=settings.risk.max_feed_lag_ms * NS_PER_MS,
            silent_ns=alerts.silent_s * NS_PER_S,
            free_bytes=alerts.free_mib * BYTES_PER_MIB,
            group_ns=alerts.group_s * NS_PER_S,
            messages_per_hour=alerts.messages_per_hour,
        )


def usd(amount_e6: int) -> str:
    """To the cent, towards zero: "1,204.20 USD"."""
    cents = abs(amount_e6) // _CENT_E6
    sign = "-" if amount_e6 < 0 and cents else ""
    return f"{sign}{cents // 100:,}.{cents % 100:02d} USD"


def span(span_ns: int) -> str:
    """For people: "250 ms", "75 s", "20 min", "3 h"; whole ones, no more than there are."""
    for unit_ns, name in ((3_600 * NS_PER_S, "h"), (60 * NS_PER_S, "min"), (NS_PER_S, "s")):
        if span_ns >= 2 * unit_ns:
            return f"{span_ns // unit_ns:,} {name}"
    return f"{max(span_ns, 0) // NS_PER_MS:,} ms"


def mib(size_bytes: int) -> str:
    return f"{size_bytes // BYTES_PER_MIB:,} MiB"
