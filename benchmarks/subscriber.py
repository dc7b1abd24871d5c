"""A subscriber that does nothing but count: cheap enough not to be what is measured."""

import socket
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from hfptm.clock import monotonic_ns
from hfptm.units import NS_PER_MS, NS_PER_S

_READ_BYTES = 1 << 20
_CLOSE = 0x88


class Counted(NamedTuple):
    frames: int
    took_ns: int

    @property
    def frames_per_s(self) -> float:
        return self.frames * NS_PER_S / self.took_ns


def follow(address: str, assets: Sequence[str]) -> Counted:
    """Count everything until the server closes."""
    with _Line(address, assets) as line:
        began_ns = monotonic_ns()
        return Counted(line.read(None), monotonic_ns() - began_ns)


def follow_for(
    address: str, assets: Sequence[str], duration_ms: int, *, warm_ms: int = 0
) -> Counted:
    """Count what comes in so long, after a while that is left out: the dump, and what waited."""
    with _Line(address, assets) as line:
        line.read(monotonic_ns() + warm_ms * NS_PER_MS)
        began_ns = monotonic_ns()
        frames = line.read(began_ns + duration_ms * NS_PER_MS)
        return Counted(frames, monotonic_ns() - began_ns)


class _Line:
    def __init__(self, address: str, assets: Sequence[str]) -> None:
        self._protocol = ClientProtocol(parse_uri(address))
        parts = urlsplit(address)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        self._rest = b""
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        self._protocol.receive_data(self._socket.recv(_READ_BYTES))
        request = {"type": "market", "assets_ids": assets, "custom_feature_enabled": True}
        self._protocol.send_text(msgspec.json.encode(request))
        self._flush()

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)

    def read(self, end_ns: int | None) -> int:
        """Messages that came until then, or until the server's close, which is answered."""
        frames = 0
        while end_ns is None or monotonic_ns() < end_ns:
            data = self._rest + self._socket.recv(_READ_BYTES)
            found, at, is_closed = _count(data)
            self._rest = data[at:]
            frames += found
            if is_closed:
                self._protocol.send_close(1000)
                self._flush()
                break
        return frames


def _count(data: bytes) -> tuple[int, int, bool]:
    """(whole messages, where the rest begins, whether the last one was a close)."""
    frames = at = 0
    size = len(data)
    while at + 10 <= size or (at + 2 <= size and data[at + 1] < 126):
        length = data[at + 1]
        end = at + 2 + length
        if length == 126:
            end = at + 4 + (data[at + 2] << 8 | data[at + 3])
        elif length == 127:
            end = at + 10 + int.from_bytes(data[at + 2 : at + 10])
        if end > size:
            break
        if data[at] == _CLOSE:
            return frames, end, True
        frames, at = frames + 1, end
    return frames, at, False
