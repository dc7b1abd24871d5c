"""What faults make of one WebSocket connection, frame by frame. Pure: time is that of `Faults`."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from hfptm.sandbox.faults import Active, Faults
from hfptm.sandbox.faults_frames import FORMS, Sent, malformed, without_asset
from hfptm.sandbox.faults_kinds import (
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    Freeze,
    LineFault,
    Lose,
    Malformed,
    Reorder,
)
from hfptm.units import NS_PER_MS

L = TypeVar("L", bound=LineFault)
NamesOf = Callable[[int], tuple[str, str]]
"""A market's slug and its condition id as the CLOB has it, by `registry.Market.market`."""

_FRAME_KINDS = (Freeze, Lose, Drop, Malformed, Duplicate, Delay, Reorder)


class _Frame(NamedTuple):
    payload: bytes
    number: int
    n: int
    market: int
    assets: Sequence[str]


class _Held(NamedTuple):
    """A frame on its way; the first to be released is the smallest."""

    release_ns: int
    order: int
    frame: _Frame
    sent: Sent
    held_by: Active[Any]


class Line:
    """One connection, from its opening on.

    Give every frame to `take`, and send what it returns; send what `due` returns whenever time has
    passed; ask `cut` then too. While `is_clear`, frames may be sent as they are, and counted by
    `skip`. PONG is no frame, and goes past. `subscribed_ns` holds, and goes on holding, since when
    the connection has had each of its tokens.
    """

    def __init__(
        self,
        faults: Faults,
        connection: int,
        channel: str,
        names_of: NamesOf,
        subscribed_ns: Mapping[str, int],
    ) -> None:
        self.connection = connection
        self.frames = 0
        """Frames so far, whatever became of them."""
        self._faults, self._channel, self._names_of = faults, channel, names_of
        self._opened_ns = faults.now_ns
        self._subscribed_ns = subscribed_ns
        self._generation = -1
        self._by_kind: dict[type[LineFault], list[Active[Any]]] = {}
        self._is_cut = False
        self._held: list[_Held] = []
        self._pushed = 0
        self._blocked_by: tuple[int, Active[Delay]] | None = None

    @property
    def is_clear(self) -> bool:
        """Whether nothing is held, and no fault acts that could hit a frame."""
        return not self._held and not self._faults.any_active(_FRAME_KINDS)

    def skip(self, frames: int) -> None:
        """Count frames that were sent as they are."""
        self.frames += frames

    def take(
        self, payload: bytes, *, n: int = 0, market: int = 0, assets: Sequence[str] = ()
    ) -> list[Sent]:
        """What is to be sent now that the exchange has a frame for this connection.

        `n` is its number in the wire file. `assets` are those whose books or trades it tells of:
        none for books that answer a subscription, and for news of a market, which `lose` spares.
        """
        self.frames += 1
        frame = _Frame(payload, self.frames, n, market, assets)
        return [*self.due(), *self._hold(frame, self._spoil(frame))]

    def due(self) -> list[Sent]:
        """What was held back until now."""
        released: list[Sent] = []
        while self._held and self._held[0].release_ns <= self._faults.now_ns:
            released.append(heapq.heappop(self._held).sent)
        return released

    def cut(self) -> Disconnect | None:
        """The fault that wants this connection cut now; one that still says goodbye is cut."""
        for active in self._mine(Disconnect):
            if not self._is_cut and self._is_struck(active, self._opened_ns):
                self._is_cut = True
                code = active.fault.code
                detail = "reset" if code is None else f"code {code}"
                self._faults.note(active, connection=self.connection, detail=detail)
                return active.fault
        return None

    def close(self) -> None:
        """Tell of what was still held: it is never sent."""
        for held in sorted(self._held):
            self._note(held.held_by, held.frame, detail="never sent")
        self._held.clear()

    def _mine(self, kind: type[L]) -> list[Active[L]]:
        """The faults of a kind that act on this channel."""
        if self._generation != self._faults.generation:
            self._generation = self._faults.generation
            self._by_kind = {kind: self._of_channel(kind) for kind in (*_FRAME_KINDS, Disconnect)}
        return self._by_kind[kind]

    def _of_channel(self, kind: type[L]) -> list[Active[L]]:
        return [a for a in self._faults.active(kind) if a.fault.channel in (None, self._channel)]

    def _is_struck(self, active: Active[L], began_ns: int, *numbers: object) -> bool:
        """Whether a window hits what has been there since before it."""
        is_older = began_ns <= active.since_ns
        return is_older and self._faults.hits(active, self.connection, active.window, *numbers)

    def _spoil(self, frame: _Frame) -> list[Sent]:
        """The frame, twice, nothing, or something else."""
        if self._is_frozen(frame):
            return []
        payload = self._after_loss(frame)
        if payload is None:
            return []
        for drop in self._hit(Drop, frame):
            self._note(drop, frame)
            return []
        sent = [Sent(payload)]
        for bad in self._hit(Malformed, frame)[:1]:
            sent = [self._malformed(bad, frame, payload)]
        for twice in self._hit(Duplicate, frame):
            self._note(twice, frame)
            sent.append(sent[0])
        return sent

    def _is_frozen(self, frame: _Frame) -> bool:
        for active in self._mine(Freeze):
            if self._is_struck(active, self._opened_ns):
                self._note(active, frame)
                return True
        return False

    def _after_loss(self, frame: _Frame) -> bytes | None:
        """What is left of a frame once lost tokens are taken out; None if nothing."""
        payload: bytes | None = frame.payload
        for active in self._mine(Lose) if frame.assets else ():
            fault = active.fault
            if payload is None or not self._loses(active, frame):
                continue
            left = without_asset(payload, fault.asset) if fault.asset else None
            if left != payload:
                self._note(active, frame, detail="all" if left is None else f"of {fault.asset}")
            payload = left
        return payload

    def _loses(self, active: Active[Lose], frame: _Frame) -> bool:
        fault = active.fault
        if fault.asset and fault.asset not in frame.assets:
            return False
        if fault.market and fault.market != self._names_of(frame.market)[0]:
            return False
        began_ns = max(self._subscribed_ns.get(a, self._opened_ns) for a in frame.assets)
        return self._is_struck(active, began_ns, frame.market)

    def _hit(self, kind: type[L], frame: _Frame) -> list[Active[L]]:
        mine = self._mine(kind)
        return mine and [
            active for active in mine if self._faults.hits(active, self.connection, frame.number)
        ]

    def _malformed(self, active: Active[Malformed], frame: _Frame, payload: bytes) -> Sent:
        steps = iter(range(1 << 30))

        def below(bound: int) -> int:
            numbers = (self.connection, frame.number, next(steps))
            return self._faults.draw(active, bound, "form", *numbers)

        form = active.fault.form or FORMS[below(len(FORMS))]
        self._note(active, frame, detail=form)
        return malformed(payload, form, below)

    def _hold(self, frame: _Frame, sent: list[Sent]) -> list[Sent]:
        """What is sent now; the rest is kept for `due`."""
        if not sent:
            return []
        now_ns = self._faults.now_ns
        for late in self._hit(Reorder, frame):
            return self._keep(now_ns + self._delay_ns(late, frame), frame, sent, late)
        for slow in self._hit(Delay, frame):
            release_ns = now_ns + self._delay_ns(slow, frame)
            if self._blocked_by is None or release_ns > self._blocked_by[0]:
                self._blocked_by = (release_ns, slow)
        if self._blocked_by and self._blocked_by[0] > now_ns:
            return self._keep(self._blocked_by[0], frame, sent, self._blocked_by[1])
        return sent

    def _keep(
        self,
        release_ns: int,
        frame: _Frame,
        sent: list[Sent],
        held_by: Active[Any],
    ) -> list[Sent]:
        for one in sent:
            self._pushed += 1
            heapq.heappush(self._held, _Held(release_ns, self._pushed, frame, one, held_by))
        return []

    def _delay_ns(self, active: Active[Delay] | Active[Reorder], frame: _Frame) -> int:
        numbers = (self.connection, frame.number)
        delay_ms = self._faults.draw_between(active, active.fault.delay_ms, *numbers)
        self._note(active, frame, delay_ms=delay_ms)
        return delay_ms * NS_PER_MS

    def _note(
        self, active: Active[Any], frame: _Frame, *, delay_ms: int = 0, detail: str = ""
    ) -> None:
        self._faults.note(
            active,
            connection=self.connection,
            frame=frame.number,
            n=frame.n,
            market=self._names_of(frame.market)[1] if frame.market else "",
            delay_ms=delay_ms,
            detail=detail,
        )
