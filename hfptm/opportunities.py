"""Opportunities: what kinds there are, what became of each, and the rows that tell of them."""

from enum import IntEnum

import numpy as np


class Relation(IntEnum):
    """How the outcomes of a group exclude each other (design, section 6)."""

    NONE = 0
    EXACTLY_ONE = 1
    AT_MOST_ONE = 2
    NESTED = 3


class OpportunityKind(IntEnum):
    BINARY = 0
    """Crossed book of one market: buy both tokens, merge."""
    NO_BASKET = 1
    """YES bids of exclusive outcomes sum above 1: buy their NO, convert or hold."""
    YES_BASKET = 2
    """YES asks of a complete exclusive group sum below 1: buy every YES, hold until resolution."""
    NESTED = 3
    """An outcome by date is bid above the ask of a later one, which it implies: buy the later's YES
    and the earlier's NO, hold until resolution."""


class Artefact(IntEnum):
    """Why an edge on the screen is not one at the exchange."""

    NONE = 0
    HALF_BATCH = 1
    """The frame's own best prices disagree with the book: more of the same change is on its way."""
    BAD_BOOK = 2
    """The book failed a check and has had no snapshot since."""
    UNCONFIRMED_CROSS = 3
    """The book is crossed and the exchange's best prices do not say so."""


class Phase(IntEnum):
    BEGIN = 0
    CHANGE = 1
    END = 2
    ORDER = 3
    """Of no episode: an order, a merge or a conversion of a running plan was held back."""


class Reason(IntEnum):
    """What became of an opportunity: taken, or the first check that refused it."""

    TAKEN = 0
    EDGE_BELOW_MINIMUM = 1
    ARTEFACT = 2
    SIZE_BELOW_MINIMUM = 3
    NO_CASH = 4
    MARKET_EXPOSURE = 5
    EVENT_EXPOSURE = 6
    TOO_MANY_LEGS = 7
    NO_PLAN_SLOT = 8
    ENDED = 9
    """Only with Phase.END: the edge is gone."""
    UNSEEN = 10
    """A gap, a tick change or a state change hid the book; with Phase.END or Phase.ORDER."""
    CONFIRMED = 11
    """Only with Phase.END of an artefact: its batch bore the edge out; a new episode goes on."""
    STOPPED = 12
    DAILY_LOSS = 13
    DRAWDOWN = 14
    FAILURES = 15
    FEED_LAG = 16
    STALE_BOOK = 17
    CONCURRENT_PLANS = 18
    TOTAL_EXPOSURE = 19
    LIQUIDITY_BELOW_MINIMUM = 20
    RETURN_BELOW_MINIMUM = 21
    HALTED = 22
    """A human threw the kill switch."""
    ORDER_LATENCY = 23
    ORDER_RATE = 24
    GAS_PRICE = 25
    FAILED_BOOK = 26
    """A leg's book failed a check a short while ago."""
    INVENTORY_DRIFT = 27
    MARKET_CLOSED = 28
    """From here to UNPROMISED only with Phase.ORDER."""
    PRICE_OFF_GRID = 29
    PRICE_LIMIT = 30
    """A BUY above its leg's limit, or a SELL below the best bid."""
    NOT_HELD = 31
    UNPROMISED = 32
    """A BUY could cost more than was promised to it."""
    BLACKLISTED = 33
    NEAR_EXPIRY = 34
    QUALITY_BELOW_MINIMUM = 35
    UNCONFIRMED = 36
    """It may be an artefact and has not been consistent for long enough."""


DECISION = np.dtype(
    [
        ("ts_ns", "i8"),
        ("decision", "i8"),  # of Phase.ORDER the order id
        ("market", "i8"),  # market, or group for baskets
        ("plan", "i8"),  # 0 if none was made
        ("size_e6", "i8"),  # sets displayed at a profit
        ("outlay_e6", "i8"),  # what they cost, fees included
        ("edge_e6", "i8"),  # their profit after fees
        ("approved_e6", "i8"),  # sets sent
        ("limit", "i8"),  # of a risk check that refused: what it allows, in its own unit; else 0
        ("value", "i8"),  # of a risk check that refused: what there was, in the same unit; else 0
        ("gross_e4", "i4"),  # per set at the best prices, before fees
        ("lane", "i4"),
        ("legs", "i4"),
        ("kind", "u1"),  # OpportunityKind
        ("phase", "u1"),  # Phase
        ("reason", "u1"),  # Reason
        ("artefact", "u1"),  # Artefact
        ("quality_e4", "i8"),  # score, 0 to 10, of what would be sent; 0 if nothing would
    ]
)

OUTCOME = np.dtype(
    [
        ("ts_ns", "i8"),  # when it was known
        ("decision", "i8"),
        ("market", "i8"),
        ("size_e6", "i8"),  # sets still there at arrival within the limit prices
        ("edge_e6", "i8"),  # their profit after fees, a lower bound
        ("lane", "i4"),
        ("kind", "u1"),  # OpportunityKind
        ("arrived", "u1"),  # 1: still profitable when the orders would have arrived
        ("printed", "u1"),  # 1: a trade printed at a leg's price or better
        ("unseen", "u1"),  # 1: a leg's book at arrival was not recorded
    ]
)
