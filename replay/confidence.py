"""How far a share may be from the truth, given how little was seen of it."""

import math
from collections.abc import Iterator, Sequence

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
    columns = columns[:, columns[1] != 0]
    again = np.concatenate([drawn @ columns.T for drawn in resamples(count)])
    low, high = np.percentile(again[:, 0] / again[:, 1], [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def share_by_event(parts: Sequence[float], wholes: Sequence[float]) -> Estimate:
    """`ratio_by_event` of parts that are at most their wholes.

    Where no event has any, or each all of it, drawing again can only repeat that; then events are
    the trials, and the interval is Wilson's.
    """
    found = ratio_by_event(parts, wholes)
    if found.low is None or found.value not in (0.0, 1.0):
        return found
    events = int(np.count_nonzero(wholes))
    return wilson(round(found.value) * events, events)


def totals_by_event(gains: npt.ArrayLike) -> list[Estimate]:
    """The sum of each row of `gains` (k, n events), with intervals that hold for all k together.

    Whole events are drawn again, the same for all rows. The largest studentised deviation of any
    row sets the width of all, so that trying many rows makes none of them look better than it is.
    Source: J. P. Romano and M. Wolf, "Exact and approximate stepdown methods for multiple
    hypothesis testing", J. Am. Stat. Assoc. 100 (2005) 94-108, in a single step.
    """
    table = np.atleast_2d(np.asarray(gains, np.float64))
    totals, events = table.sum(axis=1), table.shape[1]
    if events < EVENTS_MIN:
        return [Estimate(float(total)) for total in totals]
    again = np.concatenate([drawn @ table.T for drawn in resamples(events)])
    spread = again.std(axis=0)
    deviation = np.abs(again - totals) / np.where(spread > 0, spread, np.inf)
    reach = np.percentile(deviation.max(axis=1), 95) * spread
    rows = zip(totals, reach, strict=True)
    return [Estimate(float(total), float(total - r), float(total + r)) for total, r in rows]


def resamples(events: int) -> Iterator[npt.NDArray[np.float64]]:
    """How often each event was drawn, `events` draws a row: (n, events), `RESAMPLES` rows in all.

    The same ones whenever it is called.
    """
    rng = np.random.default_rng(_SEED)
    shares = np.full(events, 1 / events)
    for _ in range(RESAMPLES // _AT_ONCE):
        yield rng.multinomial(events, shares, _AT_ONCE).astype(np.float64)
