"""What many lanes found in one pass: the numbers of `metrics.Tally`, by lane, event and kind.

Rows are told apart by sorting, a hundred thousand at a time: a pass of a thousand lanes writes
millions.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from hfptm.engine import Output
from hfptm.opportunities import Artefact, Phase, Reason
from replay.grouped import Column, Sums

Rows = npt.NDArray[np.void]

HELD_ROWS = 100_000
"""Decision rows sorted together; memory and speed only."""

FOUND = ("displayed", "arrived", "printed", "unseen", "displayed_e6", "arrived_e6")
SEEN = ("seen", "artefacts")

_OPEN = np.dtype(
    [
        *(("decision", "i8"), ("market", "i8"), ("lane", "i8"), ("edge_e6", "i8")),
        *(("kind", "u1"), ("artefact", "u1"), ("displayed", "u1"), ("phase", "u1")),
        ("confirmed", "u1"),
    ]
)
"""What counts of a decision row, or of all rows so far of an episode that is open."""


class LaneTally:
    """Takes outputs of a pass in order; `finish` counts what is open as it stands.

    event_of: a market's group, by lake ids, or its own id if it has none. A basket's rows name the
    group itself.
    """

    def __init__(self, event_of: Mapping[int, int]) -> None:
        self._markets = np.array(sorted(event_of), np.int64)
        self._events = np.array([event_of[int(market)] for market in self._markets], np.int64)
        self._found = Sums(3, len(FOUND))
        self._seen = Sums(1, len(SEEN))
        self._open = np.zeros(0, _OPEN)
        self._held: list[Rows] = []
        self._held_rows = 0

    def add(self, output: Output) -> None:
        self._add_outcomes(output.outcomes)
        if len(output.decisions):
            self._held.append(_of_episodes(output.decisions))
            self._held_rows += len(self._held[-1])
        if self._held_rows > HELD_ROWS:
            self._count(is_over=False)

    def finish(self) -> None:
        self._count(is_over=True)

    def by_event(self) -> npt.NDArray[np.int64]:
        """(3 + len(FOUND), n): lane, event, kind, and the columns of `FOUND`; sorted."""
        return self._found.total()

    def by_lane(self, lanes: int) -> dict[str, Column]:
        """(lanes,) each, of `SEEN` and `FOUND`."""
        by_event, seen = self.by_event(), self._seen.total()
        return {
            **{name: _spread(seen[0], seen[1 + n], lanes) for n, name in enumerate(SEEN)},
            **{name: _spread(by_event[0], by_event[3 + n], lanes) for n, name in enumerate(FOUND)},
        }

    def _add_outcomes(self, rows: Rows) -> None:
        if len(rows):
            arrived = rows["arrived"].astype(np.int64)
            flags = (arrived, rows["printed"], rows["unseen"])
            dollars_e6 = (0, arrived * rows["edge_e6"])
            keys = (rows["lane"], self._event(rows["market"]), rows["kind"])
            self._found.add(*keys, 0, *flags, *dollars_e6)

    def _count(self, *, is_over: bool) -> None:
        """Count what ended in the rows held, or all; the rest stays open, a row an episode."""
        episodes = _episodes(np.concatenate([self._open, *self._held]))
        self._held, self._held_rows = [], 0
        is_counted = (episodes["phase"] == Phase.END) | is_over
        self._open = episodes[~is_counted]
        done = episodes[is_counted & (episodes["confirmed"] == 0)]
        is_artefact = done["artefact"] != Artefact.NONE
        self._seen.add(done["lane"], ~is_artefact, is_artefact)
        shown = done[~is_artefact & (done["displayed"] == 1)]
        if len(shown):
            keys = (shown["lane"], self._event(shown["market"]), shown["kind"])
            self._found.add(*keys, 1, 0, 0, 0, shown["edge_e6"], 0)

    def _event(self, markets: Column) -> Column:
        if not len(self._markets):
            return markets
        places = np.minimum(np.searchsorted(self._markets, markets), len(self._markets) - 1)
        is_market = self._markets[places] == markets
        return np.where(is_market, self._events[places], markets)


def _of_episodes(rows: Rows) -> Rows:
    rows = rows[rows["phase"] != Phase.ORDER]
    found = np.zeros(len(rows), _OPEN)
    for name in ("decision", "market", "lane", "edge_e6", "kind", "artefact", "phase"):
        found[name] = rows[name]
    is_end = rows["phase"] == Phase.END
    found["displayed"] = (rows["size_e6"] != 0) & ~is_end
    found["confirmed"] = is_end & (rows["reason"] == Reason.CONFIRMED)
    return found


def _episodes(rows: Rows) -> Rows:
    """Rows of `_OPEN` in order of time to one an episode, as `episodes.Episode.apply` does."""
    if len(rows) == 0:
        return rows
    rows = rows[np.argsort(rows["decision"], kind="stable")]
    starts = np.flatnonzero(np.diff(rows["decision"], prepend=rows["decision"][0] - 1))
    places = np.arange(len(rows))
    is_end = rows["phase"] == Phase.END
    stood = np.maximum.reduceat(np.where(is_end, -1, places), starts)
    shown = np.minimum.reduceat(np.where(rows["displayed"] == 1, places, len(rows)), starts)
    found: Rows = rows[np.append(starts[1:], len(rows)) - 1]  # an END is an episode's last row
    found["artefact"] = rows["artefact"][stood]
    found["displayed"] = shown < len(rows)
    found["edge_e6"] = rows["edge_e6"][np.minimum(shown, len(rows) - 1)]
    return found


def _spread(lanes: Column, values: Column, count: int) -> Column:
    total = np.zeros(count, np.int64)
    np.add.at(total, lanes, values)
    return total
