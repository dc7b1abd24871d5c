"""What the exchange says happened.

Prices of levels are YES prices; those of orders and trades are in their own token.
"""

from enum import StrEnum

import msgspec

from hfptm.sandbox.listings import Phase
from hfptm.sandbox.orders import OrderStatus
from hfptm.sandbox.refusals import Reason


class MatchType(StrEnum):
    COMPLEMENTARY = "COMPLEMENTARY"
    """BUY against SELL of one token: shares change hands."""
    MINT = "MINT"
    """BUY of both tokens: a new pair is made of both payments."""
    MERGE = "MERGE"
    """SELL of both tokens: the pair becomes a dollar again."""


class PlacedStatus(StrEnum):
    """How an order was answered."""

    LIVE = "live"
    MATCHED = "matched"
    DELAYED = "delayed"


class Placed(msgspec.Struct, frozen=True, gc=False):
    """An order was accepted, or came out of its delay (`was_delayed`).

    `making_e6` is what it gave so far and `taking_e6` what it got, without fees.
    """

    order_id: str
    account: str
    status: PlacedStatus
    making_e6: int
    taking_e6: int
    was_delayed: bool = False


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """An order, or an operation (without `order_id`), was refused and left no trace."""

    order_id: str
    account: str
    reason: Reason
    text: str


class MakerFill(msgspec.Struct, frozen=True, gc=False):
    """One resting order's part of a trade, in its own token. Makers pay no fee."""

    order_id: str
    account: str
    token: str
    side: int
    price_e4: int
    size_e6: int
    collateral_e6: int
    """What it paid or got."""
    match_type: MatchType


class Trade(msgspec.Struct, frozen=True):
    """What a taker took at one price."""

    trade_id: int
    """Counted from 1 on the exchange."""
    taker_order_id: str
    account: str
    """The taker's."""
    token: str
    side: int
    price_e4: int
    size_e6: int
    collateral_e6: int
    """What the taker paid or got, before the fee."""
    fee_e6: int
    """On top of a BUY, out of a SELL."""
    makers: list[MakerFill]


class OrderUpdate(msgspec.Struct, frozen=True, gc=False):
    """A resting order was filled in part (LIVE) or to its end (MATCHED)."""

    order_id: str
    account: str
    status: OrderStatus
    matched_e6: int


class OrderCanceled(msgspec.Struct, frozen=True, gc=False):
    """An accepted order ended without being filled to its end; `text` says why if it was refused
    after its delay."""

    order_id: str
    account: str
    status: OrderStatus
    matched_e6: int
    text: str


class MarketChanged(msgspec.Struct, frozen=True, gc=False):
    """A market's phase, tick or payout is now this."""

    phase: Phase
    tick_e4: int
    payout_e4: int
    """Of one YES share; means something once resolved."""


class LevelChange(msgspec.Struct, frozen=True, gc=False):
    """A level's new size, 0 if it is gone; side in YES terms."""

    side: int
    price_e4: int
    size_e6: int


Report = Placed | Rejected | Trade | OrderUpdate | OrderCanceled | MarketChanged


class Action(msgspec.Struct):
    """One step of the matching engine at one market: on the wire one batch of frames.

    `market` is 0 if the request named none that exists. `levels` holds each changed level once,
    with its final size.
    """

    market: int
    ts_ns: int
    reports: list[Report]
    levels: list[LevelChange]


class OperationKind(StrEnum):
    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    SPLIT = "SPLIT"
    MERGE = "MERGE"
    REDEEM = "REDEEM"
    CONVERT = "CONVERT"


class Operation(msgspec.Struct, frozen=True, gc=False):
    """A change of holdings outside the book."""

    kind: OperationKind
    account: str
    amount_e6: int
    """Collateral, or sets of shares."""
    collateral_e6: int
    """What the account's collateral changed by."""


class Cancels(msgspec.Struct):
    """Answer to a cancel request, and one action for each market it touched."""

    canceled: list[str]
    not_canceled: dict[str, str]
    """Order id to the reason."""
    actions: list[Action]
