"""What can be traded: markets with their books, and neg-risk events with their pools.

Source: exchange reference, sections 3.6 (delays), 7 (neg-risk, augmented events).
"""

from enum import StrEnum

import msgspec

from hfptm.registry import Market
from hfptm.sandbox.order_book import OrderBook
from hfptm.sandbox.orders import Order
from hfptm.units import NS_PER_MS, NS_PER_S


class Phase(StrEnum):
    NOT_READY = "NOT_READY"
    """Listed; takes no order yet."""
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    """Takes no order any more; not resolved."""
    RESOLVED = "RESOLVED"


class Role(StrEnum):
    """What a member of a neg-risk event stands for."""

    NAMED = "NAMED"
    PLACEHOLDER = "PLACEHOLDER"
    """An outcome without a name yet; gets one by `Markets.name_placeholder`."""
    OTHER = "OTHER"
    """Everything that no other member stands for."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A market and the rules that the registry does not keep."""

    market: Market
    event: str = ""
    """Id of its `NegRiskEvent`; empty if it belongs to none."""
    role: Role = Role.NAMED
    itode_ms: int = 0
    """Taker delay."""
    sd_s: int = 0
    """Taker delay of sports, from the start of the game on."""
    game_start_ns: int = 0
    """0 if there is no game."""
    clears_at_start: bool = False
    """Open orders are cancelled when the game starts (`cbos`)."""
    shows_delayed: bool = False
    """The feed's levels and best prices include orders in their taker delay, so that they may look
    crossed."""

    def delay_ns(self, ts_ns: int) -> int:
        """How long a marketable order that arrives now waits: the longer of both delays."""
        has_started = 0 < self.game_start_ns <= ts_ns
        return max(self.itode_ms * NS_PER_MS, self.sd_s * NS_PER_S if has_started else 0)


class Pool:
    """Collateral that backs outstanding shares: of one market, or of all members of an event."""

    __slots__ = ("collateral_e6",)

    def __init__(self) -> None:
        self.collateral_e6 = 0


class ListedMarket:
    """A listing and everything about it that changes."""

    __slots__ = (
        *("book", "delayed", "listing", "market", "payout_e4", "phase", "pool", "role"),
        "shows_delayed",
    )

    def __init__(self, listing: Listing, pool: Pool) -> None:
        self.listing = listing
        self.market = listing.market
        """As it is by now: tick and name may differ from the listing's."""
        self.role = listing.role
        self.pool = pool
        self.phase = Phase.NOT_READY
        self.payout_e4 = 0
        """Of one YES share, once resolved; a NO share pays the rest of a dollar."""
        self.book = OrderBook()
        self.delayed: dict[str, Order] = {}
        self.shows_delayed = listing.shows_delayed
        """Whether the feed shows orders that begin their delay from now on."""

    def tokens(self) -> tuple[str, str]:
        """Token ids by `records.Token`."""
        return self.market.yes_token, self.market.no_token

    def open_orders(self) -> list[Order]:
        """Resting and delayed ones."""
        return [*self.resting(), *self.delayed.values()]

    def resting(self) -> list[Order]:
        """Bids, then asks, each by price and time."""
        return [
            order
            for side in self.book.sides
            for level in side.from_best()
            for order in level.orders.values()
        ]


class NegRiskEvent:
    """Markets of which exactly one resolves YES, backed by one pool."""

    __slots__ = ("converted_e6", "event", "fee_bips", "is_augmented", "members", "pool")

    def __init__(self, event: str, *, fee_bips: int, is_augmented: bool) -> None:
        if not 0 <= fee_bips <= 10_000:
            raise ValueError(f"fee_bips={fee_bips} is not between 0 and 10000")
        self.event = event
        self.fee_bips = fee_bips
        self.is_augmented = is_augmented
        """Members may be added after trading began."""
        self.members: list[ListedMarket] = []
        """By question index, the bit of an index set."""
        self.pool = Pool()
        self.converted_e6 = 0
        """Sum of the amounts of all conversions."""

    def add(self, listing: Listing) -> ListedMarket:
        """Take a member in. Raises ValueError if a plain event is already traded."""
        if not self.is_augmented and self.pool.collateral_e6:
            raise ValueError(f"{self.event}: only an augmented event takes members once traded")
        member = ListedMarket(listing, self.pool)
        self.members.append(member)
        return member

    def payouts_e4(self) -> int:
        """What one YES share of every member pays together, resolved ones only."""
        return sum(member.payout_e4 for member in self.members)
