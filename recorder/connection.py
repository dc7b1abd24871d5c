"""One WebSocket connection to the market channel: every frame becomes a raw row, undecoded.

The receive path is `Connection.on_ws_frame`. A row bears the time of the read that brought its last
byte, taken once a read. Source: exchange reference, sections 1.1 and 1.2.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import msgspec
from picows import WSCloseCode, WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from hfptm.clock import monotonic_ns, wall_ns
from hfptm.errors import VenueError
from hfptm.raw import RawKind, Silence
from hfptm.records import GapReason
from hfptm.registry import Market
from hfptm.units import NS_PER_S
from hfptm.venue.listings import clob_condition
from recorder.observations import LinkSight, Sight
from recorder.scan import MARKET, has_book, is_news, markets_of
from recorder.writer import RawRow

Append = Callable[[RawRow], None]
Hear = Callable[[bytes, int], None]
"""Takes a frame with news of a market, and when it was received (UTC)."""

Ended = Callable[["Connection"], None]

HANDSHAKE_S = 10.0
FRAME_BYTES_MAX = 64 << 20
"""Of the first books of 200 tokens; 2 KB each are usual, 100 KB were seen."""

READ_BYTES = 1 << 16
STRAGGLERS_NS = 2 * NS_PER_S
"""How long frames of a market may come after it was unsubscribed."""

_PING, _PONG = b"PING", b"PONG"
_FRAME = int(RawKind.FRAME)
_TEXT = WSMsgType.TEXT
_NO_CODE = 1005
"""What RFC 6455 calls a close frame without one."""


class Connection(WSListener):
    """Made by `connect`. Once it has ended, `ended` is called, and `cause` says why."""

    def __init__(self, sight: LinkSight, append: Append, hear: Hear, ended: Ended) -> None:
        self.sight = sight
        self.cause = ""
        self._append, self._hear, self._ended = append, hear, ended
        self._line, self._number = sight.line, sight.connection
        self._seq = 0
        self._is_new_read = True
        self._ts_recv_ns = self._ts_mono_ns = 0
        self._by_condition: dict[bytes, Sight] = {}
        self._conditions: dict[int, bytes] = {}
        self._leaving: dict[int, tuple[Sight, int]] = {}
        """Unsubscribed markets, and when they were."""
        self._fragments: list[bytes] = []
        self.is_up = self._is_begun = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        if self.cause:  # nobody waits for it any more
            transport.disconnect(graceful=False)
        else:
            self.is_up = True
            self._keep(RawKind.LINK_UP, b"")

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        if self._is_new_read:
            self._ts_recv_ns, self._ts_mono_ns = wall_ns(), monotonic_ns()
        self._is_new_read = frame.last_in_buffer
        if frame.msg_type is not _TEXT or not frame.fin:
            self._receive_other(frame)
            return
        payload = frame.get_payload_as_bytes()
        sight = self._by_condition.get(payload[MARKET])
        if sight is None or not sight.book_ns:
            if payload == _PONG:
                self.sight.last_pong_ns = self._ts_mono_ns
                return
            self._note_all(payload)
        else:
            sight.last_ns = self._ts_mono_ns
            sight.frames += 1
            sight.last_payload = payload
        self._receive(payload)

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self._end("disconnect")

    def subscribe(self, markets: Sequence[Market]) -> None:
        """Ask for markets that are not subscribed here; their full books come first."""
        now_ns = monotonic_ns()
        self._forget([market.market for market in markets if market.market in self._leaving])
        for market in markets:
            condition = clob_condition(market.condition_id).encode()
            tokens = (market.yes_token, market.no_token)
            sight = Sight(market.market, tokens, now_ns)
            self.sight.markets[market.market] = self._by_condition[condition] = sight
            self._conditions[market.market] = condition
        self._subscribe([t for market in markets for t in (market.yes_token, market.no_token)])

    def unsubscribe(self, markets: Iterable[int]) -> None:
        """Ask for nothing more of markets, by id. `settle` then says so in the recording."""
        now_ns = monotonic_ns()
        left = [self.sight.markets.pop(market) for market in markets]
        self._leaving.update((sight.market, (sight, now_ns)) for sight in left)
        self._unsubscribe(left)

    def resubscribe(self, market: int) -> None:
        """Ask for a new full book. What came before is trusted unless `note_silence` says other."""
        sight = self.sight.markets[market]
        self._unsubscribe([sight])
        sight.ask_again(monotonic_ns())
        self._subscribe(list(sight.tokens))

    def note_silence(self, markets: Iterable[int]) -> None:
        """Say in the recording that markets are not seen here any more, since their last frame."""
        known = self.sight.markets
        self._note([known[market] for market in markets if market in known], GapReason.SILENCE)

    def settle(self, now_ns: int) -> None:
        """Markets whose last stragglers must have come are left for good; call it now and then."""
        self._forget(
            [
                market
                for market, (_, since_ns) in self._leaving.items()
                if now_ns - since_ns >= STRAGGLERS_NS
            ]
        )

    def ping(self) -> None:
        self._transport.send(_TEXT, _PING)

    def close(self, cause: str) -> None:
        """At once; `cause` is stored, and is a gap's reason if it names one."""
        if self.is_up:
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect(graceful=False)
        self._end(cause)

    def _end(self, cause: str) -> None:
        self.cause = self.cause or cause
        if self.is_up:
            self.is_up = False
            self._forget(list(self._leaving))
            self._keep(RawKind.LINK_DOWN, self.cause.encode())
            self._ended(self)

    def _receive(self, payload: bytes) -> None:
        sight = self.sight
        sight.last_data_ns = self._ts_mono_ns
        sight.frames += 1
        sight.size_bytes += len(payload)
        self._seq += 1
        self._append(
            (
                self._ts_recv_ns,
                self._ts_mono_ns,
                self._line,
                self._number,
                self._seq,
                _FRAME,
                payload,
            )
        )

    def _receive_other(self, frame: WSFrame) -> None:
        """Binary or fragmented data, which is data like all other, or a control frame."""
        if frame.msg_type is WSMsgType.PING:
            self._transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type is WSMsgType.CLOSE:
            code = int.from_bytes(frame.get_payload_as_bytes()[:2])
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect()
            self._end(f"closed {code or _NO_CODE}")
        elif frame.msg_type is not WSMsgType.PONG:
            self._fragments.append(frame.get_payload_as_bytes())
            if frame.fin:
                payload = b"".join(self._fragments)
                self._fragments.clear()
                self._note_all(payload)
                self._receive(payload)

    def _note_all(self, payload: bytes) -> None:
        """Note a frame that is of several markets, of none of ours, or perhaps a first book."""
        book_ns = self._ts_mono_ns if has_book(payload) else 0
        for condition in dict.fromkeys(markets_of(payload)):
            if sight := self._by_condition.get(condition):
                sight.last_ns = self._ts_mono_ns
                sight.frames += 1
                sight.book_ns = sight.book_ns or book_ns
        if is_news(payload):
            self._hear(payload, self._ts_recv_ns)

    def _subscribe(self, tokens: list[str]) -> None:
        request = {"assets_ids": tokens, "custom_feature_enabled": True}
        if self._is_begun:
            self._send({"operation": "subscribe", **request})
        else:
            self._send({"type": "market", **request, "initial_dump": True})
            self._is_begun = True

    def _unsubscribe(self, sights: Iterable[Sight]) -> None:
        tokens = [token for sight in sights for token in sight.tokens]
        self._send({"operation": "unsubscribe", "assets_ids": tokens})

    def _send(self, request: dict[str, object]) -> None:
        self._transport.send(_TEXT, msgspec.json.encode(request))

    def _forget(self, markets: Sequence[int]) -> None:
        sights = [self._leaving.pop(market)[0] for market in markets]
        for sight in sights:
            del self._by_condition[self._conditions.pop(sight.market)]
        self._note(sights, GapReason.REMOVED)

    def _note(self, sights: Sequence[Sight], reason: GapReason) -> None:
        if sights:
            silence = Silence([token for sight in sights for token in sight.tokens], reason)
            self._keep(RawKind.SILENCE, msgspec.json.encode(silence))

    def _keep(self, kind: RawKind, payload: bytes) -> None:
        self._seq += 1
        stamps = (wall_ns(), monotonic_ns())
        self._append((*stamps, self._line, self._number, self._seq, int(kind), payload))


async def connect(
    address: str, sight: LinkSight, append: Append, hear: Hear, ended: Ended
) -> Connection:
    """Open one. Raises VenueError if that fails, with why."""
    made = Connection(sight, append, hear, ended)
    try:
        # Not answered by the library: each frame must be seen here, the last one ends a read.
        await ws_connect(
            lambda: made,
            address,
            websocket_handshake_timeout=HANDSHAKE_S,
            enable_auto_pong=False,
            max_frame_size=FRAME_BYTES_MAX,
            read_buffer_init_size=READ_BYTES,
            max_redirects=0,
        )
    except asyncio.CancelledError:
        made.close("stopped")
        raise
    except (WSError, OSError) as error:
        problem = f"no connection ({str(error) or type(error).__name__})"
        raise VenueError(address, "server.market_ws_url", problem) from error
    if not made.is_up:  # the library does not tell an end before the handshake from success
        cause = made.cause or "before the handshake"
        raise VenueError(address, "server.market_ws_url", f"ended at once ({cause})")
    return made
