"""Offers, listed on a sandbox and open for orders."""

from hfptm.sandbox.catalogue import MarketEntry
from hfptm.sandbox.offers import EventOffer
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.universe import Universe


def list_universe(sandbox: Sandbox, universe: Universe, ts_ns: int) -> None:
    """List and open everything there is at the start."""
    for event in universe.events:
        list_event(sandbox, event, ts_ns)
        open_event(sandbox, event, ts_ns)


def list_event(sandbox: Sandbox, event: EventOffer, ts_ns: int) -> list[MarketEntry]:
    """An event with its markets, which take no orders yet."""
    sandbox.add_event(event.terms, ts_ns)
    entries = []
    for offer in event.offers:
        entry = sandbox.add_market(event.terms.slug, offer.listing, offer.terms, ts_ns)
        entry.tape.volume_e6 = offer.volume_e6
        entries.append(entry)
    return entries


def open_event(sandbox: Sandbox, event: EventOffer, ts_ns: int) -> None:
    """Let all markets of a listed event take orders."""
    for offer in event.offers:
        sandbox.open_market(offer.listing.market.market, ts_ns)
