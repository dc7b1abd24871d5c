"""Fills that settle or are taken back: what a plan waits for, and that every dollar comes back."""

import pytest

from hfptm.kernel.jit import records
from hfptm.records import EventKind, IntentKind, Side
from hfptm.sim.state import DRAW, new_sim
from hfptm.units import ONE_E6
from tests.kernels import MS, Venue, book, fee, market, resolved, timer, trade
from tests.tapes import Row

OPENING: list[Row] = [market(0), fee(0, 500), *book(20, 0, {6_000: 100}, {4_500: 100})]
"""Decided at 20, matched at 70, known at 100, settled at 570."""


def settling(*failing: bool) -> Venue:
    """Legs fail as told; sales fail if a third is told to. Every leg has a draw of its own."""
    made = Venue({"fills_settle": 1}, settlement=500)
    draws = records(DRAW, (1, 1))
    draws["entry_ns"], draws["response_ns"] = 50 * MS, 30 * MS
    made.sim = new_sim(8, made.sim.windows, draws)
    made.apply(OPENING)
    for item in made.sim.items:
        if item["order"] and item["kind"] == 1:
            item["fails"] = failing[item["leg"]]
    return made


def reports(made: Venue) -> list[tuple[int, int]]:
    return [(r["kind"], r["ts_recv_ns"] // MS) for r in made.reports]


def test_nothing_is_merged_before_both_legs_are_settled() -> None:
    made = settling(False, False)
    made.apply([trade(90, 0, 4_500), timer(569)])
    assert [i["kind"] for i in made.intents if i["kind"] == IntentKind.MERGE] == []
    made.apply([timer(5_000)])
    order = [(EventKind.FILL, 100), (EventKind.DONE, 100)]
    settled = [(EventKind.FILL_CONFIRMED, 600)] * 2
    assert reports(made) == [*order, *order, *settled, (EventKind.SETTLED, 680)]
    assert made.lane()["realised_e6"] == 100 * ONE_E6 - 85 * ONE_E6 - 1_237_500 - 1_200_000
    assert (made.lane()["completed"], made.lane()["ghosts"]) == (1, 0)
    assert not made.state.plans["stage"].any()
    made.check_accounts()


def test_fills_that_are_all_taken_back_leave_nothing() -> None:
    made = settling(True, True)
    made.apply([trade(90, 0, 4_500), timer(599)])
    assert made.lane()["cash_e6"] < made.lane()["realised_e6"] + 1_000_000 * ONE_E6
    made.apply([timer(5_000)])
    account = made.lane()
    assert (account["ghosts"], account["fills"], account["missed"]) == (2, 2, 1)
    assert (account["cash_e6"], account["fees_e6"], account["realised_e6"]) == (
        1_000_000 * ONE_E6,
        0,
        0,
    )
    assert not made.state.positions["size_e6"].any()
    assert not made.state.positions["cost_e6"].any()
    assert not made.state.plans["stage"].any()


@pytest.mark.parametrize("ghost", [0, 1])
def test_a_leg_whose_partner_was_a_ghost_is_sold(ghost: int) -> None:
    made = settling(ghost == 0, ghost == 1)
    made.apply([*book(90, 0, {4_400: 500}, {6_500: 500}), timer(9_000)])
    assert (made.lane()["ghosts"], made.lane()["partial"], made.lane()["unwinds"]) == (1, 1, 1)
    assert made.lane()["realised_e6"] == made.lane()["unwind_result_e6"] < -ONE_E6
    assert not made.state.positions["size_e6"].any()
    assert not made.state.plans["stage"].any()
    made.check_accounts()


@pytest.mark.parametrize("step_ms", [100, 5_000])
def test_a_sale_that_was_a_ghost_is_tried_again_and_at_last_carried(step_ms: int) -> None:
    """Shares come back at their cost: what was never sold made no loss."""
    made = settling(True, False)
    made.sim.draws["fails"] = 1
    made.apply([*book(90, 0, {4_400: 500}, {6_500: 500})])
    for ts_ms in range(100, 60_000, step_ms):  # trades show the market past each arrival
        made.apply([trade(ts_ms, 0, 4_500)])
    sold_ns = [i["ts_ns"] for i in made.intents if i["side"] == Side.ASK]
    assert len(set(sold_ns)) == len(sold_ns) == 3, "one after the other"
    account = made.lane()
    assert (account["ghosts"], account["unwinds"], account["fills"]) == (4, 3, 5)
    held = made.state.positions[0, 0]
    assert held["size_e6"].tolist() == [0, 100 * ONE_E6]
    assert account["cash_e6"] == 1_000_000 * ONE_E6 + account["realised_e6"] - held["cost_e6"].sum()
    assert account["realised_e6"] == account["unwind_result_e6"] == 0
    assert held["cost_e6"].sum() == 40 * ONE_E6 + 1_200_000
    assert account["cash_e6"] == 1_000_000 * ONE_E6 - 40 * ONE_E6 - 1_200_000
    assert account["fees_e6"] == 1_200_000
    assert not made.state.plans["stage"].any()
    made.check_accounts()


@pytest.mark.parametrize("payout_e4", [10_000, 0, 5_000])
def test_a_ghost_of_a_market_that_resolved_meanwhile_pays_its_payout_back(payout_e4: int) -> None:
    made = settling(True, True)
    made.apply([trade(90, 0, 4_500), timer(300), resolved(310, 0, payout_e4), timer(5_000)])
    assert made.lane()["ghosts"] == 2
    assert (made.lane()["cash_e6"], made.lane()["realised_e6"]) == (1_000_000 * ONE_E6, 0)
    assert not made.state.positions["size_e6"].any()
    assert not made.state.plans["stage"].any()
    made.check_accounts()


def test_all_fills_of_an_order_share_its_fate_and_its_time() -> None:
    made = Venue({"bankroll_e6": 0, "fills_settle": 1}, settlement=500)
    made.sim.draws["fails"] = 1
    made.apply([market(0), *book(10, 0, {4_000: 10}, {5_000: 10, 5_100: 20})])
    made.send(20, 1, side=Side.BID, price_e4=5_100, size_e6=20 * ONE_E6)
    made.apply([timer(20), trade(90, 0, 4_000), timer(5_000)])
    fills = [r for r in made.reports if r["kind"] == EventKind.FILL]
    ghosts = [r for r in made.reports if r["kind"] == EventKind.FILL_FAILED]
    assert {r["ts_recv_ns"] for r in ghosts} == {600 * MS}
    for name in ("price_e4", "size_e6", "side", "aux", "market"):
        assert [r[name] for r in ghosts] == [r[name] for r in fills]
    assert len(fills) == 2


def test_a_gain_is_nobodys_until_its_sale_settles() -> None:
    """The room that the shares left stays taken, and what they brought is not spent."""
    made = settling(True, False)
    made.sim.draws["fails"] = 1
    made.apply([*book(90, 0, {4_400: 500}, {5_500: 500}), timer(620), trade(660, 0, 4_500)])
    made.apply([timer(720)])
    sold = made.lane()
    cost_e6 = 40 * ONE_E6 + 1_200_000
    assert not made.state.positions["size_e6"].any()
    assert sold["realised_e6"] == sold["unsettled_gain_e6"] > 0
    assert sold["reserved_e6"] == made.state.reserved[0, 0] == cost_e6
    free_e6 = sold["cash_e6"] - sold["reserved_e6"] - sold["unsettled_gain_e6"]
    assert free_e6 == 1_000_000 * ONE_E6 - cost_e6
    made.sim.draws["fails"] = 0
    made.apply([timer(1_200), trade(1_300, 0, 4_500)])
    back = made.lane()
    assert (back["ghosts"], back["realised_e6"], back["unsettled_gain_e6"]) == (2, 0, 0)
    assert made.state.positions[0, 0, 1]["cost_e6"] == cost_e6
    made.apply([timer(1_340), trade(1_350, 0, 4_500), timer(9_000)])
    made.check_accounts()
    assert made.lane()["unsettled_gain_e6"] == 0
