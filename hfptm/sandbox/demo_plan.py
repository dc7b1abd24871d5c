"""The demonstration: its markets, and what is planted in them when."""

import msgspec

from hfptm.sandbox.offers import Blueprint, EventOffer, Times, offer_event
from hfptm.sandbox.plant_file import Plant, PlantFile
from hfptm.sandbox.planted import Kind
from hfptm.sandbox.universe import START_MS, Universe, make_universe
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6

SHORT_DELAY_MS = 48
"""Within it, what shows can be seen, but no order can arrive."""

TICK_CHANGE_MS = 60_000
FINE_TICK_E4 = 10

_BTC, _ETH = "btc-updown-15m-1795183200", "eth-updown-15m-1795183200"
_QUICK = "sol-above-200-this-week"
_RATE, _GENERAL, _ALBUM = "rate-decision-december", "next-secretary-general", "album-of-the-year"

JUMPING = _ETH
"""Takers have no delay here; its tick changes too."""

_DELAY_MS = {_BTC: 250, _QUICK: SHORT_DELAY_MS}


def demo_universe(seed: int, start_ns: int) -> Universe:
    """The twelve fixed markets and one more, some with a taker delay; none comes round."""
    times = Times(lists_ns=start_ns, opens_ns=start_ns)
    quick = Blueprint(
        slug=_QUICK,
        outcomes=(("", 4_700),),
        category="crypto",
        times=times,
        end_ns=start_ns + 7 * 86_400 * NS_PER_S,
    )
    fixed = make_universe(seed, start_ns=START_MS * NS_PER_MS)
    events = [*fixed.events, offer_event(seed, quick)]
    return Universe(seed, start_ns, 1, tuple(map(_with_delay, events)), ())


def _with_delay(event: EventOffer) -> EventOffer:
    delay_ms = _DELAY_MS.get(event.terms.slug, 0)
    (first, *others) = event.offers
    listing = msgspec.structs.replace(first.listing, itode_ms=delay_ms)
    offers = (msgspec.structs.replace(first, listing=listing), *others)
    return msgspec.structs.replace(event, offers=offers)


def demo_plan() -> PlantFile:
    """Every kind but NESTED, since no outcome here is by date, and every class."""
    return PlantFile(
        "demo",
        [
            _binary(5_000, _BTC, 800),
            _basket(12_000, Kind.NO_BASKET, _RATE, 1_000, 3_000),
            _basket(20_000, Kind.YES_BASKET, _GENERAL, 500, 4_000),
            _artefact(28_000, Kind.HALF_BATCH),
            _basket(33_000, Kind.NO_BASKET, _ALBUM, 600, 1_200),
            _basket(38_000, Kind.YES_BASKET, _RATE, 700, 2_500),
            _binary(45_000, _BTC, 200),
            _basket(50_000, Kind.NO_BASKET, _GENERAL, 1_200, 45),
            _binary(55_000, _QUICK, 800),
            _artefact(70_000, Kind.LOST_DELTA, 4_000),
            _basket(90_000, Kind.NO_BASKET, _GENERAL, 300, 2_000),
            _basket(97_000, Kind.YES_BASKET, _RATE, 300, 1_500),
            _binary(105_000, _BTC, 700),
            _artefact(112_000, Kind.HALF_BATCH),
            _basket(118_000, Kind.YES_BASKET, _GENERAL, 600, 45),
            _artefact(125_000, Kind.LOST_DELTA, 3_000),
            _basket(135_000, Kind.NO_BASKET, _RATE, 900, 900),
            _basket(141_000, Kind.YES_BASKET, _ALBUM, 1_900, 2_000),
        ],
        None,
    )


def _binary(start_ms: int, slug: str, edge_e4: int) -> Plant:
    return Plant(
        kind=Kind.BINARY,
        slug=slug,
        start_ns=start_ms * NS_PER_MS,
        edge_e4=edge_e4,
        size_e6=250 * ONE_E6,
        is_printed=True,
    )


def _basket(start_ms: int, kind: Kind, slug: str, edge_e4: int, life_ms: int) -> Plant:
    return Plant(
        kind=kind,
        slug=slug,
        start_ns=start_ms * NS_PER_MS,
        life_ns=life_ms * NS_PER_MS,
        edge_e4=edge_e4,
        size_e6=300 * ONE_E6,
        is_printed=life_ms >= 100,
    )


def _artefact(start_ms: int, kind: Kind, life_ms: int = 0) -> Plant:
    start_ns = start_ms * NS_PER_MS
    return Plant(kind=kind, slug=JUMPING, start_ns=start_ns, life_ns=life_ms * NS_PER_MS)
