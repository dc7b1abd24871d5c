"""How markets are quoted: spreads, depth, sizes. Measured where there is something to measure.

Every number here that says so is of recorded books of short crypto windows (docs/sandbox-traders.md
has them beside what comes out); no deltas of other kinds of markets were to be had.
"""

from collections.abc import Sequence

import msgspec

from hfptm.sandbox.draws import Draws
from hfptm.units import ONE_E6
from hfptm.venue.orders import SHARE_STEP_E6

_ORDER_SHARES = (
    *(5, 10, 10, 20, 30, 40, 50, 60, 70, 80, 95),
    *(110, 130, 160, 200, 250, 330, 450, 700, 1_200, 4_000),
)
"""Fitted: quantiles, 5% apart, such that levels of one to four orders have their measured sizes."""

_TAKER_SHARES = (
    *(1, 1, 2, 5, 5, 6, 8, 10, 10, 14, 20),
    *(20, 24, 27, 27, 30, 39, 50, 74, 128, 640),
)
"""Measured: quantiles, 5% apart, of trades."""

_WHOLE_PERCENT = 78
"""Fitted: 57 of a hundred levels are then whole shares, as measured."""


class Quoting(msgspec.Struct, frozen=True):
    """A market's manner."""

    half_spread_e4: int
    opening_levels: int
    fewest_levels: int
    most_levels: int
    depths: Sequence[int]
    """Quantiles of how many ticks behind the best price something happens."""


LASTING_QUOTING = Quoting(
    half_spread_e4=80, opening_levels=10, fewest_levels=6, most_levels=14, depths=(0, 10)
)
"""A choice."""

WINDOW_QUOTING = Quoting(
    half_spread_e4=2,
    opening_levels=20,
    fewest_levels=20,
    most_levels=26,
    depths=(0, 1, 3, 4, 5, 7, 8, 10, 12, 16, 22),
)
"""Measured: spread and depths. Real windows have a level at nearly every price, some 45 a side, of
which the deepest hardly change: there are fewer here."""


def draw_order_e6(draws: Draws) -> int:
    """Size of an order that rests."""
    return _draw_e6(draws, _ORDER_SHARES)


def draw_taker_e6(draws: Draws) -> int:
    """Size that a taker wants."""
    return _draw_e6(draws, _TAKER_SHARES)


def _draw_e6(draws: Draws, shares: Sequence[int]) -> int:
    whole_e6 = draws.quantile(shares) * ONE_E6
    if draws.below(100) < _WHOLE_PERCENT:
        return whole_e6
    return whole_e6 + draws.below(100) * SHARE_STEP_E6
