"""How often something took how long, in buckets that grow by an eighth: small, exact to add up, and
the percentiles are at most a seventh too high.

The bounds are those of the preferred numbers R20 (ISO 3), so that 1, 2.5 and 5 of each power of ten
are among them: those are told to Prometheus.
"""

import numpy as np
import numpy.typing as npt

from hfptm.units import NS_PER_S

Times = npt.NDArray[np.int64]

_R20 = (
    *(100, 112, 125, 140, 160, 180, 200, 224, 250, 280),
    *(315, 355, 400, 450, 500, 560, 630, 710, 800, 900),
)
_DECADES = 8

BOUNDS_NS: Times = np.array(
    [10 * step * 10**decade for decade in range(_DECADES) for step in _R20]
    + [1_000 * 10**_DECADES],
    np.int64,
)
"""From 1 us to 100 s. What took longer counts as the last."""

TOLD = np.flatnonzero(np.isin(BOUNDS_NS, [s * 10**d for d in range(12) for s in (10, 25, 50)]))
"""Places of the bounds that Prometheus gets."""

MINUTE_S = 60


def counted(took_ns: Times) -> Times:
    """How many are in each bucket: above the bound before, and no longer than its own. What took
    less than nothing, by two clocks that disagree, is in the first."""
    places = np.searchsorted(BOUNDS_NS[:-1], took_ns)
    return np.bincount(places, minlength=len(BOUNDS_NS))


def percentile_ns(counts: Times, percent: int) -> int:
    """The bound that holds the nearest rank; 0 of nothing."""
    total = int(counts.sum())
    if total == 0:
        return 0
    rank = -(-total * percent // 100)
    return int(BOUNDS_NS[np.searchsorted(np.cumsum(counts), rank)])


class Timing:
    """Since it was made, and in the last minute; all `now_ns` of one clock that does not go back.

    `counts` (B,) and `sum_ns` are of all.
    """

    def __init__(self) -> None:
        self.counts: Times = np.zeros(len(BOUNDS_NS), np.int64)
        self.sum_ns = 0
        self._seconds: Times = np.full(MINUTE_S, -MINUTE_S, np.int64)
        self._ring: Times = np.zeros((MINUTE_S, len(BOUNDS_NS)), np.int64)

    def add(self, took_ns: Times, now_ns: int) -> None:
        if len(took_ns):
            self.add_counts(counted(took_ns), int(np.maximum(took_ns, 0).sum()), now_ns)

    def add_counts(self, counts: Times, sum_ns: int, now_ns: int) -> None:
        """What somebody else has counted."""
        second = now_ns // NS_PER_S
        place = second % MINUTE_S
        if self._seconds[place] != second:
            self._seconds[place] = second
            self._ring[place] = 0
        self._ring[place] += counts
        self.counts += counts
        self.sum_ns += sum_ns

    def minute(self, now_ns: int) -> Times:
        """Counts (B,) of this second and the 59 before."""
        is_recent = self._seconds > now_ns // NS_PER_S - MINUTE_S
        recent: Times = self._ring[is_recent].sum(axis=0)
        return recent
