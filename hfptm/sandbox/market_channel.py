"""Subscribers of the market channel: what they ask for, what they get. Pure: text in, bytes out.

Source: exchange reference, sections 1.1 and 1.2; what it leaves open is in
docs/sandbox-protocols.md.
"""

from collections.abc import Callable, Iterable

import msgspec

from hfptm.sandbox.books import print_book
from hfptm.sandbox.calls import Clock
from hfptm.sandbox.catalogue import Catalogue
from hfptm.sandbox.listings import Phase
from hfptm.sandbox.market_frames import Published

PING, PONG = "PING", b"PONG"

UNREADABLE = (msgspec.DecodeError, RecursionError)
"""What msgspec raises on hostile text."""


class Request(msgspec.Struct):
    """Any frame of a client; keys without a meaning here are ignored."""

    type: str = ""
    operation: str = ""
    assets_ids: list[str] = []
    custom_feature_enabled: bool | None = None
    initial_dump: bool = True


_DECODER = msgspec.json.Decoder(Request)


def read_request(text: str) -> Request | None:
    """None for what cannot be read."""
    try:
        return _DECODER.decode(text)
    except UNREADABLE:
        return None


class MarketChannel:
    """One subscriber. `deliver` takes each frame that is for it."""

    def __init__(self, channels: "MarketChannels", deliver: Callable[[Published], None]) -> None:
        self.deliver = deliver
        self.assets: dict[str, int] = {}
        """When it subscribed each token, in ns."""
        self.is_custom = False
        self._channels = channels
        self._is_begun = False

    def receive(self, text: str) -> bytes | None:
        """Take a client's frame; the answer, if there is one. What cannot be read is ignored."""
        if text == PING:
            return PONG
        request = read_request(text)
        if request is None:
            return None
        if request.operation == "unsubscribe":
            self._channels.remove(self, request.assets_ids)
        elif request.operation == "subscribe" and self._is_begun:
            return self._subscribe(request)
        elif request.type == "market" and not request.operation:
            self._is_begun = True
            return self._subscribe(request)
        return None

    def _subscribe(self, request: Request) -> bytes | None:
        if request.custom_feature_enabled is not None:
            self.is_custom = request.custom_feature_enabled
        if not self.assets.keys().isdisjoint(request.assets_ids):
            return None
        assets = list(dict.fromkeys(request.assets_ids))
        self._channels.add(self, assets)
        return self._channels.dump(assets) if request.initial_dump else None


class MarketChannels:
    """All subscribers, and which token each of them named."""

    def __init__(self, catalogue: Catalogue, now_ns: Clock) -> None:
        self._catalogue, self._now_ns = catalogue, now_ns
        self._open: dict[MarketChannel, None] = {}
        self._by_asset: dict[str, dict[MarketChannel, None]] = {}

    def open(self, deliver: Callable[[Published], None]) -> MarketChannel:
        channel = MarketChannel(self, deliver)
        self._open[channel] = None
        return channel

    def close(self, channel: MarketChannel) -> None:
        self.remove(channel, list(channel.assets))
        del self._open[channel]

    def add(self, channel: MarketChannel, assets: Iterable[str]) -> None:
        for asset in assets:
            channel.assets[asset] = self._now_ns()
            self._by_asset.setdefault(asset, {})[channel] = None

    def remove(self, channel: MarketChannel, assets: Iterable[str]) -> None:
        """Tokens that the channel did not name are ignored."""
        for asset in assets:
            if asset in channel.assets:
                del channel.assets[asset]
                del self._by_asset[asset][channel]
                if not self._by_asset[asset]:
                    del self._by_asset[asset]

    def publish(self, batch: Iterable[Published]) -> None:
        """Deliver each frame, once to each subscriber that gets it."""
        for frame in batch:
            for channel in self._receivers(frame):
                if channel.is_custom or not frame.is_custom:
                    channel.deliver(frame)

    def _receivers(self, frame: Published) -> dict[MarketChannel, None]:
        if frame.is_exchange_wide:
            return self._open
        receivers: dict[MarketChannel, None] = {}
        for asset in frame.assets:
            found = self._by_asset.get(asset)
            if found:
                receivers = receivers | found if receivers else found
        return receivers

    def dump(self, assets: Iterable[str]) -> bytes:
        """Full books of tokens that have one, in one array."""
        books: list[str] = []
        for asset in assets:
            entry = self._catalogue.of_token(asset)
            if entry is not None and entry.listed.phase in (Phase.OPEN, Phase.CLOSED):
                books.append(print_book(entry, entry.index_of(asset)).frame())
        return f"[{','.join(books)}]".encode()
