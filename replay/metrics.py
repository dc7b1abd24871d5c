"""What a run found: opportunities counted three ways, plans, money, and what the data was worth."""

from collections import Counter

import numpy as np
import numpy.typing as npt

from hfptm.engine import Engine, Output
from hfptm.opportunities import Artefact, OpportunityKind, Reason
from hfptm.trading_status import Counts, Found
from hfptm.units import ONE_E6
from replay.episodes import Episode, Episodes
from replay.results import residue_bid_e6

Rows = npt.NDArray[np.void]
Json = dict[str, "str | int | float | Json"]

_ANSWERS = {reason: reason.name.lower() for reason in Reason}
_NAMES = {artefact: artefact.name.lower() for artefact in Artefact}
_COUNTED = ("seen", "displayed", "arrived", "printed", "unseen", "confirmed")


def usd(cash_e6: int) -> float:
    return int(cash_e6) / ONE_E6


class Tally:
    """Counts opportunities as journal rows come, each once, under what became of it at last.

    *artefact*: never stood on a book to be trusted, by its last class. *confirmed*: distrusted at
    first, then borne out; seen from there on. *seen*: a basket cost less than it pays, before
    fees. *displayed*: it did so after fees, by the minimum edge. *arrived*: still did when its
    orders would have reached the exchange. *printed*: a trade corroborates a leg. *unseen*: the
    book at arrival was not recorded. Dollars are profit after fees at the displayed (arrived)
    depth. *answers*: why orders were sent or not, for all that was seen.
    """

    def __init__(self) -> None:
        self._episodes = Episodes()
        self._ended = {kind: _Counts() for kind in OpportunityKind}
        self._outcomes = {kind: _Counts() for kind in OpportunityKind}

    def add(self, output: Output) -> None:
        for episode in self._episodes.add(output.decisions):
            self._ended[episode.kind].add(episode)
        for row in output.outcomes:
            self._outcomes[OpportunityKind(row["kind"])].add_outcome(row)

    def opportunities(self) -> Json:
        """By kind, in lower case; what has not ended counts as it stands."""
        return {kind.name.lower(): counts.as_json() for kind, counts in self._by_kind().items()}

    def copy(self) -> "Tally":
        """As it stands, to be read while this one goes on; what is open is shared with it."""
        made = Tally()
        made._episodes.open = self._episodes.open.copy()
        made._ended = {kind: counts.copy() for kind, counts in self._ended.items()}
        made._outcomes = {kind: counts.copy() for kind, counts in self._outcomes.items()}
        return made

    def found(self) -> Found:
        """The same numbers as integers."""
        total = _Counts()
        by_kind = {}
        for kind, counts in self._by_kind().items():
            by_kind[kind.name.lower()] = counts.as_counts()
            total = total + counts
        return Found(total.as_counts(), by_kind, dict(sorted(total.answers.items())))

    def _by_kind(self) -> dict[OpportunityKind, "_Counts"]:
        by_kind = {kind: self._ended[kind] + self._outcomes[kind] for kind in OpportunityKind}
        for episode in self._episodes.open.values():
            by_kind[episode.kind].add(episode)
        return by_kind


