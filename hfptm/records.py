"""Every row that crosses a module border: numpy dtypes, enums, flags.

`EVENT` is the one input of the kernel: market rows, definitions, execution reports and timers, in
one order. In the lake and in journals `market` is the 63-bit id of `registry.market_id`; inside the
kernel it is a slot. All prices of market rows are YES prices: a change of the NO book at p is the
change of the YES book at 1 - p on the other side.
"""

from enum import IntEnum

import numpy as np

SCHEMA_VERSION = 1
"""Version of every Parquet schema derived from this module; a reader refuses any other."""

LANE_SHIFT = 40
"""Ids of orders and decisions are `lane << LANE_SHIFT | serial`, counted from 1 in each lane."""

EVENT = np.dtype(
    [
        ("ts_recv_ns", "i8"),  # when we had it: UTC, the strategy's clock
        ("ts_venue_ns", "i8"),  # when the exchange says it happened: UTC
        ("market", "i8"),  # market id or slot; a group's for kind GROUP
        ("size_e6", "i8"),
        ("aux", "i8"),  # by kind, see EventKind
        ("price_e4", "i4"),
        ("flags", "u2"),  # EventFlag
        ("kind", "u1"),  # EventKind
        ("side", "u1"),  # Side
    ]
)


class EventKind(IntEnum):
    """What a row says, and the fields it uses beside `ts_recv_ns, ts_venue_ns, market, flags`."""

    LEVEL = 1
    """A level's new absolute size (0 removes it): side, price_e4, size_e6; aux: best prices if
    flagged."""
    SNAPSHOT = 2
    """A full book begins: all levels are dropped; those that follow carry `EventFlag.SNAPSHOT`.
    price_e4: its tick, 0 if unchanged."""
    TRADE = 3
    """A print: side of the taker, price_e4, size_e6, all in YES terms."""
    BEST = 4
    """Closes a frame whose last row is not a level: aux holds the best prices if flagged."""
    TICK = 5
    """New tick size in price_e4. The book is dropped until the next snapshot."""
    STATE = 6
    """aux: MarketState; price_e4: payout of one YES share when resolved."""
    GAP = 7
    """From here on this market was not seen, until its next snapshot. aux: GapReason."""
    FEE = 8
    """Taker fee schedule: price_e4 holds rate_e4, aux the exponent."""
    TIMER = 9
    """Time passed; nothing else. size_e6 0: for every lane, else for the lane before that number;
    LAST_IN_BATCH: nothing comes after it for that lane."""
    GROUP = 10
    """Definition of a group slot: price_e4 Relation, size_e6 members, aux 1: NO sets convert."""
    MARKET = 11
    """Definition: price_e4 tick, size_e6 least order, aux group slot, -1: none, ts_venue_ns end,
    side bits of MarketTrait."""
    DELAY = 12
    """Taker delays: size_e6 holds a game's in ms, aux the time, ns, from which that holds; price_e4
    TakerDelay."""
    CONTROL = 13
    """A human's word to every lane, in aux: Control."""
    GAS = 14
    """What the chain asks for a unit of gas from here on: aux, in wei."""
    ACK = 32
    """An order of ours rests. aux: order id (as for all reports)."""
    FILL = 33
    """Shares of ours filled at one price: side, price_e4 and size_e6 in the order's own token. Of
    the exchange itself it is provisional until FILL_CONFIRMED."""
    DONE = 34
    """The order is over; size_e6 holds what was not filled."""
    REJECT = 35
    """The order never rested nor filled. price_e4: RejectReason."""
    UNKNOWN = 36
    """No answer: it may be live, filled or dead."""
    SETTLED = 37
    """A merge or conversion of size_e6 sets went through. price_e4: OpportunityKind; of a basket,
    market is the group's."""
    FILL_CONFIRMED = 38
    """The trade of an earlier FILL, with its price_e4 and size_e6, is settled for good."""
    FILL_FAILED = 39
    """The trade of an earlier FILL, with its price_e4 and size_e6, was taken back."""
    DELAYED = 40
    """The order is marketable and sits in its taker delay, in which it cannot be cancelled."""
    CASH = 41
    """What a trade moved beyond what its FILL says: size_e6, below 0 if it brought less."""


