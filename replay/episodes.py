"""One opportunity from its first decision row to its last."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from hfptm.opportunities import Artefact, OpportunityKind, Phase, Reason

Rows = npt.NDArray[np.void]


class Episode:
    """What the DECISION rows of one id say so far; times are receive times.

    `reason`: TAKEN if orders were sent, else the last answer while it was displayed, else the last
    one. `artefact`: its last class. `displayed_e6`: its profit after fees when it was first
    displayed. `end_ns`: 0 while it is open.
    """

    __slots__ = (
        "artefact",
        "begin_ns",
        "displayed_e6",
        "end_ns",
        "is_confirmed",
        "is_displayed",
        "kind",
        "market",
        "plan",
        "reason",
    )

    def __init__(self, row: np.void) -> None:
        self.kind = OpportunityKind(row["kind"])
        self.market = int(row["market"])
        self.begin_ns = int(row["ts_ns"])
        self.end_ns = 0
        self.plan = 0
        self.displayed_e6 = 0
        self.is_displayed = False
        self.is_confirmed = False
        self.artefact = Artefact(row["artefact"])
        self.reason = Reason(row["reason"])

    def apply(self, row: np.void) -> None:
        """Any row of the episode, its first one included."""
        if row["phase"] == Phase.END:
            self.end_ns = int(row["ts_ns"])
            self.is_confirmed = bool(row["reason"] == Reason.CONFIRMED)
            return
        self.artefact = Artefact(row["artefact"])
        if row["plan"]:
            self.plan = int(row["plan"])
        if row["size_e6"] or not self.is_displayed:
            self.reason = Reason(row["reason"])
        if row["size_e6"] and not self.is_displayed:
            self.is_displayed = True
            self.displayed_e6 = int(row["edge_e6"])


class Episodes:
    """Takes DECISION rows in order and holds the open episodes, by decision id. Orders that were
    held back belong to none."""

    def __init__(self) -> None:
        self.open: dict[int, Episode] = {}

    def add(self, rows: Rows) -> Iterator[Episode]:
        """Yields every episode that ends in `rows`."""
        for row in rows[rows["phase"] != Phase.ORDER]:
            decision = int(row["decision"])
            if row["phase"] == Phase.BEGIN:
                self.open[decision] = Episode(row)
            self.open[decision].apply(row)
            if row["phase"] == Phase.END:
                yield self.open.pop(decision)


def by_decision(rows: Rows) -> dict[int, Episode]:
    """Every episode of a whole run, by decision id."""
    found: dict[int, Episode] = {}
    for row in rows[rows["phase"] != Phase.ORDER]:
        found.setdefault(int(row["decision"]), Episode(row)).apply(row)
    return found
