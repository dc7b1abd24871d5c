"""How long each market is usually silent, and which silences are longer than that.

Looked at once a second, so a rhythm is that of the silences between two looks: what matters is how
long the long ones are. One silence makes a rhythm, and a longer one at once a slower one; shorter
ones speed it up bit by bit. A silence that was found to be none of the market's own is forgotten.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from hfptm.clock import NS_MAX

MEMORY = 32
"""After as many shorter silences a long one counts a third."""

_FIRST_SLOTS = 64
_ANSWER_PATIENCES = 6

Stamps = npt.NDArray[np.int64]


class Rhythms:
    """By slot; a market has one from `enter` to `leave`. All times on one monotonic clock, ns."""

    def __init__(self, patience_ns: int) -> None:
        self._patience_ns = patience_ns
        self._slots: dict[int, int] = {}
        self._free: list[int] = []
        self._markets = np.zeros(0, np.int64)
        self.seen_ns = np.zeros(0, np.int64)
        """The last frame on any connection; 0 before the first."""
        self._usual_ns = np.zeros(0, np.int64)
        """0 while unknown."""
        self._due_ns = np.zeros(0, np.int64)
        """When a silence that goes on is to be looked into."""
        self._wait_ns = np.zeros(0, np.int64)
        """The last time it was postponed by, in the present silence."""
        self._learns = np.zeros(0, np.bool_)
        """Whether the present silence says something of the rhythm."""

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def size(self) -> int:
        """Slots, used or free."""
        return len(self.seen_ns)

    def enter(self, market: int) -> int:
        """Its slot, a new one if it had none."""
        slot = self._slots.get(market)
        if slot is None:
            if not self._free:
                self._grow()
            slot = self._slots[market] = self._free.pop()
            self._markets[slot] = market
            self.seen_ns[slot] = self._usual_ns[slot] = self._wait_ns[slot] = 0
            self.forget_silence(market)
        return slot

    def leave(self, markets: Iterable[int]) -> None:
        for market in markets:
            slot = self._slots.pop(market)
            self._due_ns[slot] = NS_MAX
            self._free.append(slot)

    def hear(self, last_ns: Stamps) -> None:
        """The last frame of each slot, on whatever connection had it."""
        moved = np.flatnonzero(last_ns > self.seen_ns)
        before_ns, now_ns = self.seen_ns[moved], last_ns[moved]
        usual_ns = self._usual_ns[moved]
        silence_ns = np.where(self._learns[moved], now_ns - before_ns, 0)
        self._learns[moved] = True
        usual_ns = np.maximum(silence_ns, usual_ns - usual_ns // MEMORY)
        self._usual_ns[moved] = usual_ns
        self.seen_ns[moved], self._wait_ns[moved] = now_ns, 0
        self._due_ns[moved] = now_ns + self._longest_ns(usual_ns)

    def due(self, now_ns: int, most: int) -> list[int]:
        """Markets silent for longer than is usual; of too many those that speak most often."""
        late = np.flatnonzero(self._due_ns <= now_ns)
        usual_ns = self._usual_ns[late]
        order = np.argsort(np.where(usual_ns > 0, usual_ns, NS_MAX), kind="stable")
        return [int(market) for market in self._markets[late[order[:most]]]]

    def ask(self, market: int, now_ns: int) -> None:
        """It is being looked into; it is due again if that leads to nothing."""
        self._due_ns[self._slots[market]] = now_ns + _ANSWER_PATIENCES * self._patience_ns

    def ask_again(self, market: int, now_ns: int) -> None:
        """Nothing was learnt."""
        self._due_ns[self._slots[market]] = now_ns + self._patience_ns

    def postpone(self, market: int, now_ns: int) -> None:
        """It has a right to be silent: look again when it has been so for twice as long."""
        slot = self._slots[market]
        age_ns = now_ns - int(self.seen_ns[slot]) if self._learns[slot] else 0
        wait_ns = max(age_ns, 2 * int(self._wait_ns[slot]), self._patience_ns)
        self._wait_ns[slot] = wait_ns
        self._due_ns[slot] = now_ns + wait_ns

    def look_at(self, market: int, now_ns: int) -> None:
        """Its silence is due, unless it is known when it will be."""
        slot = self._slots[market]
        if self._due_ns[slot] == NS_MAX:
            self._due_ns[slot] = now_ns

    def forget_silence(self, market: int) -> None:
        """The present one says nothing of its rhythm, and is not due."""
        slot = self._slots[market]
        self._learns[slot], self._due_ns[slot] = False, NS_MAX

    def markets(self) -> set[int]:
        return set(self._slots)

    def _longest_ns(self, usual_ns: Stamps) -> Stamps:
        """Nothing is known of a market that has spoken once: most of them are quiet."""
        known = np.where(usual_ns > 0, usual_ns, 6 * self._patience_ns)
        return np.asarray(known + self._patience_ns, np.int64)

    def _grow(self) -> None:
        size = max(_FIRST_SLOTS, 2 * len(self._markets))
        self._free = list(range(size - 1, len(self._markets) - 1, -1))
        for name in ("_due_ns", "_learns", "_markets", "_usual_ns", "_wait_ns", "seen_ns"):
            old = getattr(self, name)
            grown = np.full(size, NS_MAX if name == "_due_ns" else 0, old.dtype)
            grown[: len(old)] = old
            setattr(self, name, grown)
