"""The account of an engine at one moment, copied in microseconds in the loop that drives it, and
read at leisure elsewhere: counts, money, positions, and how much of each limit is used.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.engine import Engine
from hfptm.kernel.jit import Array
from hfptm.kernel.plans import Stage
from hfptm.opportunities import Reason
from hfptm.records import Token
from hfptm.registry import Group, Market
from hfptm.trading_status import RECENT_MAX, Counts, LimitUse, Money, PositionView
from hfptm.units import PRICE_ONE_E4

Rows = npt.NDArray[np.void]

_PLANS = ("plans", "completed", "partial", "missed", "sweeps")
_ORDERS = ("fills", "ghosts", "rejects", "delayed", "unknown")
_MENDED = ("completions", "unwinds", "withheld")
_BOOKED = ("cash_e6", "realised_e6", "locked_e6", "locked_payout_e6", "fees_e6", "reserved_e6")


class AccountCopy(NamedTuple):
    """Of the first lane. The markets, H of them, are those with a position or a promise."""

    now_ns: int
    lane: Rows
    """(1,) LANE; so the next two."""
    risk: Rows
    params: Array
    gas_price_wei: int
    under_way: int
    unanswered_ns: int
    """Age of the oldest order that nobody said anything about."""
    positions: Rows
    """(H, 2) POSITION."""
    reserved_e6: npt.NDArray[np.int64]
    """(H,)"""
    markets: Rows
    """(H,) MARKET."""
    ids: npt.NDArray[np.int64]
    """(H,) lake ids."""
    groups: npt.NDArray[np.int64]
    """(H,) lake ids, 0 for none."""
    listed: Mapping[int, Market]
    events: Mapping[int, Group]


def copy_of(engine: Engine) -> AccountCopy:
    state, slots = engine.state, engine.slots
    held = state.held[0, : int(state.lanes[0]["held"])]
    places = np.union1d(held, np.flatnonzero(state.reserved[0]))
    markets = np.array(state.markets[places].view(np.ndarray))
    groups = slots.group_ids[markets["group"]]
    groups[markets["group"] < 0] = 0
    now_ns = int(state.counters[0]["now_ns"])
    is_running = state.plans[0]["stage"] != Stage.FREE
    sent_ns = state.legs[0]["sent_ns"][is_running]
    waiting_ns = sent_ns[sent_ns > 0]
    return AccountCopy(
        now_ns=now_ns,
        lane=np.array(state.lanes[:1].view(np.ndarray)),
        risk=np.array(state.risk[:1].view(np.ndarray)),
        params=state.params,
        gas_price_wei=int(state.counters[0]["gas_price_wei"]),
        under_way=int(is_running.sum()),
        unanswered_ns=now_ns - int(waiting_ns.min()) if len(waiting_ns) else 0,
        positions=np.array(state.positions[0, places].view(np.ndarray)),
        reserved_e6=state.reserved[0, places],
        markets=markets,
        ids=slots.market_ids[places],
        groups=groups,
        listed=slots.markets,
        events=slots.groups,
    )


def with_account(found: Counts, copy: AccountCopy) -> Counts:
    """Plans and orders beside the opportunities that were found."""
    lane = copy.lane[0]
    booked = {name: int(lane[name]) for name in (*_PLANS, *_ORDERS, *_MENDED)}
    return msgspec.structs.replace(found, under_way=copy.under_way, **booked)


def money(copy: AccountCopy, realised_before_e6: int) -> Money:
    lane, risk, positions = copy.lane[0], copy.risk[0], copy.positions
    residue_e6 = (positions["size_e6"] - positions["locked_size_e6"]) * _bids_e4(copy)
    return Money(
        bankroll_e6=int(copy.params[0]["bankroll_e6"]),
        realised_before_e6=realised_before_e6,
        unrealised_e6=int(risk["unrealised_e6"]),
        result_e6=int(risk["result_e6"]),
        today_e6=int(risk["result_e6"] - risk["day_start_e6"]),
        drawdown_e6=int(risk["peak_e6"] - risk["result_e6"]),
        residue_cost_e6=int((positions["cost_e6"] - positions["locked_cost_e6"]).sum()),
        residue_bid_e6=int((residue_e6 // PRICE_ONE_E4).sum()),
        **{name: int(lane[name]) for name in _BOOKED},
    )


def pause(copy: AccountCopy) -> tuple[str, int]:
    """Why nothing is bought for a while, and until when; empty and 0 if there is no pause."""
    risk = copy.risk[0]
    if copy.now_ns < risk["paused_until_ns"]:
        return Reason.FAILURES.name.lower(), int(risk["paused_until_ns"])
    if copy.now_ns < risk["slow_until_ns"]:
        return Reason.ORDER_LATENCY.name.lower(), int(risk["slow_until_ns"])
    return "", 0


def limit_uses(copy: AccountCopy) -> list[LimitUse]:
    """Every limit of [risk] that holds for the account; those of a basket's books are asked of each
    basket alone."""
    return [*_exposures(copy), *_losses(copy), *_orders(copy)]


def _exposures(copy: AccountCopy) -> list[LimitUse]:
    lane, params = copy.lane[0], copy.params[0]
    each_e6 = copy.positions["cost_e6"].sum(axis=1) + copy.reserved_e6
    events, places = np.unique(np.where(copy.groups, copy.groups, copy.ids), return_inverse=True)
    by_event_e6 = np.zeros(len(events), np.int64)
    np.add.at(by_event_e6, places, each_e6)
    paid_e6 = int(params["bankroll_e6"]) + int(lane["realised_e6"]) - int(lane["cash_e6"])
    market_e6, market = _largest(each_e6, copy.ids)
    event_e6, event = _largest(by_event_e6, events)
    alone_ns, forlorn = _largest(_alone_ns(copy), copy.ids)
    return [
        LimitUse(
            name="max_exposure_total_usd",
            used=paid_e6 + int(lane["reserved_e6"]),
            limit=int(params["max_total_e6"]),
            unit="usd_e6",
        ),
        LimitUse(
            name="max_exposure_per_event_usd",
            used=event_e6,
            limit=int(params["max_event_e6"]),
            unit="usd_e6",
            of=_slug(copy, event),
        ),
        LimitUse(
            name="max_exposure_per_market_usd",
            used=market_e6,
            limit=int(params["max_market_e6"]),
            unit="usd_e6",
            of=_slug(copy, market),
        ),
        LimitUse(
            name="max_concurrent_arbs",
            used=copy.under_way,
            limit=int(params["max_plans"]),
            unit="count",
        ),
        LimitUse(
            name="position_timeout_h",
            used=alone_ns,
            limit=int(params["position_timeout_ns"]),
            unit="ns",
            of=_slug(copy, forlorn),
        ),
    ]


def _losses(copy: AccountCopy) -> list[LimitUse]:
    risk, params = copy.risk[0], copy.params[0]
    return [
        LimitUse(
            name="daily_loss_limit_usd",
            used=max(0, int(risk["day_start_e6"] - risk["result_e6"])),
            limit=int(params["daily_loss_e6"]),
            unit="usd_e6",
        ),
        LimitUse(
            name="max_drawdown_usd",
            used=int(risk["peak_e6"] - risk["result_e6"]),
            limit=int(params["max_drawdown_e6"]),
            unit="usd_e6",
        ),
        LimitUse(
            name="max_consecutive_failures",
            used=int(risk["failures"]),
            limit=int(params["max_failures"]),
            unit="count",
        ),
    ]


def _orders(copy: AccountCopy) -> list[LimitUse]:
    risk, params = copy.risk[0], copy.params[0]
    ahead_ns, interval_ns = int(risk["budget_ns"]) - copy.now_ns, int(params["order_interval_ns"])
    spent = -(-max(ahead_ns, 0) // interval_ns) if interval_ns else 0
    return [
        LimitUse(
            name="max_order_latency_ms",
            used=max(copy.unanswered_ns, int(risk["slow_ns"])),
            limit=int(params["max_order_latency_ns"]),
            unit="ns",
        ),
        LimitUse(
            name="max_order_burst", used=spent, limit=int(params["order_burst"]), unit="count"
        ),
        LimitUse(
            name="max_gas_gwei",
            used=copy.gas_price_wei,
            limit=int(params["max_gas_wei"]),
            unit="wei",
        ),
    ]


def position_views(copy: AccountCopy) -> tuple[list[PositionView], int]:
    """The costliest, and how many there are."""
    sizes_e6, costs_e6 = copy.positions["size_e6"], copy.positions["cost_e6"]
    places = np.argwhere((sizes_e6 != 0) | (costs_e6 != 0))
    order = np.argsort(-costs_e6[places[:, 0], places[:, 1]], kind="stable")
    bids_e4 = _bids_e4(copy)
    views = []
    for place, token in places[order[:RECENT_MAX]].tolist():
        held, market = copy.positions[place, token], copy.listed[int(copy.ids[place])]
        bid_e6 = int(held["size_e6"]) * int(bids_e4[place, token]) // PRICE_ONE_E4
        views.append(
            PositionView(
                market=market.market,
                slug=market.slug,
                event_slug=copy.events[market.group].slug if market.group in copy.events else "",
                token="yes" if token == Token.YES else "no",
                size_e6=int(held["size_e6"]),
                cost_e6=int(held["cost_e6"]),
                bid_e6=bid_e6 if copy.markets[place]["valid"] else None,
                locked_size_e6=int(held["locked_size_e6"]),
                alone_since_ns=int(held["alone_since_ns"]),
            )
        )
    return views, len(places)


def _bids_e4(copy: AccountCopy) -> npt.NDArray[np.int64]:
    """(H, 2) by token: best bids, as `replay.results` has them."""
    bids_e4 = np.empty((len(copy.markets), 2), np.int64)
    bids_e4[:, Token.YES] = copy.markets["best_bid_e4"]
    bids_e4[:, Token.NO] = PRICE_ONE_E4 - copy.markets["best_ask_e4"].astype(np.int64)
    return bids_e4


def _largest(amounts: npt.NDArray[np.int64], ids: npt.NDArray[np.int64]) -> tuple[int, int]:
    """And whose it is; 0 and 0 if there is none."""
    if not amounts.any():
        return 0, 0
    place = int(amounts.argmax())
    return int(amounts[place]), int(ids[place])


def _alone_ns(copy: AccountCopy) -> npt.NDArray[np.int64]:
    """(H,) for how long shares of each market have had no partner."""
    since_ns = copy.positions["alone_since_ns"]
    waited_ns: npt.NDArray[np.int64] = np.where(since_ns > 0, copy.now_ns - since_ns, 0)
    longest_ns: npt.NDArray[np.int64] = waited_ns.max(axis=1, initial=0)
    return longest_ns


def _slug(copy: AccountCopy, owner: int) -> str:
    """Of a market or a group, by its lake id."""
    named = copy.events.get(owner) or copy.listed.get(owner)
    return named.slug if named else ""
