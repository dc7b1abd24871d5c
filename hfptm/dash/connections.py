"""Connections of clients that may be slow, silent or hostile: little for each, and not for long."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

CONNECTIONS_MAX = 512
"""Half of the files that a process usually may have open. Beyond them the one that has had nothing
to say for longest makes room."""

HEAD_BYTES_MAX = 16_384
"""Of a request's first line and headers together."""

REQUEST_S = 10.0
"""What a client may take to say all of what it wants."""

UNREAD_S = 10.0
"""What a client may take to read what has been sent."""

IDLE_S = 5
"""A connection without a request is closed after so long."""


class Connection(H11Protocol):
    """One connection, as uvicorn has it, with an end to its patience."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.since_s = self.loop.time()
        self._asking: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Nothing waits for a reader but what he is being sent: all unread counts.
        transport.set_write_buffer_limits(high=0)
        self._expect()
        if len(self.connections) > CONNECTIONS_MAX:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._heard()
        self._read()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        theirs, (said, _) = self.conn.their_state, self.conn.trailing_data
        if theirs is h11.SEND_BODY or (theirs is h11.IDLE and said):
            self._expect()
        else:
            self._heard()

    def send_400_response(self, msg: str) -> None:
        if not self.is_idle:  # whoever answers what came before the nonsense answers nobody
            self.cycle.disconnected = True
        super().send_400_response(msg)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        self._read()
        super().resume_writing()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being answered."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _make_room(self) -> None:
        known = [other for other in self.connections if isinstance(other, Connection)]
        staying = [other for other in known if not other.transport.is_closing()]
        if len(staying) > CONNECTIONS_MAX:
            idle = [other for other in staying if other.is_idle]
            min(idle, key=lambda other: other.since_s).transport.abort()

    def _expect(self) -> None:
        if self._asking is None:
            self._asking = self.loop.call_later(REQUEST_S, self.transport.abort)

    def _heard(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
