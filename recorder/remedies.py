"""What is done for markets that a connection does not deliver, in rungs, until a book comes.

Subscribing again comes first, then another connection, then another one after ever longer waits: a
market that nobody can get must not cost its neighbours their connection every few seconds.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from hfptm.records import GapReason
from recorder.observations import LinkSight, Order, Reconnect, Resubscribe, Verdict

RUNGS_MAX = 9
"""Waits double so often: from 10 s to an hour and a half."""


_GONE_PATIENCES = 6
"""How many times `heal_ns` opening another connection may take."""


class Wrong(msgspec.Struct):
    """What was found about one connection."""

    link: LinkSight
    markets: dict[int, None] = {}
    """Those it does not deliver, in order."""
    reason: GapReason | None = None
    """Why all of it has to be replaced; None if it has not."""


class _Open(msgspec.Struct):
    since_ns: int
    rung: int = 0
    """How often the connection was replaced for it."""
    gone_ns: int = 0
    """Since when no connection of the line has it; 0 while one has."""


class Remedies:
    """By line and market. `heal_ns` is how long a book may take that is owed."""

    def __init__(self, heal_ns: int) -> None:
        self.counts: Counter[str] = Counter()
        """Since the start: missed, resubscribed, reconnected, healed."""
        self._heal_ns = heal_ns
        self._open: dict[tuple[int, int], _Open] = {}
        self._replaced_ns: dict[int, int] = {}
        """Connections that are on their way out, and since when."""

    def __len__(self) -> int:
        """Markets of a line that wait for their book."""
        return len(self._open)

    def note_healed(self, links: Sequence[LinkSight], now_ns: int) -> None:
        """A new book heals, wherever on its line it came.

        A market that is on no connection may be between two of them, or recorded no more.
        """
        for (line, market), remedy in list(self._open.items()):
            found = [link.markets.get(market) for link in links if link.line == line]
            sights = [sight for sight in found if sight is not None]
            remedy.gone_ns = 0 if sights else remedy.gone_ns or now_ns
            if any(sight.book_ns > remedy.since_ns for sight in sights):
                del self._open[line, market]
                self.counts["healed"] += 1
            elif remedy.gone_ns and now_ns - remedy.gone_ns > _GONE_PATIENCES * self._heal_ns:
                del self._open[line, market]

    def forget_gone(self, links: Iterable[LinkSight]) -> None:
        """Connections that are closed."""
        connections = {link.connection for link in links}
        self._replaced_ns = {c: ns for c, ns in self._replaced_ns.items() if c in connections}

    def orders(self, wrong: Iterable[Wrong], now_ns: int) -> list[Order]:
        orders: list[Order] = []
        for each in wrong:
            if not self._is_leaving(each.link.connection, now_ns):
                orders += self._for_link(each, now_ns)
        return orders

    def _is_leaving(self, connection: int, now_ns: int) -> bool:
        """Ordered out a while ago at most: opening another one may take some tries."""
        since_ns = self._replaced_ns.get(connection)
        return since_ns is not None and now_ns - since_ns < _GONE_PATIENCES * self._heal_ns

    def _for_link(self, wrong: Wrong, now_ns: int) -> list[Order]:
        link = wrong.link
        due = [m for m in wrong.markets if wrong.reason or self._is_due((link.line, m), now_ns)]
        stubborn = [market for market in due if (link.line, market) in self._open]
        orders: list[Order] = [Verdict(link.connection, tuple(due))] if due else []
        self.counts["missed"] += len(due)
        reason = wrong.reason or (GapReason.SILENCE if stubborn else None)
        for market in due:
            before = self._open.get((link.line, market))
            rung = before.rung + 1 if before else 0
            self._open[link.line, market] = _Open(now_ns, rung)
        if reason:
            self._replaced_ns[link.connection] = now_ns
            self.counts["reconnected"] += 1
            return [*orders, Reconnect(link.connection, reason)]
        self.counts["resubscribed"] += len(due)
        return [*orders, *(Resubscribe(link.connection, market) for market in due)]

    def _is_due(self, key: tuple[int, int], now_ns: int) -> bool:
        remedy = self._open.get(key)
        if remedy is None:
            return True
        return now_ns - remedy.since_ns >= self._heal_ns << min(remedy.rung, RUNGS_MAX)
