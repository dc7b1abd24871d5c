"""A universe of markets, listed on a sandbox and open for orders."""

import hashlib

from hfptm.records import Relation
from hfptm.registry import Group, Market
from hfptm.sandbox.catalogue import EventTerms, MarketTerms, Tag
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.universe import Universe

TAGS = {
    "crypto": Tag(21, "Crypto", "crypto"),
    "culture": Tag(596, "Culture", "pop-culture"),
    "finance": Tag(120, "Finance", "finance"),
    "geopolitics": Tag(100265, "Geopolitics", "geopolitics"),
}


def list_universe(sandbox: Sandbox, universe: Universe, ts_ns: int) -> None:
    """List and open every market at `ts_ns`, a group as one event, others alone."""
    groups = {group.group: group for group in universe.groups}
    for market in universe.markets:
        group = groups.get(market.group)
        slug = group.slug if group else market.slug
        neg_risk_id = "0x" + hashlib.sha256(slug.encode()).hexdigest() if group else ""
        if sandbox.catalogue.of_slug(slug) is None:
            sandbox.add_event(_event(market, group, slug, neg_risk_id), ts_ns)
        listing = Listing(market=market, event=neg_risk_id)
        sandbox.add_market(slug, listing, _terms(market, slug), ts_ns)
        sandbox.open_market(market.market, ts_ns)


def _event(market: Market, group: Group | None, slug: str, neg_risk_id: str) -> EventTerms:
    return EventTerms(
        slug=slug,
        title=slug.replace("-", " ").capitalize(),
        tags=(TAGS[market.category],),
        start_ns=market.valid_from_ns,
        end_ns=market.end_ts_ns,
        neg_risk_id=neg_risk_id,
        is_augmented=group is not None and group.relation is Relation.AT_MOST_ONE,
        series_slug=_series(slug),
    )


def _series(slug: str) -> str:
    """ "btc-up-or-down-15m" of "btc-updown-15m-1795183200"."""
    asset, separator, rest = slug.partition("-updown-")
    return f"{asset}-up-or-down-{rest.split('-')[0]}" if separator else ""


def _terms(market: Market, event_slug: str) -> MarketTerms:
    if "-updown-" in market.slug:
        return MarketTerms(outcomes=("Up", "Down"), window_start_ns=market.valid_from_ns)
    title = market.slug.removeprefix(event_slug).lstrip("-").capitalize()
    return MarketTerms(group_title=title)
