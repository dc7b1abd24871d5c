"""Faults of requests: refused, answered late, answered wrong, or not answered at all.

Source: exchange reference, sections 1.6 and 3.5. What a fault of the answer hides has happened.
"""

from typing import Any, TypeVar

import msgspec

from hfptm.sandbox.auth import ApiKeys, check_l2
from hfptm.sandbox.calls import ApiError, Call, Handler, Reply, answer, as_json
from hfptm.sandbox.faults import Active, Faults
from hfptm.sandbox.faults_kinds import (
    CallFault,
    FalseSuccess,
    Geoblock,
    GhostBook,
    PostOnly,
    RateLimit,
    Restart,
    Slow,
    Timeout,
)
from hfptm.sandbox.rate_limits import Tier
from hfptm.units import NS_PER_S, PRICE_ONE_E4, format_e4, parse_price_e4
from hfptm.venue.book_hash import HashedBook, book_hash
from hfptm.venue.messages import Level

C = TypeVar("C", bound=CallFault)

NOT_READY = "service not ready"
"""425, as plain text."""
POST_ONLY_TEXT = "post-only mode: only post-only orders and cancels are allowed"
POST_ONLY_CODE = "post_only_mode"
POST_ONLY_S = 120
"""How long the mode lasts after a restart; said if the fault has no end."""
NOT_INSERTED = "could not insert order"

_PLACING = ("/order", "/orders")
_TRADING = (*_PLACING, "/cancel-all", "/cancel-market-orders")
_BOOKS = ("/book", "/books")
_KINDS = (RateLimit, Restart, PostOnly, GhostBook, Timeout, Slow)
_GHOST_E4 = 100
_GHOST_SIZE = "1000"


class _Posted(msgspec.Struct):
    post_only: bool = msgspec.field(default=False, name="postOnly")


class _Placed(msgspec.Struct):
    order_id: str = msgspec.field(default="", name="orderID")


_POSTED = msgspec.json.Decoder(_Posted | list[_Posted])
_PLACED = msgspec.json.Decoder(_Placed | list[_Placed])
_GHOSTS = msgspec.json.Decoder(HashedBook | list[HashedBook])


