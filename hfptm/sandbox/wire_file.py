"""Every frame that a sandbox published on its market channel, in order, once for all subscribers.

A wire file is JSON lines in a fixed layout: the header, then a line a frame, the frame itself
verbatim as the line's last value. The same run gives the same bytes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from hfptm.errors import InputError
from hfptm.sandbox.market_frames import Published

FORMAT = "hfptm-wire"
VERSION = 1

_BUFFER_BYTES = 1 << 20
_AUDIENCES_MAX = 1 << 14
_Audience = tuple[int, tuple[str, ...], bool]


class WireHeader(msgspec.Struct, frozen=True):
    """The first line."""

    format: str
    version: int
    seed: int


class WireFrame(msgspec.Struct, frozen=True, gc=False):
    """One frame, and who it is for."""

    n: int
    """Counted from 1, without a gap."""
    ts_ns: int
    """When it was sent, by the exchange's clock; never goes back."""
    market: int
    """`registry.Market.market`."""
    assets: list[str]
    """Subscribers to any of these get it; empty: every subscriber does."""
    is_custom: bool
    """Only for those who asked for custom features."""
    frame: msgspec.Raw
    """A JSON object or array, as it was sent."""


class WireWriter:
    """Writes a file whole from its beginning; `close` it, or use it as a context."""

    def __init__(self, path: Path, seed: int) -> None:
        self._file = path.open("wb", buffering=_BUFFER_BYTES)
        self._audiences: dict[_Audience, bytes] = {}
        self.frames = 0
        self._file.write(msgspec.json.encode(WireHeader(FORMAT, VERSION, seed)) + b"\n")

    def write(self, ts_ns: int, batch: Sequence[Published]) -> None:
        """Append frames that were sent at one time."""
        for frame in batch:
            self.frames += 1
            key = (frame.market, () if frame.is_exchange_wide else frame.assets, frame.is_custom)
            self._file.write(
                b'{"n":%d,"ts_ns":%d,%b,"frame":%b}\n'
                % (self.frames, ts_ns, self._audiences.get(key) or self._add(key), frame.payload)
            )

    def _add(self, key: _Audience) -> bytes:
        """What all frames to the same subscribers share; remembered for the latest ones only."""
        if len(self._audiences) >= _AUDIENCES_MAX:
            self._audiences.clear()
        market, assets, is_custom = key
        fields = {"market": market, "assets": assets, "is_custom": is_custom}
        self._audiences[key] = text = msgspec.json.encode(fields)[1:-1]
        return text

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read_header(path: Path) -> WireHeader:
    """The seed of the run, and proof that this is a wire file. Raises InputError."""
    try:
        with path.open("rb") as file:
            header = msgspec.json.decode(file.readline(1 << 12), type=WireHeader)
    except OSError as error:
        raise InputError(path, f"{error.strerror}; give the file of a --wire run") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InputError(path, "no wire file; give the file of a --wire run") from None
    if (header.format, header.version) != (FORMAT, VERSION):
        problem = f"{header.format} {header.version}, expected {FORMAT} {VERSION}; write it anew"
        raise InputError(path, problem)
    return header


def read_wire(path: Path) -> Iterator[WireFrame]:
    """All frames in order, streamed. Raises InputError at the first damage, which names the line:
    frames before it have been yielded by then and are good.
    """
    read_header(path)
    decode = msgspec.json.Decoder(WireFrame).decode
    expected, ts_ns = 1, 0
    with path.open("rb", buffering=_BUFFER_BYTES) as file:
        file.readline()
        for line in file:
            try:
                frame = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise _damaged(path, expected, _reason(line, error)) from None
            if frame.n != expected or frame.ts_ns < ts_ns:
                found = f"frame {frame.n} at {frame.ts_ns} ns after {expected - 1} at {ts_ns} ns"
                raise _damaged(path, expected, found)
            yield frame
            expected, ts_ns = expected + 1, frame.ts_ns


def _reason(line: bytes, error: Exception) -> str:
    return str(error) if line.endswith(b"\n") else "cut short"


def _damaged(path: Path, n: int, reason: str) -> InputError:
    """Frame n stands in line n + 1."""
    place = f"damaged at line {n + 1}: {reason}"
    return InputError(path, f"{place}; keep the {n} lines before it, or write it anew")
