"""What happens in a sandbox recording, and the truth about what was planted in it."""

from enum import StrEnum

import msgspec

from hfptm.sandbox.world import Change, Trade
from hfptm.sections import Trading
from hfptm.units import PRICE_ONE_E4

REACTION_MS = 30
"""Whatever ends sooner cannot be reached over the feed's delay."""

MIN_EDGE = Trading().min_edge
"""The truth is what the default configuration makes of it."""


class Kind(StrEnum):
    BINARY = "BINARY"
    NO_BASKET = "NO_BASKET"
    YES_BASKET = "YES_BASKET"
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


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """One planted thing, by the exchange's clock; prices are the best ones at its start."""

    kind: Kind
    expected: Expected
    slug: str
    """Of the market, or of the group."""
    start_ts_venue_ns: int
    end_ts_venue_ns: int
    gross_e4: int = 0
    """Per set of one share each."""
    net_e4: int = 0
    """After taker fees, rounded down."""
    outlay_e4: int = 0
    """What a set costs, fees included."""
    size_e6: int = 0
    is_printed: bool = False
    """A trade prints in a leg at the displayed price."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What happens at one market in one millisecond: one batch on the wire."""

    ts_ms: int
    index: int
    changes: list[Change] = []
    trades: list[Trade] = []
    lost: int = 0
    """How many of the first changes never arrive."""
    gap_ns: int = 0
    """Between the arrivals of the batch's frames."""
    tick_e4: int = 0
    """New tick size, if it changes."""
    is_book: bool = False
    """Full books are sent."""


def net_edge_e4(gross_e4: int, fee_rate_e4: int, prices_e4: list[int]) -> int:
    """What one share of every leg leaves after taker fees, rounded down."""
    at_risk_e8 = sum(price_e4 * (PRICE_ONE_E4 - price_e4) for price_e4 in prices_e4)
    return gross_e4 + -fee_rate_e4 * at_risk_e8 // PRICE_ONE_E4**2


def expect(lasts_ms: int, net_e4: int, outlay_e4: int) -> Expected:
    """The class of a real opportunity whose set costs `outlay_e4` and leaves `net_e4`."""
    if net_e4 <= 0:
        return Expected.BELOW_FEES
    if net_e4 < MIN_EDGE * outlay_e4:
        return Expected.BELOW_MINIMUM
    return Expected.TOO_SHORT if lasts_ms <= REACTION_MS else Expected.CATCHABLE
