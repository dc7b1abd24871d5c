"""Token buckets for each signer: one for orders, one for cancels.

Source: exchange reference, section 3.7. The limits by network address of the same section only
slow requests down, and are not modelled.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum

import msgspec

from hfptm.sandbox.calls import ApiError
from hfptm.units import NS_PER_S, format_scaled


class Tier(Enum):
    """By 30-day volume: orders a second and in a burst, cancels a second and in a burst."""

    STANDARD = (40, 60, 80, 120)
    COPPER = (60, 90, 120, 180)
    BRONZE = (80, 120, 160, 240)
    SILVER = (200, 300, 400, 600)
    GOLD = (400, 600, 800, 1_200)
    PLATINUM = (450, 675, 900, 1_350)
    DIAMOND = (525, 787, 1_050, 1_575)
    ELITE = (600, 900, 1_200, 1_800)


_MAY_OWE = frozenset({Tier.STANDARD, Tier.COPPER, Tier.BRONZE, Tier.SILVER, Tier.GOLD})
"""Their cancel-all is carried out even if it costs more than is left."""


class Bucket(StrEnum):
    ORDERS = "orders"
    CANCELS = "cancels"


class _Level(msgspec.Struct):
    """Tokens times ns: integers, however short the time between two requests."""

    tokens_ns: int
    ts_ns: int


class RateLimits:
    """Every bucket, full until it is used. Times are those of the clients' clock."""

    def __init__(self, tier: Tier = Tier.STANDARD) -> None:
        self._tier = tier
        self._tiers: dict[str, Tier] = {}
        self._levels: dict[tuple[str, Bucket], _Level] = {}

    def assign(self, address: str, tier: Tier) -> None:
        """Put a signer into a tier, with full buckets."""
        self._tiers[address] = tier
        for bucket in Bucket:
            self._levels.pop((address, bucket), None)

    def charge(
        self, address: str, bucket: Bucket, cost: int, ts_wall_ns: int, *, may_owe: bool = False
    ) -> Mapping[str, str]:
        """Take `cost` tokens, all or none, and return the headers that say what is left.

        Refused with 429 if there are too few, unless `may_owe` and the tier lets it. A bucket that
        owes refuses everything until it has been paid.
        """
        tier = self._tiers.get(address, self._tier)
        rate, burst = tier.value[:2] if bucket is Bucket.ORDERS else tier.value[2:]
        level = self._refilled(address, bucket, rate, burst, ts_wall_ns)
        cost_ns = cost * NS_PER_S
        owes = may_owe and tier in _MAY_OWE and level.tokens_ns >= 0
        if level.tokens_ns < cost_ns and not owes:
            wait_ns = -(-(cost_ns - level.tokens_ns) // rate)
            raise ApiError(429, "Too Many Requests", headers=_headers(tier, level, wait_ns))
        level.tokens_ns -= cost_ns
        return _headers(tier, level, 0)

    def _refilled(self, address: str, bucket: Bucket, rate: int, burst: int, ts_ns: int) -> _Level:
        full = burst * NS_PER_S
        level = self._levels.setdefault((address, bucket), _Level(full, ts_ns))
        gained = max(0, ts_ns - level.ts_ns) * rate
        level.tokens_ns, level.ts_ns = min(full, level.tokens_ns + gained), ts_ns
        return level


def _headers(tier: Tier, level: _Level, wait_ns: int) -> dict[str, str]:
    headers = {
        "Poly-RateLimit-Remaining": format_scaled(level.tokens_ns // 10**6, 3),
        "Poly-RateLimit-Reset": str(-(-(level.ts_ns + wait_ns) // NS_PER_S)),
        "Poly-RateLimit-Tier": tier.name.lower(),
    }
    if wait_ns:
        headers["Retry-After"] = str(-(-wait_ns // NS_PER_S))
    return headers
