"""What all connections saw of all their markets, in arrays: one place for each pair of the two."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from recorder.observations import LinkSight, Sight

Stamps = npt.NDArray[np.int64]
Place = tuple[LinkSight, Sight]

_LAST, _BOOK, _SINCE = attrgetter("last_ns"), attrgetter("book_ns"), attrgetter("since_ns")


class Overview:
    """`follow` the connections, then ask. `slot_of` numbers the markets."""

    def __init__(self, slot_of: Callable[[int], int]) -> None:
        self.links: list[LinkSight] = []
        self.slots = np.zeros(0, np.int64)
        """Of each place, that of its market."""
        self._slot_of = slot_of
        self._seen: dict[int, tuple[LinkSight, list[Sight], Stamps]] = {}
        """By connection, as it was at the last look: its markets and their slots."""
        self._sights: list[Sight] = []
        self._owners: list[LinkSight] = []
        self._last_ns = self._book_ns = self._since_ns = self.slots

    def follow(self, links: Sequence[LinkSight]) -> bool:
        """Take in what was received; whether connections or their markets have changed."""
        seen = {link.connection: self._look_at(link) for link in links}
        is_changed = list(map(id, seen.values())) != list(map(id, self._seen.values()))
        if is_changed:
            self._seen, self.links = seen, list(links)
            self._sights = [sight for _, sights, _ in seen.values() for sight in sights]
            self._owners = list(
                chain.from_iterable(repeat(link, len(sights)) for link, sights, _ in seen.values())
            )
            empty = np.zeros(0, np.int64)
            self.slots = np.concatenate([empty, *(slots for _, _, slots in seen.values())])
        self._since_ns = self._read(_SINCE)
        self._book_ns = self._read(_BOOK)
        self._last_ns = np.where(self._book_ns > 0, self._read(_LAST), 0)
        return is_changed

    def last_ns(self, slots: int) -> Stamps:
        """By slot: the last frame of the market on any connection that had its book."""
        return self._latest(self._last_ns, slots)

    def news_ns(self, slots: int, settled_ns: int) -> Stamps:
        """By slot, as `last_ns`, but for what may still be the answer to a subscription."""
        is_news = self._last_ns > self._book_ns + settled_ns
        return self._latest(np.where(is_news, self._last_ns, 0), slots)

    def owed(self, before_ns: int) -> Iterator[Place]:
        """Where a book is owed to a subscription made before that time."""
        return self._places((self._book_ns == 0) & (self._since_ns <= before_ns))

    def behind(self, news_ns: Stamps, lag_ns: int) -> Iterator[Place]:
        """Where the last frame is this much older than the news of its market, given by slot."""
        return self._places((self._last_ns > 0) & (news_ns[self.slots] - self._last_ns > lag_ns))

    def of_market(self, market: int) -> Iterator[Place]:
        for link in self.links:
            sight = link.markets.get(market)
            if sight is not None:
                yield link, sight

    def _look_at(self, link: LinkSight) -> tuple[LinkSight, list[Sight], Stamps]:
        sights = list(link.markets.values())
        before = self._seen.get(link.connection)
        if before and before[0] is link and before[1] == sights:
            return before
        slots = [self._slot_of(market) for market in link.markets]
        return link, sights, np.array(slots, np.int64)

    def _read(self, field: Callable[[Sight], int]) -> Stamps:
        return np.fromiter(map(field, self._sights), np.int64, len(self._sights))

    def _latest(self, stamps_ns: Stamps, slots: int) -> Stamps:
        latest_ns = np.zeros(slots, np.int64)
        np.maximum.at(latest_ns, self.slots, stamps_ns)
        return latest_ns

    def _places(self, chosen: npt.NDArray[np.bool_]) -> Iterator[Place]:
        for index in np.flatnonzero(chosen):
            yield self._owners[index], self._sights[index]
