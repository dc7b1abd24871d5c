"""The metrics of trading: what was found, plans and orders, money, limits."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from hfptm.bulletin import Bulletin
from hfptm.metric_shape import Sample, Shape, fields, shape
from hfptm.trading_status import Counts, Trading
from hfptm.units import ONE_E6

_MONEY = {
    "bankroll_e6": ("bankroll_dollars", "Cash at the beginning."),
    "cash_e6": ("cash_dollars", "Cash."),
    "realised_e6": ("realised_dollars", "Profit paid out since the account began."),
    "unrealised_e6": ("unrealised_dollars", "What shares without partners would lose; 0 at most."),
    "result_e6": ("result_dollars", "Realised and unrealised."),
    "today_e6": ("today_dollars", "Result of this UTC day."),
    "drawdown_e6": ("drawdown_dollars", "How far the result is below its highest."),
    "locked_e6": ("locked_dollars", "Cost of complete baskets held until they resolve."),
    "locked_payout_e6": ("locked_payout_dollars", "What those pay at least."),
    "residue_cost_e6": ("residue_cost_dollars", "Cost of shares outside complete baskets."),
    "residue_bid_e6": ("residue_bid_dollars", "What those would bring at the best bids."),
    "reserved_e6": ("reserved_dollars", "Cash promised to orders."),
    "fees_e6": ("fees_dollars", "Fees of this run."),
}
_COUNTS = {
    "plans": ("plans_total", "Plans made of opportunities."),
    "under_way": ("plans_under_way", "Plans that have not ended."),
    "completed": ("plans_completed_total", "Plans of which every leg was filled whole."),
    "partial": ("plans_partial_total", "Plans of which some, but not all, was filled."),
    "missed": ("plans_missed_total", "Plans of which nothing was filled."),
    "sweeps": ("sweeps_total", "Plans that end what earlier ones left."),
    "fills": ("fills_total", "Fills of orders."),
    "ghosts": ("fills_taken_back_total", "Fills that were taken back."),
    "rejects": ("orders_rejected_total", "Orders, merges and conversions that were refused."),
    "delayed": ("orders_delayed_total", "Orders that sat in a taker delay."),
    "unknown": ("orders_unknown_total", "Orders whose outcome was unknown for a while."),
    "completions": ("completion_orders_total", "Orders that bought what a leg lacked."),
    "unwinds": ("unwind_orders_total", "Orders that sold a leg without its partners."),
    "withheld": ("orders_withheld_total", "Orders, merges and conversions that risk held back."),
}
_STAGES = ("seen", "displayed", "arrived", "printed", "unseen", "confirmed", "artefacts")
_PROFITS = ("displayed", "arrived")
_LATCHES = ("daily_loss", "drawdown", "halted", "stopped")


def _stages(told: Bulletin) -> Iterator[Sample]:
    for kind, counts in _kinds(told):
        for stage in _STAGES:
            yield (kind, stage), getattr(counts, stage)


def _profits(told: Bulletin) -> Iterator[Sample]:
    for kind, counts in _kinds(told):
        for stage in _PROFITS:
            yield (kind, stage), getattr(counts, f"{stage}_e6") / ONE_E6


def _kinds(told: Bulletin) -> Iterable[tuple[str, Counts]]:
    return told.trading.kinds.items() if told.trading else ()


def _refusals(told: Bulletin) -> Iterator[Sample]:
    for reason, count in (told.trading.refusals if told.trading else {}).items():
        yield (reason,), count


def _limit_ratios(told: Bulletin) -> Iterator[Sample]:
    for use in told.trading.limits if told.trading else ():
        if use.limit > 0:
            yield (use.name,), use.used / use.limit


def _limit_dollars(field: Literal["used", "limit"]) -> Callable[[Bulletin], Iterator[Sample]]:
    def read(told: Bulletin) -> Iterator[Sample]:
        for use in told.trading.limits if told.trading else ():
            if use.unit == "usd_e6":
                yield (use.name,), getattr(use, field) / ONE_E6

    return read


def _latches(told: Bulletin) -> Iterator[Sample]:
    if told.trading:
        for latch in _LATCHES:
            yield (latch,), int(told.trading.latch == latch)


def _of_trading(value: Callable[[Trading], float]) -> Callable[[Bulletin], Iterator[Sample]]:
    def read(told: Bulletin) -> Iterator[Sample]:
        if told.trading:
            yield (), value(told.trading)

    return read


TRADING_METRICS: tuple[Shape, ...] = (
    *fields("hfptm_", _COUNTS, lambda told: told.trading and told.trading.counts),
    shape(
        "hfptm_opportunities",
        "Of this run. One that is still there may be counted otherwise in the end.",
        ("kind", "stage"),
        _stages,
    ),
    shape(
        "hfptm_opportunity_profit_dollars",
        "Profit after fees of those displayed, and of those still there at arrival.",
        ("kind", "stage"),
        _profits,
    ),
    shape(
        "hfptm_opportunity_answers", "Opportunities by what became of them.", ("reason",), _refusals
    ),
    *fields("hfptm_", _MONEY, lambda told: told.trading and told.trading.money),
    shape(
        "hfptm_positions",
        "Tokens of which shares are held.",
        (),
        _of_trading(lambda trading: trading.positions_count),
    ),
    shape(
        "hfptm_limit_used_ratio",
        "How much of a limit of [risk] is used: 1 is all of it.",
        ("limit",),
        _limit_ratios,
    ),
    shape(
        "hfptm_limit_used_dollars",
        "The same in dollars, of limits in dollars.",
        ("limit",),
        _limit_dollars("used"),
    ),
    shape("hfptm_limit_dollars", "Those limits themselves.", ("limit",), _limit_dollars("limit")),
    shape(
        "hfptm_halted",
        "1 if nothing leaves: the kill switch was thrown, or a live run is at its end.",
        (),
        _of_trading(lambda trading: int(trading.latch == "halted")),
    ),
    shape(
        "hfptm_latched",
        "1 for what keeps anything from being bought until it is lifted.",
        ("reason",),
        _latches,
    ),
    shape(
        "hfptm_paused",
        "1 if nothing is bought for a while, after failures or slow answers.",
        (),
        _of_trading(lambda trading: int(bool(trading.pause))),
    ),
)
