"""One subscriber's way through a wire file, in blocks of whole WebSocket frames.

An asset named before the first block is sent from the file's first frame on: what `hfptm sandbox
serve` writes begins with the books of all its markets. One named later is sent from its next full
book on, since nothing in the file says what its book is in between.
"""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from hfptm.sandbox.outlets import text_frame
from hfptm.sandbox.wire_file import WireFrame, read_wire

_BOOK = b'"event_type":"book"'


class Playback:
    """`take` until it gives None."""

    def __init__(self, path: Path) -> None:
        self.is_custom = False
        """Whether frames of the custom features are wanted."""
        self._file = read_wire(path)
        self._assets: set[str] = set()
        self._awaited: set[str] = set()
        self._is_begun = False

    def add(self, assets: Iterable[str]) -> None:
        new = set(assets) - self._assets
        (self._awaited if self._is_begun else self._assets).update(new)

    def remove(self, assets: Iterable[str]) -> None:
        self._assets.difference_update(assets)
        self._awaited.difference_update(assets)

    def take(self, frames: int) -> list[bytes] | None:
        """What is wanted of so many more frames, ready for the socket; None at the file's end.

        Raises InputError where the file is damaged.
        """
        self._is_begun = True
        block = list(islice(self._file, frames))
        wanted = [text_frame(bytes(frame.frame)) for frame in block if self._is_wanted(frame)]
        return wanted if block else None

    def _is_wanted(self, frame: WireFrame) -> bool:
        if frame.is_custom and not self.is_custom:
            return False
        if self._awaited and _BOOK in bytes(frame.frame):
            begun = self._awaited.intersection(frame.assets)
            self._awaited -= begun
            self._assets |= begun
        return not frame.assets or not self._assets.isdisjoint(frame.assets)
