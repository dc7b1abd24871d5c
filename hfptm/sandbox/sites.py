"""Where something can be planted: events and markets that suit its kind, free and open."""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from hfptm.sandbox.catalogue import EventEntry, MarketEntry
from hfptm.sandbox.listings import Phase
from hfptm.sandbox.plant_file import ARTEFACTS, OF_A_MARKET, Plant
from hfptm.sandbox.planted import Kind
from hfptm.sandbox.quoter import Quoter
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import PRICE_ONE_E4, format_e4, format_e6

PRINTED_PART = 4
"""A print takes the fourth part of the size."""

_PRINT_PRICE_MIN_E4 = 1_000
"""What a printed share costs at least in a leg that is chosen for it."""

_ENDS_AFTER_NS = 5 * 10**9
"""A market that ends this soon after what is planted is left alone."""


class Site(msgspec.Struct, frozen=True):
    """An event with all its markets, or one market; and their makers, by position."""

    slug: str
    event: EventEntry
    entries: list[MarketEntry]
    quoters: list[Quoter]

    def hold(self, *, is_held: bool) -> None:
        """Take the markets from their traders, or give them back."""
        for quoter in self.quoters:
            quoter.held = is_held

    def delay_ns(self, ts_ns: int) -> int:
        """The longest taker delay of an order that arrives now."""
        return max(entry.listed.listing.delay_ns(ts_ns) for entry in self.entries)

    def finest_tick_e4(self) -> int:
        return min(entry.listed.market.tick_e4 for entry in self.entries)

    def min_size_e6(self) -> int:
        return max(entry.listed.market.min_size_e6 for entry in self.entries)


class Sites:
    """Of everything that is listed; `quoters` are the makers by their markets' slugs."""

    def __init__(self, sandbox: Sandbox, quoters: Mapping[str, Quoter]) -> None:
        self._sandbox = sandbox
        self._quoters = quoters

    def of_slug(self, kind: Kind, slug: str) -> Site | str:
        """What a slug names, or why there is nothing of that name for this kind."""
        is_of_market = kind in OF_A_MARKET
        for site in self._markets() if is_of_market else self._events():
            if site.slug == slug:
                return _unsuitable(kind, site) or site
        what = "market" if is_of_market else "event"
        return f"no {what} {slug!r} is listed; /{what}s at Gamma's address lists all"

    def free(self, plant: Plant, now_ns: int) -> list[Site]:
        """Every site that suits a plant now, in the order of listing.

        A YES_BASKET in an augmented event is no opportunity, so it is never among them.
        """
        sites = self._markets() if plant.kind in OF_A_MARKET else self._events()
        return [
            site
            for site in sites
            if not (plant.kind is Kind.YES_BASKET and site.event.terms.is_augmented)
            and not self.problem(plant, site, now_ns)
        ]

    def problem(self, plant: Plant, site: Site, now_ns: int) -> str:
        """Why a plant cannot be planted at a site now; empty if it can, prices apart."""
        return _unsuitable(plant.kind, site) or too_small(plant, site) or _busy(plant, site, now_ns)

    def _events(self) -> Iterator[Site]:
        for event in self._sandbox.catalogue.events:
            if event.terms.neg_risk_id or event.terms.is_cumulative:
                yield from self._site(event.terms.slug, event, event.markets)

    def _markets(self) -> Iterator[Site]:
        for entry in self._sandbox.catalogue.markets:
            yield from self._site(entry.listed.market.slug, entry.event, [entry])

    def _site(self, slug: str, event: EventEntry, entries: list[MarketEntry]) -> Iterator[Site]:
        quoters = [self._quoters.get(entry.listed.market.slug) for entry in entries]
        found = [quoter for quoter in quoters if quoter is not None]
        if found and len(found) == len(entries):
            yield Site(slug, event, entries, found)


def too_small(plant: Plant, site: Site) -> str:
    """What is wrong with the plan for these markets, whatever their prices; empty if nothing."""
    if plant.kind in ARTEFACTS:
        return ""
    tick_e4, min_e6 = site.finest_tick_e4(), site.min_size_e6()
    if plant.edge_e4 % tick_e4:
        return f"edge_usd: {format_e4(plant.edge_e4)} is no multiple of {format_e4(tick_e4)}"
    if plant.is_printed and plant.kind is not Kind.BINARY:
        # A taker must spend a dollar.
        min_e6 = max(min_e6, PRINTED_PART * 10**6 * PRICE_ONE_E4 // _PRINT_PRICE_MIN_E4)
    if plant.size_e6 < min_e6:
        return f"shares: {format_e6(plant.size_e6)} are fewer than {format_e6(min_e6)}"
    return ""


def _unsuitable(kind: Kind, site: Site) -> str:
    return next((problem for rule, problem in _RULES[kind] if not rule(site)), "")


def _busy(plant: Plant, site: Site, now_ns: int) -> str:
    if any(entry.listed.phase is not Phase.OPEN for entry in site.entries):
        return "not open"
    if any(quoter.held for quoter in site.quoters):
        return "something else is planted there"
    ends_ns = min(entry.listed.market.end_ts_ns or now_ns * 2 for entry in site.entries)
    return "it ends too soon" if ends_ns < now_ns + plant.life_ns + _ENDS_AFTER_NS else ""


def _is_alone(site: Site) -> bool:
    terms = site.event.terms
    return not (terms.neg_risk_id or terms.is_cumulative)


def _is_exclusive(site: Site) -> bool:
    return bool(site.event.terms.neg_risk_id) and len(site.entries) > 1


def _is_nested(site: Site) -> bool:
    return site.event.terms.is_cumulative and len(site.entries) > 1


def _is_delayed(site: Site) -> bool:
    return all(entry.listed.listing.itode_ms for entry in site.entries)


def _is_instant(site: Site) -> bool:
    return not _is_delayed(site)


_Rule = tuple[Callable[[Site], bool], str]
_ALONE: _Rule = (_is_alone, "it would leave an edge in the market's event too")
_INSTANT: _Rule = (_is_instant, "its takers have a delay, so it cannot jump at once")
_EXCLUSIVE: _Rule = (_is_exclusive, "its outcomes are not exclusive")
_RULES: dict[Kind, tuple[_Rule, ...]] = {
    Kind.BINARY: (_ALONE, (_is_delayed, "its takers have no delay")),
    Kind.NO_BASKET: (_EXCLUSIVE,),
    Kind.YES_BASKET: (_EXCLUSIVE,),
    Kind.NESTED: ((_is_nested, "its outcomes do not imply each other"),),
    Kind.HALF_BATCH: (_ALONE, _INSTANT),
    Kind.LOST_DELTA: (_ALONE, _INSTANT),
}
