"""How far a share may be from the truth, given how little was seen of it."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

Z_95 = 1.959964
RESAMPLES = 2_000
EVENTS_MIN = 5
"""Of fewer a resampling says nothing: it can only repeat them."""

_SEED = 0
_AT_ONCE = 100
"""Resamples drawn together; memory only."""


class Estimate(msgspec.Struct, frozen=True):
    """A figure with its 95 % interval; None where there is too little to say one."""

    value: float
    low: float | None = None
    high: float | None = None


def wilson(count: int, total: int) -> Estimate:
    """A share of independent trials, with Wilson's score interval; 0 to 1 of no trials.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    J. Am. Stat. Assoc. 22 (1927) 209-212.
    """
    if total == 0:
        return Estimate(0.0, 0.0, 1.0)
    share = count / total
    scale = 1 + Z_95**2 / total
    middle = (share + Z_95**2 / (2 * total)) / scale
    reach = Z_95 / scale * math.sqrt(share * (1 - share) / total + Z_95**2 / (4 * total**2))
    # At both ends the interval is exact there, and floats are not.
    low = middle - reach if count else 0.0
    high = middle + reach if count < total else 1.0
    return Estimate(share, low, high)


def ratio_by_event(parts: Sequence[float], wholes: Sequence[float]) -> Estimate:
    """sum(parts) / sum(wholes), one of each an event, with a bootstrap over events.

    Trades of one event are no independent trials, so whole events are drawn again, with
    replacement; always the same ones.
    """
    columns = np.array([parts, wholes], np.float64)
    total = columns[1].sum()
    if total <= 0:
        return Estimate(0.0)
    value = float(columns[0].sum() / total)
    count = int(np.count_nonzero(columns[1]))
    if count < EVENTS_MIN:
        return Estimate(value)
    low, high = np.percentile(_resampled(columns[:, columns[1] != 0]), [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def _resampled(columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(_SEED)
    events = columns.shape[1]
    ratios = []
    for _ in range(RESAMPLES // _AT_ONCE):
        drawn = rng.integers(0, events, (_AT_ONCE, events))
        ratios.append(columns[0][drawn].sum(axis=1) / columns[1][drawn].sum(axis=1))
    return np.concatenate(ratios)
