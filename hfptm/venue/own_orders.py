"""Our orders and what is known of each: news from any source, in any order, become rows once.

The user channel, answers to requests and REST queries tell the same things again and again, late
and out of order. Fills come from trades alone, by trade id; an order is over once it was said to be
and every share that it is said to have matched was seen in a trade. Pure: times are handed in.
Source: exchange reference, sections 2 and 3.3.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from hfptm.records import EVENT, EventFlag, EventKind
from hfptm.venue.batch import UNREADABLE, Row, read_price_e4, read_size_e6, read_ts_ns
from hfptm.venue.own_order import (
    CONFIRMED,
    FAILED,
    Fill,
    OwnCounters,
    OwnOrder,
    beyond_e6,
    reject_reason,
)
from hfptm.venue.user_messages import UserOrder, UserTrade

Rows = npt.NDArray[np.void]

SETTLED_MAX = 10_000
"""Orders remembered after they are settled, for news that comes late."""

_PROVISIONAL = frozenset({"MATCHED", "MATCHED_NOT_BROADCASTED", "MINED", "RETRYING"})
_RESTING = frozenset({"LIVE", "UNMATCHED"})
_DELAYED = "DELAYED"
_REST_PREFIX = "TRADE_STATUS_"


class OwnOrders:
    """Every order from before it is sent. `take` hands out rows of kind `EventKind.ACK` and above,
    with lake ids in `market`, in the order in which they became known."""

    def __init__(self) -> None:
        self.counters = OwnCounters()
        self._by_id: dict[str, OwnOrder] = {}
        self._open: dict[str, OwnOrder] = {}
        self._unknown: dict[str, OwnOrder] = {}
        self._rows: list[Row] = []

    def add(self, own: OwnOrder) -> None:
        """Know an order, before it is sent. Raises ValueError for one that was sent before."""
        if own.order_id in self._by_id:
            raise ValueError(f"{own.order_id} was sent before; sign it anew, with another salt")
        own.news_ns = own.sent_ns
        self._by_id[own.order_id] = self._open[own.order_id] = own

    def take(self) -> Rows:
        """(n,) EVENT: the rows since the last call."""
        rows = np.array(self._rows, EVENT)
        self._rows = []
        return rows

    def get(self, order_id: str) -> OwnOrder | None:
        return self._by_id.get(order_id.lower())

    def is_held(self, market: int) -> bool:
        """Whether an order of unknown outcome forbids others in its market."""
        return any(own.market == market for own in self._unknown.values())

    def unsettled(self) -> Iterator[OwnOrder]:
        """Orders of which news is owed, in the order of sending."""
        return iter(tuple(self._open.values()))

    def due(self, now_ns: int, unknown_ns: int, quiet_ns: int) -> list[OwnOrder]:
        """Unsettled orders without news for so long, and unknown ones for less, those first; and
        those whose news is to come yet, because the clock was set back."""
        found = [
            own
            for own in self.unsettled()
            if not 0 <= now_ns - own.news_ns < (unknown_ns if own.is_unknown else quiet_ns)
        ]
        return sorted(found, key=lambda own: not own.is_unknown)

    def ask_soon(self, order_ids: Iterable[str]) -> None:
        """Something was done to these orders: their news is due."""
        for own in filter(None, map(self.get, order_ids)):
            own.news_ns = 0

    def on_order(self, message: UserOrder, ts_recv_ns: int) -> None:
        own = self.get(message.id)
        if own is None:
            self.counters.foreign += 1
            return
        ts_ns = _times(message, ts_recv_ns)
        status = message.status or ""
        is_end = message.type == "CANCELLATION" or status.startswith(("CANCELED", "INVALID"))
        matched_e6 = read_size_e6(message.size_matched or "0")
        if matched_e6 == UNREADABLE or (status == "MATCHED" and not matched_e6):
            self.counters.unreadable += 1
            self._doubt(own, ts_ns)
            return
        self._know(own, ts_ns)
        own.said_matched_e6 = max(own.said_matched_e6, matched_e6)
        if is_end or status == "MATCHED":
            own.is_said_over, own.end_text = True, status
        elif status in _RESTING:
            self._ack(own, ts_ns)
        elif status == _DELAYED:
            self._delay(own, ts_ns)
        else:
            self.counters.unknown_status += 1
        self._review(own, ts_ns)

    def on_trade(self, message: UserTrade, ts_recv_ns: int) -> None:
        """A trade of ours as taker, as maker, or with ourselves as both."""
        ts_ns = _times(message, ts_recv_ns)
        status = (message.status or "").removeprefix(_REST_PREFIX)
        parts = [(message.taker_order_id or "", message.price, message.size, False)]
        parts += [(m.order_id, m.price, m.matched_amount, True) for m in message.maker_orders or ()]
        ours = [
            (own, price, size, is_maker)
            for i, price, size, is_maker in parts
            if (own := self.get(i)) is not None
        ]
        if not ours:
            self.counters.foreign += 1
        elif status not in _PROVISIONAL and status not in (CONFIRMED, FAILED):
            self.counters.unknown_status += 1
        for own, price, size, is_maker in ours:
            fill = Fill(read_price_e4(price), read_size_e6(size), status, is_maker)
            if UNREADABLE in (fill.price_e4, fill.size_e6):
                self.counters.unreadable += 1
                self._doubt(own, ts_ns)
            else:
                fill.beyond_e6 = 0 if is_maker else beyond_e6(message, own.side, fill)
                self._know(own, ts_ns)
                self._fill(own, message.id, fill, ts_ns)
                self._review(own, ts_ns)

    def accepted(self, own: OwnOrder, status: str, matched_e6: int, ts_recv_ns: int) -> None:
        """The exchange took it: `status` live, matched, delayed or unmatched; shares so far."""
        ts_ns = (ts_recv_ns, ts_recv_ns)
        self._know(own, ts_ns)
        own.said_matched_e6 = max(own.said_matched_e6, matched_e6)
        if status == "matched" and own.is_immediate:
            own.is_said_over = True
        elif status.upper() in _RESTING:
            self._ack(own, ts_ns)
        elif status.upper() == _DELAYED:
            self._delay(own, ts_ns)
        self._review(own, ts_ns)

    def refused(self, own: OwnOrder, text: str, ts_recv_ns: int) -> None:
        """The exchange never took it, or it never went out."""
        ts_ns = (ts_recv_ns, ts_recv_ns)
        self._know(own, ts_ns)
        own.is_said_over, own.end_text = True, text
        self._review(own, ts_ns)

    def turn_down(self, own: OwnOrder, text: str, ts_ns: int) -> None:
        """Tell of an order that was never signed or added that it is refused."""
        reason = reject_reason(text)
        self._tell(EventKind.REJECT, own, (ts_ns, ts_ns), size_e6=own.size_e6, price_e4=reason)

    def doubt(self, own: OwnOrder, ts_recv_ns: int) -> None:
        """Nobody answered, or not so that it means anything."""
        self._doubt(own, (ts_recv_ns, ts_recv_ns))

    def doubt_all(self, condition_id: str, ts_recv_ns: int) -> None:
        """News was missed: of a market, or with an empty id of any."""
        for own in self.unsettled():
            if condition_id in ("", own.condition_id):
                self.doubt(own, ts_recv_ns)

    def _doubt(self, own: OwnOrder, ts_ns: tuple[int, int]) -> None:
        if not own.is_unknown and not own.is_settled():
            own.is_unknown = own.is_doubted = True
            self._unknown[own.order_id] = own
            self._tell(EventKind.UNKNOWN, own, ts_ns, size_e6=own.size_e6)

    def _know(self, own: OwnOrder, ts_ns: tuple[int, int]) -> None:
        own.is_unknown = False
        own.news_ns = max(own.news_ns, ts_ns[0])
        self._unknown.pop(own.order_id, None)

    def _ack(self, own: OwnOrder, ts_ns: tuple[int, int]) -> None:
        is_told = own.is_acked and not own.is_doubted
        if not (is_told or own.is_over or own.is_immediate):
            own.is_acked, own.is_doubted = True, False
            self._tell(EventKind.ACK, own, ts_ns)

    def _delay(self, own: OwnOrder, ts_ns: tuple[int, int]) -> None:
        if not (own.is_delayed or own.is_acked or own.is_over or own.fills):
            own.is_delayed = True
            self._tell(EventKind.DELAYED, own, ts_ns, size_e6=own.size_e6)

    def _fill(self, own: OwnOrder, trade_id: str, fill: Fill, ts_ns: tuple[int, int]) -> None:
        """A trade that is first heard of when it has failed was never a fill of ours."""
        known = own.fills.get(trade_id) or _recognised(own, trade_id, fill)
        is_final = fill.status in (CONFIRMED, FAILED)
        if known is None:
            self.counters.after_end += own.is_over
            own.fills[trade_id] = fill
            own.matched_e6 += fill.size_e6
            if fill.status != FAILED:
                self._tell_fill(EventKind.FILL, own, fill, ts_ns)
            if fill.status == CONFIRMED:
                self._tell_fill(EventKind.FILL_CONFIRMED, own, fill, ts_ns)
        elif known.status in (CONFIRMED, FAILED):
            self.counters.contradictory += is_final and fill.status != known.status
        else:
            known.status = fill.status
            if is_final:
                is_good = fill.status == CONFIRMED
                kind = EventKind.FILL_CONFIRMED if is_good else EventKind.FILL_FAILED
                self._tell_fill(kind, own, known, ts_ns)

    def _review(self, own: OwnOrder, ts_ns: tuple[int, int]) -> None:
        """Tell the end of an order once it is certain, and let go of what is settled."""
        if own.is_said_over and not own.is_over and own.matched_e6 >= own.said_matched_e6:
            own.is_over = True
            unfilled_e6 = max(0, own.size_e6 - own.matched_e6)
            if own.matched_e6 or own.is_acked:
                self._tell(EventKind.DONE, own, ts_ns, size_e6=unfilled_e6)
            else:
                reason = reject_reason(own.end_text)
                self._tell(EventKind.REJECT, own, ts_ns, size_e6=unfilled_e6, price_e4=reason)
        if own.is_settled():
            self._open.pop(own.order_id, None)
            while len(self._by_id) - len(self._open) > SETTLED_MAX:
                del self._by_id[next(i for i in self._by_id if i not in self._open)]
        else:
            self._open[own.order_id] = own

    def _tell_fill(self, kind: EventKind, own: OwnOrder, fill: Fill, ts: tuple[int, int]) -> None:
        """Cash beyond what it says comes with it, and goes before its end, which ends the order."""
        flags = EventFlag.MAKER if fill.is_maker else 0
        if kind is EventKind.FILL_FAILED and fill.beyond_e6:
            self._tell(EventKind.CASH, own, ts, size_e6=-fill.beyond_e6)
        self._tell(kind, own, ts, size_e6=fill.size_e6, price_e4=fill.price_e4, flags=flags)
        if kind is EventKind.FILL and fill.beyond_e6:
            self._tell(EventKind.CASH, own, ts, size_e6=fill.beyond_e6)

    def _tell(
        self,
        kind: EventKind,
        own: OwnOrder,
        ts_ns: tuple[int, int],
        *,
        size_e6: int = 0,
        price_e4: int = 0,
        flags: int = 0,
    ) -> None:
        self._rows.append(
            (*ts_ns, own.market, size_e6, own.order, price_e4, flags, int(kind), int(own.side))
        )


def _recognised(own: OwnOrder, trade_id: str, fill: Fill) -> Fill | None:
    """What was told of this trade before a restart: the same price and size, best in that state."""
    same = (fill.price_e4, fill.size_e6)
    like = [told for told in own.told if (told.price_e4, told.size_e6) == same]
    if not like:
        return None
    known = next((told for told in like if told.status == fill.status), like[0])
    known.beyond_e6 = fill.beyond_e6
    own.told = [told for told in own.told if told is not known]
    own.fills[trade_id] = known
    own.matched_e6 += known.size_e6
    return known


def _times(message: UserOrder | UserTrade, ts_recv_ns: int) -> tuple[int, int]:
    """(receive time, exchange's time, or the former where it says none)."""
    ts_venue_ns = read_ts_ns(message.timestamp)
    return ts_recv_ns, ts_recv_ns if ts_venue_ns == UNREADABLE else ts_venue_ns
