"""One order of ours, and what is known of it (exchange reference, sections 2 and 3.3)."""

import msgspec

from hfptm.records import BUY, RejectReason, Side
from hfptm.units import PRICE_ONE_E4
from hfptm.venue.batch import UNREADABLE, read_price_e4, read_size_e6
from hfptm.venue.user_messages import UserTrade

CONFIRMED, FAILED = "CONFIRMED", "FAILED"
"""How trades end; until then they are provisional."""

NOT_SENT = "not sent: "
"""How the text begins of what we held back ourselves."""

_REASONS = (
    (NOT_SENT, RejectReason.NOT_SENT),
    ("no orders found to match", RejectReason.NO_MATCH),
    ("couldn't be fully filled", RejectReason.NO_MATCH),
    ("orderbook", RejectReason.MARKET_CLOSED),
    ("not yet ready", RejectReason.MARKET_CLOSED),
    ("MARKET_RESOLVED", RejectReason.MARKET_CLOSED),
)


class Fill(msgspec.Struct):
    """Our part of one trade, in our token."""

    price_e4: int
    size_e6: int
    status: str
    is_maker: bool = False
    """Our order rested."""
    beyond_e6: int = 0
    """Cash that it moved beyond what its price and size say, below 0 if it brought less."""


class OwnOrder(msgspec.Struct, kw_only=True, eq=False):
    """An order of ours: what it is, and what has become of it."""

    order_id: str
    """The exchange's: the EIP-712 digest in lower case."""
    order: int
    """The kernel's, `aux` of every row."""
    market: int
    condition_id: str
    side: Side
    size_e6: int
    """Shares asked for or offered."""
    is_immediate: bool
    """FAK or FOK: it never rests."""
    sent_ns: int
    fills: dict[str, Fill] = {}
    """By trade id."""
    told: list[Fill] = []
    """What was told before a restart, of trades whose ids are forgotten."""
    matched_e6: int = 0
    """Seen in trades, failed ones included: those shares do not return to the order."""
    said_matched_e6: int = 0
    """Said of the order as a whole; it may run ahead of the trades."""
    is_said_over: bool = False
    is_over: bool = False
    """DONE or REJECT was told."""
    is_acked: bool = False
    is_delayed: bool = False
    """It sits, or sat, in a taker delay."""
    is_unknown: bool = False
    """Nobody can say whether it is live, filled or dead."""
    is_doubted: bool = False
    """UNKNOWN was told, and that it rests was not told since."""
    end_text: str = ""
    news_ns: int = 0
    """When it was last heard of, or asked about."""
    asked_ns: int = 0
    """When it was first asked about, by a clock that nobody sets; 0 if it never was."""

    def is_settled(self) -> bool:
        """Whether no more news of it is owed: it is over, and its trades are final."""
        return self.is_over and all(f.status in (CONFIRMED, FAILED) for f in self.fills.values())


class OwnCounters(msgspec.Struct):
    """What came that was not, or not only, news of an order of ours."""

    foreign: int = 0
    """Orders and trades of others who use this account."""
    unknown_status: int = 0
    unreadable: int = 0
    """News of an order of ours with a number that is none: the order is unknown from then on."""
    after_end: int = 0
    """Shares matched by an order that was said to be over; told all the same."""
    contradictory: int = 0
    """A trade that was final is said to have ended otherwise; the first end stands."""


def beyond_e6(trade: UserTrade, side: Side, fill: Fill) -> int:
    """Of a taker's trade: each resting order's part is rounded for itself (reference, section 4.3),
    so several leave the taker more than one would. 0 if the trade does not tell all its parts."""
    told_e6 = gain_e6 = 0
    for part in trade.maker_orders or ():
        price_e4, size_e6 = read_price_e4(part.price), read_size_e6(part.matched_amount)
        if UNREADABLE in (price_e4, size_e6) or not (part.asset_id and trade.asset_id):
            return 0
        is_same_token = part.asset_id == trade.asset_id
        own_price_e4 = price_e4 if is_same_token else PRICE_ONE_E4 - price_e4
        told_e6 += size_e6
        gain_e6 += _taker_gain_e6(side, own_price_e4, size_e6)
    if told_e6 != fill.size_e6:
        return 0
    return gain_e6 - _taker_gain_e6(side, fill.price_e4, fill.size_e6)


def _taker_gain_e6(side: Side, price_e4: int, size_e6: int) -> int:
    """As `kernel.cash.fill_cash_e6`: below 0 for a BUY."""
    worth_e8 = price_e4 * size_e6
    return -(worth_e8 // PRICE_ONE_E4 if side == BUY else -worth_e8 // PRICE_ONE_E4)


def shares_e6(side: Side, making: object, taking: object) -> int:
    """Shares of an answer's amounts, which are empty for an order that rests; or UNREADABLE."""
    amount = taking if side == BUY else making
    return read_size_e6(amount) if isinstance(amount, str) and amount else 0


def reject_reason(text: str) -> RejectReason:
    """What the exchange's text, or ours, means to the kernel."""
    return next((reason for part, reason in _REASONS if part in text), RejectReason.REFUSED)
