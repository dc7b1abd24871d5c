"""Why two orders, or two plans, that should be the same came out differently, in exact dollars."""

from collections import Counter
from enum import StrEnum

from hfptm.records import IntentKind, RejectReason
from replay.orders import Marks, Order

Dollars = Counter[str]
"""By cause, in e10."""


class Cause(StrEnum):
    """Of a live order beside its twin's; the first that holds."""

    NOT_SENT = "not_sent"
    """It was held back before it left: no budget, too late, or a market in doubt."""
    REJECTED = "rejected"
    """One was refused, or found nothing, and the other was not."""
    GHOST = "ghost"
    """The trade of a fill was taken back."""
    UNKNOWN = "unknown"
    """Nobody could say for a while what became of it."""
    ASKED = "asked"
    """It asked for another size or price, as cash or limits were others by then."""
    SIZE = "size"
    """Other shares were there for it."""
    PRICE = "price"
    """As many were, at other prices."""
    CASH = "cash"
    """The same shares and prices, another fee or rounding."""
    MENDING = "mending"
    """Only one plan had to complete, sell or merge so."""
    TIME = "time"
    """The plan began at another instant."""
    LEFT = "left"
    """An order to end what earlier plans had left."""
    PAYOUT = "payout"
    """Paid at a resolution, other than what shares count here."""


HELD_BACK = "held_back_"
"""Before the reason why the other side made no plan of the same opportunity."""


def compare_orders(live: Order, twin: Order, marks: Marks) -> Dollars:
    """What the live order was worth more than its twin, by cause; nothing if they are the same."""
    more_e10 = live.worth_e10(marks) - twin.worth_e10(marks)
    if more_e10 == 0 and (live.fills, live.rejected) == (twin.fills, twin.rejected):
        return Counter()
    if cause := _trouble(live, twin):
        return Counter({cause: more_e10})
    if live.filled_e6 == twin.filled_e6:
        return Counter({Cause.PRICE if _differ_in_price(live, twin) else Cause.CASH: more_e10})
    if not _differ_in_price(live, twin):
        return Counter({Cause.SIZE: more_e10})
    price_e10 = _of_price_e10(live, twin, marks)
    return Counter({Cause.PRICE: price_e10, Cause.SIZE: more_e10 - price_e10})


def _trouble(live: Order, twin: Order) -> Cause | None:
    """What kept one of them from being what was asked, or asked for something else."""
    if RejectReason.NOT_SENT in (live.rejected, twin.rejected):
        return Cause.NOT_SENT
    if live.rejected != twin.rejected:
        return Cause.REJECTED
    if live.has_ghosts or twin.has_ghosts:
        return Cause.GHOST
    if live.is_unknown:
        return Cause.UNKNOWN
    if (live.price_e4, live.size_e6) != (twin.price_e4, twin.size_e6):
        return Cause.ASKED
    return Cause.MENDING if live.kind != IntentKind.PLACE else None


def _differ_in_price(live: Order, twin: Order) -> bool:
    """Whether both got shares, at another price on average."""
    if live.filled_e6 == 0 or twin.filled_e6 == 0:
        return False
    live_e10, twin_e10 = (sum(f.price_e4 * f.size_e6 for f in o.fills) for o in (live, twin))
    return live_e10 * twin.filled_e6 != twin_e10 * live.filled_e6


def _of_price_e10(live: Order, twin: Order, marks: Marks) -> int:
    """What the shares that both got were worth more, at each one's average; rounded down."""
    both_e6 = min(live.filled_e6, twin.filled_e6)
    return both_e6 * live.worth_e10(marks) // live.filled_e6 - (
        both_e6 * twin.worth_e10(marks) // twin.filled_e6
    )