class CallFaults:
    """Stands around the handlers of an API."""

    def __init__(self, faults: Faults, keys: ApiKeys) -> None:
        self._faults, self._keys = faults, keys

    def around(self, handler: Handler) -> Handler:
        """The handler, with whatever is wrong at the time."""

        def handle(call: Call) -> Reply:
            if not self._faults.any_active(_KINDS):
                return handler(call)
            reply = answer(lambda call: self._refused(call) or handler(call), call)
            return self._held_back(call, self._ghost(call, reply))

        return handle

    def _refused(self, call: Call) -> Reply | None:
        """The answer of who stands in front, or none; the gateway counts before it looks."""
        for limit in self._meant(RateLimit, call):
            if self._hit(limit, call, 429):
                headers = _limit_headers(limit.fault, call) if limit.fault.has_headers else {}
                raise ApiError(429, "Too Many Requests", headers=headers)
        if call.path not in _TRADING:
            return None
        for restart in self._faults.active(Restart):
            check_l2(self._keys, call)
            if self._hit(restart, call, 425):
                return Reply(NOT_READY.encode(), 425, {"content-type": "text/plain"})
        for mode in self._faults.active(PostOnly):
            check_l2(self._keys, call)
            if not _may_pass(call) and self._hit(mode, call, 503):
                rest_s = self._rest_s(mode)
                raise ApiError(503, POST_ONLY_TEXT, code=POST_ONLY_CODE, retry_after_seconds=rest_s)
        return None

    def _rest_s(self, mode: Active[PostOnly]) -> int:
        if mode.until_ns is None:
            return POST_ONLY_S
        return -(-(mode.until_ns - self._faults.now_ns) // NS_PER_S)

    def _ghost(self, call: Call, reply: Reply) -> Reply:
        if call.path not in _BOOKS or reply.status != 200:
            return reply
        for active in self._faults.active(GhostBook):
            if self._hit(active, call, reply.status):
                books = _GHOSTS.decode(reply.body)
                ghosts = [_ghost(b) for b in books] if isinstance(books, list) else _ghost(books)
                return as_json(ghosts, headers=reply.headers)
        return reply

    def _held_back(self, call: Call, reply: Reply) -> Reply:
        for slow in self._meant(Slow, call):
            if number := self._faults.hits_next(slow):
                delay_ms = self._faults.draw_between(slow, slow.fault.delay_ms, number)
                self._note(slow, call, number, status=reply.status, delay_ms=delay_ms)
                reply = msgspec.structs.replace(reply, late_ms=reply.late_ms + delay_ms)
        for timeout in self._meant(Timeout, call):
            if number := self._faults.hits_next(timeout):
                order_ids = _order_ids(call, reply)
                self._note(timeout, call, number, status=reply.status, order_ids=order_ids)
                return _hidden(reply, timeout.fault.status)
        return reply

    def _meant(self, kind: type[C], call: Call) -> list[Active[C]]:
        return [active for active in self._faults.active(kind) if _is_meant(active.fault, call)]

    def _hit(self, active: Active[Any], call: Call, status: int) -> bool:
        """Whether this request is one of those that a fault hits; told if so."""
        number = self._faults.hits_next(active)
        if number:
            self._note(active, call, number, status=status)
        return bool(number)

    def _note(self, active: Active[Any], call: Call, number: int, **more: Any) -> None:
        self._faults.note(active, request=number, method=call.method, path=call.path, **more)


def falsely_succeeds(faults: Faults, call: Call) -> str:
    """The error of an order of a batch that is told as a success; empty for others."""
    for active in faults.active(FalseSuccess):
        if number := faults.hits_next(active):
            faults.note(active, request=number, method=call.method, path=call.path, status=200)
            return NOT_INSERTED
    return ""


def geoblock(faults: Faults, call: Call) -> Reply:
    """GET /api/geoblock of the site (3.8): whether who asks may trade."""
    is_blocked = False
    for active in faults.active(Geoblock):
        if number := faults.hits_next(active):
            faults.note(active, request=number, method=call.method, path=call.path, status=200)
            is_blocked = True
    return as_json({"blocked": is_blocked, "ip": "127.0.0.1", "country": "", "region": ""})


def _is_meant(fault: CallFault, call: Call) -> bool:
    is_method = fault.method in (None, call.method)
    is_path = fault.path in ("", call.path) or call.path.startswith(f"{fault.path}/")
    return is_method and is_path


def _limit_headers(fault: RateLimit, call: Call) -> dict[str, str]:
    return {
        "Retry-After": str(fault.retry_after_s),
        "Poly-RateLimit-Remaining": "0",
        "Poly-RateLimit-Reset": str(call.ts_wall_ns // NS_PER_S + fault.retry_after_s),
        "Poly-RateLimit-Tier": Tier.STANDARD.name.lower(),
    }


def _may_pass(call: Call) -> bool:
    """Cancels, post-only orders, batches of them, and what the handler will refuse anyway."""
    if call.method != "POST":
        return True
    try:
        posted = _POSTED.decode(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return True
    return all(one.post_only for one in (posted if isinstance(posted, list) else [posted]))


def _ghost(book: HashedBook) -> HashedBook:
    """The same book as if everybody had left, with the hash of what it shows."""
    bid_e4 = max(_GHOST_E4, parse_price_e4(str(book.tick_size)))
    ghost = msgspec.structs.replace(
        book,
        hash="",
        bids=[Level(format_e4(bid_e4), _GHOST_SIZE)],
        asks=[Level(format_e4(PRICE_ONE_E4 - bid_e4), _GHOST_SIZE)],
    )
    return msgspec.structs.replace(ghost, hash=book_hash(ghost))


def _order_ids(call: Call, reply: Reply) -> list[str]:
    """Of the orders that a reply says were placed."""
    if call.method != "POST" or call.path not in _PLACING or reply.status != 200:
        return []
    placed = _PLACED.decode(reply.body)
    order_ids = [one.order_id for one in (placed if isinstance(placed, list) else [placed])]
    return [order_id for order_id in order_ids if order_id]


def _hidden(reply: Reply, status: int | None) -> Reply:
    """Nothing, or what the gateway says when nothing has come."""
    if status is None:
        return msgspec.structs.replace(reply, is_withheld=True)
    page = f"<html><body><h1>{status}</h1></body></html>\n".encode()
    return Reply(page, status, {"content-type": "text/html"}, late_ms=reply.late_ms)
