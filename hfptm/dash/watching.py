"""Books that somebody looks at: the running program is asked to tell of these."""

from pathlib import Path

from hfptm.bulletin import WATCHED_MAX, WATCHED_NS, Watched, write_watched
from hfptm.units import NS_PER_S

_AGAIN_NS = 2 * NS_PER_S


class Watching:
    """Wishes for books; each holds for `WATCHED_NS`, the latest `WATCHED_MAX` count."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._asked_ns: dict[int, int] = {}
        self._told: list[int] = []
        self._told_ns = 0

    def ask(self, market: int, now_ns: int) -> None:
        """Have it told of from soon on. Raises OSError if the disk does not take the wish."""
        self._asked_ns.pop(market, None)
        self._asked_ns[market] = now_ns
        held = [held for held, ns in self._asked_ns.items() if abs(now_ns - ns) < WATCHED_NS]
        held = held[-WATCHED_MAX:]
        self._asked_ns = {market: self._asked_ns[market] for market in held}
        if sorted(held) != self._told or abs(now_ns - self._told_ns) > _AGAIN_NS:
            write_watched(self._data, Watched(told_ns=now_ns, markets=held))
            self._told, self._told_ns = sorted(held), now_ns
