"""Output that may be kept waiting, and never keeps waiting whoever has something to say.

A pipe that nobody reads, a terminal on which Ctrl-S was pressed: writing to it stops the thread
that writes. In a recorder that must not be the one that receives.
"""

import queue
import threading
from collections.abc import Callable
from typing import Self

ROOM = 1_000
"""What may wait; what comes beyond it is dropped and counted."""

STOP_S = 0.5
"""What is still waiting at the end is given this time, if nothing else is said."""

_LOOK_S = 0.1

Work = Callable[[], object]


class Background:
    """A thread for the work of a `with` block, one after the other."""

    def __init__(self, stop_s: float = STOP_S) -> None:
        self.dropped = 0
        self._stop_s = stop_s
        self._waiting: queue.Queue[Work] = queue.Queue(ROOM)
        self._closing = threading.Event()
        # A daemon: what hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)

    def do(self, work: Work) -> bool:
        """At once; False if it is dropped."""
        try:
            self._waiting.put_nowait(work)
        except queue.Full:
            self.dropped += 1
            return False
        return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join(self._stop_s)

    def _run(self) -> None:
        while not (self._closing.is_set() and self._waiting.empty()):
            try:
                work = self._waiting.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            work()
