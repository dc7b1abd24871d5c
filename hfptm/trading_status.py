"""How trading is going, for whoever watches it: counts, money, limits, and what happened last."""

from typing import Literal, NamedTuple

import msgspec

RECENT_MAX = 200
"""Opportunities, plans and positions that are told one by one."""

Outcome = Literal["under way", "completed", "partial", "missed"]
Unit = Literal["usd_e6", "count", "ns", "wei"]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Since the run began, of all kinds together. Opportunities as `replay.metrics.Tally` counts
    them, plans and orders as the kernel does."""

    seen: int = 0
    """Opportunities on books to be trusted: less is paid than is got, before fees."""
    displayed: int = 0
    """Of those, with the least edge after fees."""
    arrived: int = 0
    """Of those, still there when orders would have reached the exchange."""
    printed: int = 0
    """Of those, where a trade at a leg's price bears it out."""
    unseen: int = 0
    """Of those displayed, whose book at arrival was not received."""
    confirmed: int = 0
    """Doubted at first, then borne out: counted as seen from there on."""
    artefacts: int = 0
    """Never on a book to be trusted."""
    displayed_e6: int = 0
    """Profit after fees, as first displayed."""
    arrived_e6: int = 0
    """The same, at arrival."""
    plans: int = 0
    under_way: int = 0
    """Of now; those that end what earlier plans left included."""
    completed: int = 0
    """Every leg was filled whole."""
    partial: int = 0
    missed: int = 0
    """Nothing was filled."""
    sweeps: int = 0
    """Plans that end what earlier ones left; not among `plans`."""
    fills: int = 0
    ghosts: int = 0
    """Fills that were taken back."""
    rejects: int = 0
    delayed: int = 0
    """Orders that sat in a taker delay."""
    unknown: int = 0
    """Orders whose outcome was unknown for a while."""
    completions: int = 0
    """Orders that bought what a leg lacked."""
    unwinds: int = 0
    """Orders that sold a leg without its partners."""
    withheld: int = 0
    """Orders, merges and conversions that risk held back."""


class Found(NamedTuple):
    """What was counted: of all kinds together, by kind, and what became of them, by Reason."""

    counts: Counts
    kinds: dict[str, Counts]
    answers: dict[str, int]


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """Micro-dollars, since the account began where nothing else is said."""

    bankroll_e6: int = 0
    cash_e6: int = 0
    realised_e6: int = 0
    realised_before_e6: int = 0
    """Part of `realised_e6` that earlier runs of this account brought."""
    unrealised_e6: int = 0
    """What shares without partners would lose at the best bids; 0 at most."""
    result_e6: int = 0
    """Realised and unrealised: what the limits on losses look at."""
    today_e6: int = 0
    """Result of this UTC day."""
    drawdown_e6: int = 0
    """How far the result is below its highest."""
    locked_e6: int = 0
    """Cost of complete baskets that are held until they resolve."""
    locked_payout_e6: int = 0
    """What those pay at least."""
    residue_cost_e6: int = 0
    """Of shares outside complete baskets."""
    residue_bid_e6: int = 0
    """What those would bring at the best bids."""
    fees_e6: int = 0
    reserved_e6: int = 0
    """Cash promised to orders."""


class LimitUse(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of [risk], and how much of it is used."""

    name: str
    """The setting, as max_exposure_total_usd."""
    used: int
    limit: int
    unit: Unit
    of: str = ""
    """The market or event that uses most of it, by its slug; empty: it holds for everything."""


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of one token."""

    market: int
    """Lake id: 63 bits, more than JavaScript's numbers hold."""
    slug: str
    event_slug: str
    """Empty if the market belongs to no group."""
    token: Literal["yes", "no"]
    size_e6: int
    cost_e6: int
    """Fees included."""
    bid_e6: int | None
    """What they would bring at the best bid; None: no book is known."""
    locked_size_e6: int
    """Of complete baskets."""
    alone_since_ns: int
    """When the rest was first seen outside any plan; 0: none is."""


class OpportunityView(msgspec.Struct, frozen=True, kw_only=True):
    """One that was displayed; amounts as first displayed."""

    serial: int
    """Decision id."""
    ts_ns: int
    """Receive time (UTC) at which it was first displayed."""
    ended_ns: int
    """0 while it is there."""
    kind: str
    """OpportunityKind, in lower case; so all names below."""
    market: int
    """Lake id of the market, of a basket that of its group."""
    slug: str
    """Of the same."""
    event_slug: str
    legs: int
    size_e6: int
    """Sets."""
    outlay_e6: int
    """What they cost, fees included."""
    displayed_e6: int
    """Profit after fees."""
    reason: str
    """`taken`, or why not."""
    artefact: str
    """Empty: none."""
    plan: int
    """0: none was made."""
    is_measured: bool
    """What follows is known."""
    arrived: bool
    arrived_e6: int
    printed: bool
    unseen: bool


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """One that an opportunity made."""

    serial: int
    ts_ns: int
    """Receive time (UTC) of the decision."""
    ended_ns: int
    """0 while it is under way."""
    kind: str
    market: int
    """Lake id of the market, of a basket that of its group."""
    slug: str
    event_slug: str
    legs: int
    size_e6: int
    """Sets that were asked for."""
    expected_e6: int
    """Profit of the opportunity as displayed, after fees."""
    spent_e6: int
    """On its purchases so far, before fees."""
    outcome: Outcome
    result_e6: int | None
    """What its markets brought from its beginning to its end: what was paid out, what locked
    baskets pay beyond their cost, and shares without partners at the best bids less their cost.
    None while it is under way."""


class Trading(msgspec.Struct, frozen=True, kw_only=True):
    """Of `paper` and `live`."""

    counts: Counts
    kinds: dict[str, Counts]
    """Opportunities by kind; of plans and orders nothing."""
    money: Money
    latch: str
    """Why nothing is bought until a human lifts it: Reason, in lower case; empty: nothing."""
    latch_limit: int
    """Micro-dollars, of a loss; else 0."""
    latch_value: int
    pause: str
    """Why nothing is bought for a while: failures, or order_latency."""
    paused_until_ns: int
    """UTC; 0 if there is no pause."""
    limits: list[LimitUse]
    positions: list[PositionView]
    """By cost, the largest first; RECENT_MAX at most."""
    positions_count: int
    """All there are."""
    opportunities: list[OpportunityView]
    """Newest first; so `plans`."""
    plans: list[PlanView]
    refusals: dict[str, int]
    """Opportunities by what became of them at last: Reason, in lower case."""