class _Counts:
    """Of one kind of opportunity."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.dollars_e6: Counter[str] = Counter()
        self.artefacts: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def __add__(self, other: "_Counts") -> "_Counts":
        total = _Counts()
        for name, counter in vars(total).items():
            counter.update(getattr(self, name))
            counter.update(getattr(other, name))
        return total

    def copy(self) -> "_Counts":
        made = _Counts()
        for name, counter in vars(self).items():
            setattr(made, name, counter.copy())
        return made

    def add(self, episode: Episode) -> None:
        if episode.is_confirmed:
            self.counts["confirmed"] += 1
            return
        if episode.artefact is not Artefact.NONE:
            self.artefacts[_NAMES[episode.artefact]] += 1
            return
        self.counts["seen"] += 1
        self.answers[_ANSWERS[episode.reason]] += 1
        if episode.is_displayed:
            self.counts["displayed"] += 1
            self.dollars_e6["displayed"] += episode.displayed_e6

    def add_outcome(self, row: np.void) -> None:
        for name in ("arrived", "printed", "unseen"):
            self.counts[name] += int(row[name])
        if row["arrived"]:
            self.dollars_e6["arrived"] += int(row["edge_e6"])

    def as_counts(self) -> Counts:
        return Counts(
            **{name: self.counts[name] for name in _COUNTED},
            artefacts=self.artefacts.total(),
            displayed_e6=self.dollars_e6["displayed"],
            arrived_e6=self.dollars_e6["arrived"],
        )

    def as_json(self) -> Json:
        return {
            **{name: self.counts[name] for name in _COUNTED},
            "artefact": self.artefacts.total(),
            "artefacts": dict(sorted(self.artefacts.items())),
            "answers": dict(sorted(self.answers.items())),
            "displayed_usd": usd(self.dollars_e6["displayed"]),
            "arrived_usd": usd(self.dollars_e6["arrived"]),
        }


def coverage(engine: Engine) -> Json:
    """What the recording was worth; times in seconds of the receive clock."""
    counters, markets = engine.state.counters[0], engine.state.markets
    valid = markets["valid"] == 1
    open_ns = int((engine.last_row_ns - markets["covered_since_ns"][valid]).sum())
    covered_ns = int(counters["covered_ns"]) + open_ns
    listed_ns = engine.slots.listed_ns(engine.last_row_ns)
    return {
        "first_ns": engine.first_ns,
        "last_ns": engine.last_row_ns,
        "span_s": (engine.last_row_ns - engine.first_ns) / 1e9,
        "markets": engine.slots.listed_markets,
        "unlisted_markets": engine.slots.unlisted_markets,
        "market_s_covered": covered_ns / 1e9,
        "market_s_listed": listed_ns / 1e9,
        "covered": covered_ns / listed_ns if listed_ns else 0.0,
        "gaps": int(counters["gaps"]),
        "snapshots": int(counters["snapshots"]),
        "stale_snapshots": int(counters["stale_snapshots"]),
        "level_changes": int(counters["level_changes"]),
        "trades": int(counters["trades"]),
        "batches_checked": int(counters["batches_checked"]),
        "best_values_checked": int(counters["best_values"]),
        "mismatches": int(counters["mismatches"]),
        "pending_at_end": int((markets["pending"] == 1).sum()),
        "mirror_breaks": int(counters["mirror_breaks"]),
        "off_grid": int(counters["off_grid"]),
        "unused_rows": int(counters["unused_rows"]),
    }


def account(engine: Engine, lane: int = 0) -> Json:
    """Plans and money of one lane. `pnl_usd` is realised profit only; what is held is apart."""
    books = engine.state.lanes[lane]
    plans = ("plans", "completed", "partial", "missed", "sweeps")
    orders = ("fills", "ghosts", "rejects", "delayed", "unknown")
    mended = ("completions", "unwinds", "withheld")
    return {
        **{name: int(books[name]) for name in (*plans, *orders, *mended)},
        "fees_usd": usd(books["fees_e6"]),
        "unwind_usd": usd(books["unwind_result_e6"]),
        "pnl_usd": usd(books["realised_e6"]),
        "locked_usd": usd(books["locked_e6"]),
        "locked_profit_usd": usd(books["locked_payout_e6"] - books["locked_e6"]),
        **_residue(engine, lane),
        "cash_usd": usd(books["cash_e6"]),
    }


def _residue(engine: Engine, lane: int) -> Json:
    """What is held outside complete sets: its cost, and its value if sold at the best bids now."""
    positions = engine.state.positions[lane]
    cost_e6 = positions["cost_e6"] - positions["locked_cost_e6"]
    value_e6 = residue_bid_e6(engine, positions)
    return {"residue_cost_usd": usd(cost_e6.sum()), "residue_bid_usd": usd(value_e6.sum())}
