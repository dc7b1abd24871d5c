"""What can be planted in a sandbox, what a correct detector makes of it, and the truth about it."""

from enum import StrEnum

import msgspec

from hfptm.kernel.fees import E8, fee_per_share_e12
from hfptm.records import Token
from hfptm.registry import Market
from hfptm.sections import Sim, Trading
from hfptm.units import NS_PER_MS

REACTION_NS = Sim().entry_latency_ms * NS_PER_MS
"""Whatever ends sooner cannot be reached, though it were decided on at once."""

MIN_EDGE = Trading().min_edge
"""The truth is what the default configuration makes of it."""


class Kind(StrEnum):
    BINARY = "BINARY"
    """A crossed book: a marketable order that shows while it waits in its taker delay."""
    NO_BASKET = "NO_BASKET"
    YES_BASKET = "YES_BASKET"
    NESTED = "NESTED"
    """An earlier outcome is bid above the ask of a later one, which it implies."""
    HALF_BATCH = "HALF_BATCH"
    """Frames of one instant: after the first ones alone the book looks crossed."""
    LOST_DELTA = "LOST_DELTA"
    """A change whose removals never arrive: the book looks crossed until the next full one."""


class Expected(StrEnum):
    """What a correct detector makes of it."""

    CATCHABLE = "catchable"
    TOO_SHORT = "too_short"
    """Real, displayed, and gone before an order can arrive."""
    BELOW_FEES = "below_fees"
    BELOW_MINIMUM = "below_minimum"
    """Pays after fees, but too little of the outlay to be worth its risk."""
    ARTEFACT = "artefact"
    NOT_EXCLUSIVE = "not_exclusive"
    """Asks sum below one dollar, but the listed outcomes are not all there are."""


class End(StrEnum):
    """How a real opportunity goes away."""

    REQUOTE = "requote"
    """Its makers quote as before: some orders are cancelled, some come back at a dearer price."""
    CANCEL = "cancel"
    """Its makers cancel, and quote as before a while later."""
    MOVE = "move"
    """Its makers quote as before, at once and for the like size."""
    TRADE = "trade"
    """Somebody takes it."""


class Leg(msgspec.Struct, frozen=True):
    """One token of a set, at its best price at the start."""

    slug: str
    """Of its market."""
    token: str
    """YES or NO."""
    price_e4: int
    """In its own terms."""


class Planted(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="planted"):
    """One planted thing, as it went, by the exchange's clock."""

    kind: Kind
    expected: Expected
    slug: str
    """Of the market, or of the event."""
    start_ts_venue_ns: int
    end_ts_venue_ns: int
    """When it was gone, whoever took it."""
    ended_by: End = End.REQUOTE
    """Says nothing of an artefact."""
    gross_e4: int = 0
    """Per set of one share each."""
    net_e4: int = 0
    """After taker fees, rounded down."""
    outlay_e4: int = 0
    """What a set costs, fees included."""
    size_e6: int = 0
    is_printed: bool = False
    """A trade printed in a leg at the displayed price."""
    legs: list[Leg] = []
    """None of an artefact."""


class Skipped(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="skipped"):
    """A plant whose time came in vain."""

    kind: Kind
    slug: str
    ts_venue_ns: int
    reason: str


class Edge(msgspec.Struct, frozen=True):
    """What a set of one share of every leg costs and leaves."""

    gross_e4: int
    net_e4: int
    outlay_e4: int


def edge(legs: list[tuple[Market, Token, int]], payout_e4: int) -> Edge:
    """Of a set that pays `payout_e4`; each leg with the price of its token."""
    gross_e4 = payout_e4 - sum(price_e4 for _, _, price_e4 in legs)
    fees_e12 = sum(
        fee_per_share_e12(market.fee_rate_e4, market.fee_exponent, price_e4)
        for market, _, price_e4 in legs
    )
    net_e4 = gross_e4 + -fees_e12 // E8
    return Edge(gross_e4, net_e4, payout_e4 - net_e4)


def expect(life_ns: int, found: Edge) -> Expected:
    """The class of a real opportunity."""
    if found.net_e4 <= 0:
        return Expected.BELOW_FEES
    if found.net_e4 < MIN_EDGE * found.outlay_e4:
        return Expected.BELOW_MINIMUM
    return Expected.TOO_SHORT if life_ns <= REACTION_NS else Expected.CATCHABLE
