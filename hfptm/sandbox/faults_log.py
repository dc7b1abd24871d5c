"""The truth about faults: what each one did, as JSON lines or in a list of a test's own."""

from collections.abc import Callable
from pathlib import Path

import msgspec

OPENED = "opened"


class Deed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing a fault did, or a connection that it may be done to.

    Fields that say nothing about it are left out of its line.
    """

    ts_ns: int
    """By the server's clock, without skew."""
    kind: str
    """That of the fault; `OPENED` says that a connection was opened, by no fault."""
    fault: int = 0
    """Number of the fault, from 1: its place in the file, then in the order of `Faults.start`."""
    connection: int = 0
    """Number of the WebSocket connection, from 1."""
    peer: str = ""
    """Of a connection that was opened: the client's address, by which it knows its own number."""
    frame: int = 0
    """Number of the frame on its connection, from 1, counted before any fault; PONG is none."""
    n: int = 0
    """Number of the frame in the wire file; 0 for what only this connection was sent."""
    market: str = ""
    """Condition id."""
    delay_ms: int = 0
    detail: str = ""
    """The form of a malformed frame, the tokens lost, the code of a close, ..."""
    request: int = 0
    """Number of the request, order or trade among those the fault could have hit, from 1."""
    method: str = ""
    path: str = ""
    status: int = 0
    """HTTP status that was sent, or that of the answer which was not."""
    order_ids: list[str] = []
    """Placed although no answer said so."""
    trade_id: str = ""


Teller = Callable[[Deed], None]


class FaultLog:
    """Writes deeds to a file, each on a line, whole at once. `close` it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)

    def write(self, deed: Deed) -> None:
        self._file.write(msgspec.json.encode(deed) + b"\n")

    def close(self) -> None:
        self._file.close()


def read_deeds(path: Path) -> list[Deed]:
    """All deeds of a file, in order."""
    return msgspec.json.Decoder(Deed).decode_lines(path.read_bytes())
