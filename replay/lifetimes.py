"""How long opportunities live, counting honestly those whose end nobody saw.

The share that is still there after a time, by the product-limit estimate: what a gap, the end of
the day or of the recording cut short counts as long as it was seen, and no longer. Source: E. L.
Kaplan and P. Meier, "Nonparametric estimation from incomplete observations", J. Am. Stat. Assoc.
53 (1958) 457-481. Bands: whole events are drawn again, as in `replay.confidence`.
"""

from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.units import NS_PER_MS
from replay.confidence import EVENTS_MIN, resamples

Floats = npt.NDArray[np.float64]

POINTS_MAX = 120
"""Of a curve, evenly among the times at which any ended; a picture shows no more."""

QUARTILES = (25, 50, 75)
_AT_ONCE = 2_000_000
"""Weights held together; memory only."""


class Lives(NamedTuple):
    """One of each an opportunity."""

    after_ns: npt.NDArray[np.int64]
    """Seen for so long."""
    is_cut: npt.NDArray[np.bool_]
    """Its end was not seen."""
    event: npt.NDArray[np.int64]

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Lives":
        return Lives(self.after_ns[chosen], self.is_cut[chosen], self.event[chosen])


class Quartile(msgspec.Struct, frozen=True, kw_only=True):
    """After how many ms so many per cent were gone; None: never seen, or too few events."""

    percent: int
    after_ms: float | None
    low_ms: float | None
    high_ms: float | None


class Survival(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    """OpportunityKind in lower case, or "all"."""
    n: int
    censored: int
    events: int
    after_ms: list[float]
    alive: list[float]
    """Share still there right after each of these times."""
    low: list[float] | None
    """95 % band at each; None: too few events."""
    high: list[float] | None
    quartiles: list[Quartile]


def survival(kind: str, lives: Lives) -> Survival:
    """Of at least one life."""
    events = np.unique(lives.event)
    ends_ns = np.unique(lives.after_ns[~lives.is_cut])
    shown = _spread(len(ends_ns))
    curve = _read(_alive(lives, ends_ns, np.ones((1, len(lives.event)))), ends_ns, shown)
    again = _resampled(lives, ends_ns, shown) if len(events) >= EVENTS_MIN else None
    low, high = _band(again.alive) if again else (None, None)
    return Survival(
        kind=kind,
        n=len(lives.event),
        censored=int(lives.is_cut.sum()),
        events=len(events),
        after_ms=(ends_ns[shown] / NS_PER_MS).tolist(),
        alive=curve.alive[0].tolist(),
        low=low,
        high=high,
        quartiles=[
            _quartile(percent, curve.quartiles_ms[0, at], again and again.quartiles_ms[:, at])
            for at, percent in enumerate(QUARTILES)
        ],
    )


class _Curves(NamedTuple):
    """Of some resamples: shares at the times that are shown, and when each quartile was gone."""

    alive: Floats
    quartiles_ms: Floats


def _read(alive: Floats, ends_ns: npt.NDArray[np.int64], shown: npt.NDArray[np.int64]) -> _Curves:
    times = [_first_ms(alive, ends_ns, 1 - percent / 100) for percent in QUARTILES]
    return _Curves(alive[:, shown], np.stack(times, axis=1))


def _alive(lives: Lives, ends_ns: npt.NDArray[np.int64], weight: Floats) -> Floats:
    """(r, t) shares alive after each of the sorted times at which any ended; weight (r, n)."""
    order = np.argsort(lives.after_ns, kind="stable")
    weight, after_ns = weight[:, order], lives.after_ns[order]
    ended = np.where(lives.is_cut[order], 0.0, weight)
    first = np.searchsorted(after_ns, ends_ns)
    last = np.searchsorted(after_ns, ends_ns, "right")
    at_risk = weight.sum(axis=1, keepdims=True) - _before(weight, first)
    gone = _before(ended, last) - _before(ended, first)
    # Where nobody is at risk any more nothing changes.
    return np.cumprod(1 - gone / np.maximum(at_risk, 1.0), axis=1)


def _before(weight: Floats, places: npt.NDArray[np.int64]) -> Floats:
    """(r, t) sums of what stands before each place."""
    sums = np.cumsum(weight, axis=1)
    return np.where(places > 0, sums[:, np.maximum(places - 1, 0)], 0.0)


def _resampled(
    lives: Lives, ends_ns: npt.NDArray[np.int64], shown: npt.NDArray[np.int64]
) -> _Curves:
    events, place = np.unique(lives.event, return_inverse=True)
    parts = [
        _read(_alive(lives, ends_ns, row[:, place]), ends_ns, shown)
        for drawn in resamples(len(events))
        for row in np.array_split(drawn, 1 + drawn.shape[0] * len(place) // _AT_ONCE)
    ]
    alive, quartiles_ms = (np.concatenate(each) for each in zip(*parts, strict=True))
    return _Curves(alive, quartiles_ms)


def _spread(count: int) -> npt.NDArray[np.int64]:
    if count <= POINTS_MAX:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, POINTS_MAX).round().astype(np.int64))


def _band(curves: Floats) -> tuple[list[float], list[float]]:
    if curves.shape[1] == 0:
        return [], []
    low, high = np.percentile(curves, [2.5, 97.5], axis=0)
    return low.tolist(), high.tolist()


def _quartile(percent: int, value_ms: float, again_ms: Floats | None) -> Quartile:
    low_ms = high_ms = np.inf
    if again_ms is not None:
        found = np.sort(again_ms)
        low_ms, high_ms = found[int(0.025 * len(found))], found[int(0.975 * len(found))]
    return Quartile(
        percent=percent, after_ms=_seen(value_ms), low_ms=_seen(low_ms), high_ms=_seen(high_ms)
    )


def _first_ms(curves: Floats, ends_ns: npt.NDArray[np.int64], left: float) -> Floats:
    """(r,) when each curve first falls to `left`; infinite if it never does."""
    reached = np.hstack([curves <= left + 1e-12, np.ones((len(curves), 1), bool)])
    first_ms: Floats = np.append(ends_ns / NS_PER_MS, np.inf)[reached.argmax(axis=1)]
    return first_ms


def _seen(after_ms: float) -> float | None:
    return float(after_ms) if np.isfinite(after_ms) else None
