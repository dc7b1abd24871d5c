"""Opportunities counted once each, under what became of them at last; coverage and money."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.engine import Output, Rows
from hfptm.opportunities import DECISION, OUTCOME, Artefact, OpportunityKind, Phase, Reason
from hfptm.records import EVENT, INTENT
from replay.metrics import Tally, account, coverage
from tests.engines import Recorder, crossed_market, tape_of
from tests.tapes import START_NS, make_market

BEGIN, CHANGE, END, _ = Phase
NONE, HALF, BAD, UNCONFIRMED = Artefact
EDGE_E6 = 2_500_000


def decision(number: int, phase: Phase, reason: Reason, **fields: int) -> dict[str, int]:
    return {"decision": number, "phase": phase, "reason": reason, "kind": 0} | fields


def shown(number: int, phase: Phase, reason: Reason, **fields: int) -> dict[str, int]:
    """A decision on an edge above the minimum."""
    return decision(number, phase, reason, **({"size_e6": 9_000_000, "edge_e6": EDGE_E6} | fields))


def table(dtype: np.dtype[np.void], rows: list[dict[str, int]]) -> Rows:
    made = np.zeros(len(rows), dtype)
    for row, fields in zip(made, rows, strict=True):
        for name, value in fields.items():
            row[name] = value
    return made


def output(decisions: list[dict[str, int]], outcomes: list[dict[str, int]] | None = None) -> Output:
    return Output(
        intents=np.zeros(0, INTENT),
        decisions=table(DECISION, decisions),
        outcomes=table(OUTCOME, outcomes or []),
        reports=np.zeros(0, EVENT),
    )


def counted(*decisions: dict[str, int], kind: str = "binary") -> Any:
    tally = Tally()
    tally.add(output(list(decisions)))
    return tally.opportunities()[kind]


def test_an_artefact_counts_under_its_last_class() -> None:
    found = counted(
        decision(1, BEGIN, Reason.ARTEFACT, artefact=HALF),
        decision(1, CHANGE, Reason.ARTEFACT, artefact=BAD),
        decision(1, END, Reason.ENDED, artefact=BAD),
        decision(2, BEGIN, Reason.ARTEFACT, artefact=UNCONFIRMED),
    )
    assert found["artefacts"] == {"bad_book": 1, "unconfirmed_cross": 1}
    assert found["artefact"] == 2
    assert found["seen"] == found["displayed"] == found["confirmed"] == 0
    assert found["answers"] == {}


def test_an_edge_that_was_borne_out_is_no_artefact() -> None:
    found = counted(
        decision(1, BEGIN, Reason.ARTEFACT, artefact=HALF),
        decision(1, END, Reason.CONFIRMED, artefact=HALF),
        shown(2, BEGIN, Reason.TAKEN, plan=1),
    )
    assert (found["artefact"], found["confirmed"], found["seen"]) == (0, 1, 1)
    assert found["answers"] == {"taken": 1}


def test_what_was_displayed_counts_under_its_last_answer_while_it_was() -> None:
    found = counted(
        decision(1, BEGIN, Reason.EDGE_BELOW_MINIMUM),
        shown(1, CHANGE, Reason.NO_CASH),
        shown(1, CHANGE, Reason.EVENT_EXPOSURE, edge_e6=9 * EDGE_E6),
        decision(1, CHANGE, Reason.EDGE_BELOW_MINIMUM),
        decision(1, END, Reason.ENDED),
    )
    assert found["answers"] == {"event_exposure": 1}
    assert (found["seen"], found["displayed"]) == (1, 1)
    assert found["displayed_usd"] == 2.5  # as it was first displayed


def test_what_was_never_displayed_counts_under_its_last_answer() -> None:
    found = counted(
        decision(1, BEGIN, Reason.EDGE_BELOW_MINIMUM),
        decision(1, CHANGE, Reason.TOO_MANY_LEGS),
        decision(1, END, Reason.UNSEEN),
    )
    assert found["answers"] == {"too_many_legs": 1}
    assert found["displayed"] == 0


def test_what_has_not_ended_counts_as_it_stands() -> None:
    tally = Tally()
    tally.add(output([shown(1, BEGIN, Reason.NO_CASH, kind=OpportunityKind.NO_BASKET)]))
    for _ in range(2):
        found: Any = tally.opportunities()["no_basket"]
        assert found["answers"] == {"no_cash": 1}
    later = shown(1, CHANGE, Reason.TAKEN, kind=OpportunityKind.NO_BASKET, plan=1)
    end = decision(1, END, Reason.ENDED, kind=OpportunityKind.NO_BASKET)
    tally.add(output([later, end]))
    found = tally.opportunities()["no_basket"]
    assert found["answers"] == {"taken": 1}
    assert (found["seen"], found["displayed"]) == (1, 1)


def test_outcomes_count_apart() -> None:
    tally = Tally()
    kind = OpportunityKind.YES_BASKET
    tally.add(
        output(
            [],
            [
                {"decision": 1, "kind": kind, "arrived": 1, "printed": 1, "edge_e6": EDGE_E6},
                {"decision": 2, "kind": kind, "printed": 1, "edge_e6": EDGE_E6},
                {"decision": 3, "kind": kind, "unseen": 1},
            ],
        )
    )
    found: Any = tally.opportunities()["yes_basket"]
    assert (found["arrived"], found["printed"], found["unseen"]) == (1, 2, 1)
    assert found["arrived_usd"] == 2.5


steps = st.sampled_from(
    [
        {"reason": Reason.EDGE_BELOW_MINIMUM},
        {"reason": Reason.NO_CASH, "size_e6": 1_000_000, "edge_e6": 10},
        {"reason": Reason.TAKEN, "size_e6": 1_000_000, "edge_e6": 10, "plan": 1},
        {"reason": Reason.ARTEFACT, "artefact": HALF},
        {"reason": Reason.ARTEFACT, "artefact": BAD},
    ]
)


@given(
    histories=st.lists(st.tuples(st.integers(0, 2), st.lists(steps, min_size=1), st.booleans())),
    cut=st.integers(0, 40),
)
def test_every_episode_counts_once_however_the_rows_are_cut(
    histories: list[tuple[int, list[dict[str, int]], bool]], cut: int
) -> None:
    rows = []
    for number, (kind, answers, is_over) in enumerate(histories):
        phases = [BEGIN] + [CHANGE] * (len(answers) - 1)
        fields = {"decision": number, "kind": kind}
        rows += [fields | {"phase": p} | a for p, a in zip(phases, answers, strict=True)]
        if is_over:
            rows.append(fields | {"phase": END, "artefact": rows[-1].get("artefact", 0)})
    whole, parts = Tally(), Tally()
    whole.add(output(rows))
    parts.add(output(rows[:cut]))
    parts.add(output(rows[cut:]))
    found: Any = whole.opportunities()
    assert parts.opportunities() == found
    assert sum(k["seen"] + k["artefact"] + k["confirmed"] for k in found.values()) == len(histories)
    assert all(sum(k["answers"].values()) == k["seen"] >= k["displayed"] for k in found.values())


@pytest.fixture(scope="module")
def traded() -> Recorder:
    """A binary of 100 sets at 0.40 + 0.50 in a market with the 7 % fee schedule."""
    settled_in_time = "sim.settlement_ms=500"  # the market resolves after 1.4 s
    engine = Recorder([make_market("a")], [], settled_in_time)
    return engine.run(tape_of(crossed_market("a", START_NS)))


def test_coverage_counts_seconds_and_checks(traded: Recorder) -> None:
    found = coverage(traded)
    assert (found["markets"], found["unlisted_markets"], found["snapshots"]) == (1, 0, 1)
    assert found["level_changes"] == 4
    assert found["batches_checked"] == found["best_values_checked"] == 4
    assert found["mismatches"] == found["gaps"] == found["off_grid"] == found["trades"] == 0
    assert found["span_s"] == found["market_s_listed"] == found["market_s_covered"] == 1.4
    assert found["covered"] == 1.0


def test_the_account_of_one_completed_plan(traded: Recorder) -> None:
    """100 sets at 0.5 + 0.4 pay 100, less fees of 100 x 0.07 x (0.5 x 0.5 + 0.4 x 0.6)."""
    found = account(traded)
    assert (found["plans"], found["completed"], found["fills"]) == (1, 1, 2)
    assert found["partial"] == found["missed"] == found["rejects"] == found["unwinds"] == 0
    assert (found["fees_usd"], found["pnl_usd"], found["cash_usd"]) == (3.43, 6.57, 1_006.57)
    assert found["locked_usd"] == found["locked_profit_usd"] == found["unwind_usd"] == 0
    assert found["residue_cost_usd"] == found["residue_bid_usd"] == 0


def test_shares_without_partners_are_carried_at_cost_and_at_the_bid() -> None:
    """One leg is gone, and nobody bids for the other; seconds later somebody does, at 0.3."""
    snapshot, bid, ask, cross, removal, _ = crossed_market("a", START_NS)
    gone_ns, later_ns = START_NS + 20_000_000, START_NS + 9_000_000_000
    no_gone = [(removal, 4_000 << 32 | 5_000), (bid._replace(size_e6=0), 5_000)]
    yes_gone = [(ask._replace(size_e6=0), 6_000 << 32 | 10_000)]
    yes_bid = (bid._replace(price_e4=3_000), 3_000 << 32 | 5_000)
    no_bid = (ask._replace(price_e4=7_000), 6_000 << 32 | 7_000)
    for rows, offer, cost_usd in ((no_gone, yes_bid, 51.75), (yes_gone, no_bid, 41.68)):
        after = [row._replace(ts_recv_ns=gone_ns, ts_venue_ns=gone_ns, aux=b) for row, b in rows]
        engine = Recorder([make_market("a")], [])
        engine.feed(tape_of([snapshot, bid, ask, cross, *after]))
        engine.finish()
        carried = account(engine)
        assert (carried["partial"], carried["unwinds"], carried["pnl_usd"]) == (1, 0, 0)
        assert carried["residue_cost_usd"] == cost_usd
        assert carried["cash_usd"] == 1_000 - cost_usd
        assert carried["residue_bid_usd"] == 0
        row, best = offer
        offered = row._replace(ts_recv_ns=later_ns, ts_venue_ns=later_ns, aux=best)
        engine.run(tape_of([offered]))
        assert account(engine)["residue_bid_usd"] == 30


def test_the_same_as_integers_of_a_copy_that_stays_as_it_was() -> None:
    tally = Tally()
    tally.add(output([shown(1, BEGIN, Reason.TAKEN), shown(2, BEGIN, Reason.NO_CASH, kind=1)]))
    copy = tally.copy()
    tally.add(output([decision(1, END, Reason.ENDED), shown(3, BEGIN, Reason.NO_CASH)]))
    found = copy.found()
    assert (found.counts.seen, found.counts.displayed) == (2, 2)
    assert (found.kinds["binary"].seen, found.kinds["no_basket"].seen) == (1, 1)
    assert found.counts.displayed_e6 == 2 * EDGE_E6
    assert found.answers == {"no_cash": 1, "taken": 1}
    assert tally.found().answers == {"no_cash": 2, "taken": 1}
