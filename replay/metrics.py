"""What a run found: opportunities counted three ways, plans, money, and what the data was worth."""

from collections import Counter

import numpy as np
import numpy.typing as npt

from hfptm.engine import Engine, Output
from hfptm.records import Artefact, OpportunityKind, Phase, Reason, Token
from hfptm.units import ONE_E6, PRICE_ONE_E4

Rows = npt.NDArray[np.void]
Json = dict[str, "str | int | float | Json"]


def usd(cash_e6: int) -> float:
    return int(cash_e6) / ONE_E6


class Tally:
    """Counts journal rows as they come.

    *seen*: a basket cost less than it pays, before fees. *displayed*: it did so after fees, by the minimum edge.
    *arrived*: still did when its orders would have reached the exchange. *printed*: a trade corroborates a leg.
    *unseen*: the book at arrival was not recorded. Dollars are profit after fees at the displayed (arrived) depth.
    """

    def __init__(self) -> None:
        self._counts: dict[OpportunityKind, Counter[str]] = {kind: Counter() for kind in OpportunityKind}
        self._dollars_e6: dict[OpportunityKind, Counter[str]] = {
            kind: Counter() for kind in OpportunityKind
        }
        self._artefacts: dict[OpportunityKind, Counter[str]] = {
            kind: Counter() for kind in OpportunityKind
        }
        self._refusals: Counter[str] = Counter()
        self._displayed: set[int] = set()
        """Open episodes that were displayed already."""

    def add(self, output: Output) -> None:
        for row in output.decisions:
            self._add_decision(row)
        for row in output.outcomes:
            self._add_outcome(row)

    def _add_decision(self, row: np.void) -> None:
        kind, decision = OpportunityKind(row["kind"]), int(row["decision"])
        if row["phase"] == Phase.END:
            self._displayed.discard(decision)
            return
        if row["phase"] == Phase.BEGIN:
            if row["artefact"] != Artefact.NONE:
                self._artefacts[kind][Artefact(row["artefact"]).name.lower()] += 1
                return
            self._counts[kind]["seen"] += 1
        self._refusals[Reason(row["reason"]).name.lower()] += 1
        if row["size_e6"] > 0 and decision not in self._displayed:
            self._displayed.add(decision)
            self._counts[kind]["displayed"] += 1
            self._dollars_e6[kind]["displayed"] += int(row["edge_e6"])

    def _add_outcome(self, row: np.void) -> None:
        kind = OpportunityKind(row["kind"])
        for name in ("arrived", "printed", "unseen"):
            self._counts[kind][name] += int(row[name])
        if row["arrived"]:
            self._dollars_e6[kind]["arrived"] += int(row["edge_e6"])

    def opportunities(self) -> Json:
        """By kind, in lower case."""
        return {kind.name.lower(): self._of_kind(kind) for kind in OpportunityKind}

    def _of_kind(self, kind: OpportunityKind) -> Json:
        counts, dollars_e6 = self._counts[kind], self._dollars_e6[kind]
        return {
            "seen": counts["seen"],
            "displayed": counts["displayed"],
            "arrived": counts["arrived"],
            "printed": counts["printed"],
            "unseen": counts["unseen"],
            "artefact": self._artefacts[kind].total(),
            "artefacts": dict(sorted(self._artefacts[kind].items())),
            "displayed_usd": usd(dollars_e6["displayed"]),
            "arrived_usd": usd(dollars_e6["arrived"]),
        }

    def answers(self) -> Json:
        """How often each reason was given, for all that was seen."""
        return dict(sorted(self._refusals.items()))


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
    counts = ("plans", "completed", "partial", "missed", "fills", "rejects", "unwinds")
    return {
        **{name: int(books[name]) for name in counts},
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
    positions, markets = engine.state.positions[lane], engine.state.markets
    alone_e6 = positions["size_e6"] - positions["locked_size_e6"]
    cost_e6 = positions["cost_e6"] - positions["locked_cost_e6"]
    bids_e4 = np.empty(alone_e6.shape, np.int64)
    bids_e4[:, Token.YES] = markets["best_bid_e4"]
    bids_e4[:, Token.NO] = PRICE_ONE_E4 - markets["best_ask_e4"].astype(np.int64)
    value_e6 = alone_e6 * bids_e4 // PRICE_ONE_E4
    return {"residue_cost_usd": usd(cost_e6.sum()), "residue_bid_usd": usd(value_e6.sum())}
