"""What a signer may still send: the exchange's token bucket, kept on our side of the wire.

Source: exchange reference, section 3.7. Pure: the clock is handed in.
"""

from hfptm.units import NS_PER_S, parse_decimal

ORDERS_STANDARD = (40, 60)
"""Orders a second, and in a burst, of the lowest tier."""


class RateBudget:
    """Full at first. Counted in tokens x ns, so that no time is too short to be counted."""

    def __init__(self, rate_per_s: int, burst: int, ts_ns: int) -> None:
        """`ts_ns` and all later times are those of a clock that never goes back."""
        self._rate_per_s = rate_per_s
        self._full = self._level = burst * NS_PER_S
        self._ts_ns = ts_ns

    def take(self, cost: int, ts_ns: int) -> bool:
        """Whether there was enough; all of it is taken, or nothing."""
        self._refill(ts_ns)
        if self._level < cost * NS_PER_S:
            return False
        self._level -= cost * NS_PER_S
        return True

    def lower_to(self, remaining: str, ts_ns: int) -> None:
        """The exchange says how many are left (Poly-RateLimit-Remaining): believe it if fewer.

        A text that is no decimal changes nothing.
        """
        self._refill(ts_ns)
        try:
            self._level = min(self._level, parse_decimal(remaining, 9))
        except ValueError:
            return

    def _refill(self, ts_ns: int) -> None:
        gained = (ts_ns - self._ts_ns) * self._rate_per_s
        self._level, self._ts_ns = min(self._full, self._level + gained), ts_ns
