"""What a run's settings make of a market: the bits of `MarketTrait` that the kernel is told."""

from hfptm.limits import Limits
from hfptm.market_names import is_named, is_short_window, named_start_ns
from hfptm.records import MarketTrait
from hfptm.registry import Group, Market


def traits_of(market: Market, group: Group | None, limits: Limits) -> int:
    """Bits of `MarketTrait`. A recording names no start, so a window's is read from its slug."""
    event_slug = group.slug if group else ""
    names = (market.slug, event_slug)
    traits = 0
    start_ns = named_start_ns(market.slug, market.end_ts_ns)
    if is_short_window(start_ns, market.end_ts_ns, limits.short_window_ns, *names):
        traits |= MarketTrait.SHORT_WINDOW
    if is_named(limits.blacklist, market.condition_id, *names, market.question):
        traits |= MarketTrait.BLACKLISTED
    return traits
