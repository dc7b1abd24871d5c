"""What recordings of sampled books share beside the books: how their markets are defined."""

import numpy as np

from hfptm.registry import Group, Market, finest_tick_e4, market_id
from hfptm.units import ONE_E6, format_e6
from replay.importers.base import ImportReport
from replay.importers.books import UNREADABLE, Ints

_MIN_SIZE_E6 = 5 * ONE_E6
"""The exchange's usual minimum order (reference, section 3.4)."""


def sampled_market(
    slug: str,
    prices_e4: Ints,
    report: ImportReport,
    *,
    fee_rate_e4: int,
    valid_from_ns: int,
    condition_id: str = "",
    question: str = "",
    category: str = "",
    group: Group | None = None,
    end_ts_ns: int = 0,
) -> Market:
    """A market of which the recording states no tokens, tick and minimum size."""
    report.assume(f"minimum order {format_e6(_MIN_SIZE_E6)} shares")
    report.assume("tick: 0.01, or the coarsest finer one on which all prices of the market lie")
    key = condition_id or slug
    return Market(
        market=market_id(key),
        condition_id=key,
        yes_token="",
        no_token="",
        slug=slug,
        question=question or slug,
        category=category,
        group=group.group if group else 0,
        tick_e4=finest_tick_e4(np.unique(prices_e4[prices_e4 != UNREADABLE])),
        min_size_e6=_MIN_SIZE_E6,
        fee_rate_e4=fee_rate_e4,
        fee_exponent=1,
        neg_risk=bool(group and group.convertible),
        version="v1",
        end_ts_ns=end_ts_ns,
        valid_from_ns=valid_from_ns,
    )