class EventFlag(IntEnum):
    LAST_IN_BATCH = 1
    """Closes a frame (or a poll): the book may be checked, and decided on if the check passes."""
    SNAPSHOT = 2
    """Part of a full book."""
    BEST_YES = 4
    """aux holds the best prices that the frame reported for the YES token."""
    BEST_NO = 8
    """aux holds the best prices that the frame reported for the NO token, mirrored."""
    MIRROR_BREAK = 16
    """The frame's YES and NO parts are not mirror images of each other."""
    HASH_OK = 32
    HASH_BAD = 64
    MAYBE_BAD = 128
    """Something of this market was unreadable in this frame: its book may be wrong from here."""
    BEST_MISMATCH = 256
    """Set by a normaliser that ran the book check: best prices disagreed as the batch ended."""
    HEALED = 512
    """Closes rows that another line brought late: the book lacked them since an earlier batch."""
    MAKER = 1024
    """Of a FILL, and what became of it: our order rested, so it pays no taker fee."""


class Side(IntEnum):
    """Of a level or of an order; of a trade, the taker's side."""

    BID = 0
    ASK = 1


BUY, SELL = Side.BID, Side.ASK


class Token(IntEnum):
    YES = 0
    NO = 1


class MarketTrait(IntEnum):
    """Bits."""

    SHORT_WINDOW = 1
    """An up or down market of at most `discovery.short_window_s`, with entry rules of its own."""
    BLACKLISTED = 2
    """Never traded."""


class MarketState(IntEnum):
    OPEN = 1
    CLOSED = 2
    RESOLVED = 3


class TakerDelay(IntEnum):
    """Whether a market delays what would take at all times, whatever a game does (`itode`)."""

    UNKNOWN = 0
    NO = 1
    YES = 2


class Control(IntEnum):
    STOP = 1
    """Nothing begins; what is under way goes on to its end."""
    RESUME = 2
    """Lifts a stop, a halt and every latch."""
    HALT = 3
    """The kill switch: nothing leaves but cancellations, closing included."""


class GapReason(IntEnum):
    DISCONNECT = 1
    """The connection ended."""
    SILENCE = 2
    """Samples further apart than they may be held, or nothing came although something should."""
    DAMAGE = 3
    """The input was unreadable here."""
    OVERLOAD = 4
    """The recorder received faster than it could write."""
    DISK = 5
    """The recorder's disk refused to take more: full, or failing."""
    STOPPED = 6
    """No recorder ran: it had ended, or was killed."""
    REMOVED = 7
    """The recorder asked for it no more, on purpose: no loss."""


class IntentKind(IntEnum):
    PLACE = 1
    CANCEL = 2
    MERGE = 3
    CONVERT = 4
    REDEEM = 5
    OBSERVE = 6
    """Not sent anywhere: asks the simulated venue whether this leg was still there at arrival."""


class OrderType(IntEnum):
    FAK = 1
    """Fill what is there, kill the rest. A BUY spends size x price dollars, however many shares
    that buys; a SELL gives size shares (reference, section 3.4)."""
    FOK = 2
    """As FAK, but nothing unless everything."""
    GTC = 3
    """Fill what is there, let the rest wait in the book. A BUY wants size shares, as a SELL does,
    so a better price saves money."""
    POST_ONLY = 4
    """As GTC, but refused if it would match anything on arrival."""


class LegPolicy(IntEnum):
    """How the legs of a basket are bought."""

    FAK = 0
    """Immediate orders; what is not there is not bought."""
    FOK = 1
    """Immediate orders, each whole or not at all."""
    GTC = 2
    """Marketable limit orders; what is not filled rests until it is cancelled."""
    RESTING = 3
    """One leg rests first, at a better price; the others are bought as it was filled."""


class LegOrder(IntEnum):
    """Which leg of a basket goes first."""

    AT_ONCE = 0
    THINNEST_FIRST = 1
    """The one that offers fewest shares at its best price; the others are bought as it was
    filled."""


class RejectReason(IntEnum):
    NO_MATCH = 1
    MARKET_CLOSED = 2
    NO_BOOK = 3
    """The book at arrival was never seen, so no fill can be claimed."""
    REFUSED = 4
    """By the exchange, for a reason that its text says."""
    NOT_SENT = 5
    """Held back before it left: no budget, or an order of unknown outcome in its market."""


INTENT = np.dtype(
    [
        ("ts_ns", "i8"),  # decision time, strategy's clock
        ("order", "i8"),  # order id; of OBSERVE the decision id
        ("plan", "i8"),
        ("market", "i8"),  # of CONVERT the group's
        ("size_e6", "i8"),  # shares, or sets
        ("price_e4", "i4"),  # limit, in the token's own terms
        ("lane", "i4"),
        ("leg", "u2"),
        ("basket", "u2"),  # OpportunityKind of its plan
        ("kind", "u1"),  # IntentKind
        ("side", "u1"),  # Side of the order
        ("token", "u1"),  # Token
        ("order_type", "u1"),  # OrderType
    ]
)
