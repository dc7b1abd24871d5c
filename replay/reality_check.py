"""How likely luck alone makes the best of so many sets this good.

The null hypothesis is that no set earns anything. The best of many earns something on the sample
nevertheless, so its studentised total is held against the largest one of all sets in resamples of
whole events, in which every set's own total is taken out. Sets that are clearly worse than nothing
keep their losses there, or trying hopeless sets would hide a good one.

Sources: H. White, "A reality check for data snooping", Econometrica 68 (2000) 1097-1126, for the
test; P. R. Hansen, "A test for superior predictive ability", J. Bus. Econ. Stat. 23 (2005) 365-380,
for the studentised statistic and the rule by which losses are kept (his consistent p-value);
J. P. Romano and M. Wolf, "Stepwise multiple testing as formalized data snooping", Econometrica 73
(2005) 1237-1282, section 4, for reading it as the p-value of the best set itself.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from replay.confidence import RESAMPLES, resamples

METHOD = "White's reality check, studentised as by Hansen (SPA), bootstrap by event"
ALPHA = 0.01
"""Of the threshold. Stricter than custom: whoever sweeps sweeps again."""

Totals = npt.NDArray[np.float64]


class Correction(NamedTuple):
    """`threshold` is the total that the best set would have to exceed at `ALPHA`."""

    tried: int
    p_value: float
    threshold: float


def reality_check(by_event: npt.NDArray[np.int64], best: int) -> Correction:
    """by_event: (S, E), each set's total in each event; best: the set that is asked about.

    p is 1 where that set lost or nothing differs between events.
    """
    tried, events = by_event.shape
    totals = by_event.sum(axis=1).astype(np.float64)
    if totals[best] <= 0:
        return Correction(tried, 1.0, 0.0)
    errors = math.sqrt(events) * by_event.std(axis=1)
    varies = errors > 0
    if not varies[best]:
        return Correction(tried, 1.0, 0.0)
    scaled = by_event[varies] / errors[varies, None]
    largest = _largest_of_resamples(scaled)
    as_good = int(np.count_nonzero(largest >= totals[best] / errors[best]))
    p_value = (1 + as_good) / (1 + RESAMPLES)
    return Correction(tried, p_value, float(np.quantile(largest, 1 - ALPHA) * errors[best]))


def _largest_of_resamples(scaled: Totals) -> Totals:
    """(RESAMPLES,): the largest total of any set, at least 0, under the null hypothesis."""
    events = scaled.shape[1]
    totals = scaled.sum(axis=1)
    hopeless_below = -math.sqrt(2 * math.log(max(math.log(events), 1))) if events > 1 else 0.0
    taken_out = np.where(totals >= hopeless_below, totals, 0.0)
    largest = [(scaled @ drawn.T - taken_out[:, None]).max(axis=0) for drawn in resamples(events)]
    floored: Totals = np.maximum(np.concatenate(largest), 0.0)
    return floored
