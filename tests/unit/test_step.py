"""Definitions, and room that runs out."""

from hfptm.kernel.state import (
    GRID_MAX,
    Capacity,
    digest_parts,
    new_state,
    rows_reserve,
    with_levels,
)
from hfptm.opportunities import OpportunityKind, Phase, Reason, Relation
from hfptm.records import EventKind
from tests.kernels import Kernel, book, fee, group, market, params, row, tape, trade


def members(kernel: Kernel, slot: int) -> list[int]:
    count = int(kernel.state.groups[slot]["members"])
    return [int(member) for member in kernel.state.members[slot, :count]]


def test_a_market_that_is_defined_again_stays_in_its_group() -> None:
    kernel = Kernel()
    kernel.apply([group(0, Relation.EXACTLY_ONE, 2), market(0, group=0), market(1, group=0)])
    kernel.apply([market(0, tick_e4=10, group=0)])
    assert members(kernel, 0) == [0, 1]
    assert kernel.market(0)["group"] == 0


def test_a_market_that_moves_leaves_its_old_group() -> None:
    kernel = Kernel()
    kernel.apply([group(0, Relation.EXACTLY_ONE, 2), market(0, group=0), market(1, group=0)])
    kernel.apply([*book(10, 0, {6_000: 1}, {6_100: 1}), group(1, Relation.EXACTLY_ONE, 1)])
    kernel.apply([market(0, group=1)])
    assert (members(kernel, 0), members(kernel, 1)) == ([1], [0])
    kernel.apply(book(20, 0, {7_000: 1}, {7_100: 1}))
    sums = kernel.state.groups
    assert [int(s) for s in sums["sum_bid_e4"]] == [0, 7_000]
    assert [int(s) for s in sums["sum_ask_e4"]] == [20_000, 7_100]


def test_a_full_group_takes_no_other_member() -> None:
    kernel = Kernel()
    kernel.apply([group(0, Relation.EXACTLY_ONE, 1), market(0, group=0), market(1, group=0)])
    assert (members(kernel, 0), kernel.market(1)["group"]) == ([0], -1)


def test_a_group_that_is_defined_again_forgets_members_and_episodes() -> None:
    kernel = Kernel()
    kernel.apply([group(0, Relation.EXACTLY_ONE, 2), market(0, group=0), market(1, group=0)])
    kernel.apply([*book(10, 0, {6_000: 50}, {6_100: 9}), *book(10, 1, {6_000: 50}, {6_100: 9})])
    kernel.apply([group(0, Relation.AT_MOST_ONE, 3)])
    assert [(d["phase"], d["reason"]) for d in kernel.decisions] == [
        (Phase.BEGIN, Reason.TAKEN),
        (Phase.END, Reason.UNSEEN),
    ]
    assert kernel.decisions[0]["kind"] == OpportunityKind.NO_BASKET
    assert (members(kernel, 0), kernel.market(0)["group"]) == ([], -1)
    kernel.apply(book(20, 0, {7_000: 1}, {7_100: 1}))
    assert int(kernel.state.groups[0]["sum_bid_e4"]) == 0


def test_fees_trades_timers_and_strangers() -> None:
    kernel = Kernel()
    kernel.apply([market(0), fee(0, 500, 2), trade(5, 0, 4_000), row(EventKind.TIMER, 9, 0)])
    assert (kernel.market(0)["fee_rate_e4"], kernel.market(0)["fee_exponent"]) == (500, 2)
    assert (kernel.counters()["trades"], kernel.counters()["unused_rows"]) == (1, 0)
    assert kernel.counters()["now_ns"] == 9_000_000
    kernel.apply([row(EventKind.TIMER, 10, 0)._replace(kind=20)])
    assert kernel.counters()["unused_rows"] == 1


def test_a_closed_market_changes_no_more() -> None:
    kernel = Kernel()
    kernel.apply([market(0), row(EventKind.STATE, 5, 0, aux=2)])
    kernel.apply(book(10, 0, {4_000: 1}, {6_000: 1}))
    assert kernel.market(0)["best_bid_e4"] == 0


def test_a_row_without_room_for_its_grid_is_not_applied() -> None:
    kernel = Kernel()
    kernel.state = new_state(Capacity(markets=8, groups=1, levels=GRID_MAX), params({}))
    events = tape([market(0, tick_e4=1), market(1, tick_e4=1)])
    assert kernel.run(events, 0, 2) == 1
    kernel.state = with_levels(kernel.state, 2 * GRID_MAX)
    assert kernel.run(events, 1, 2) == 2
    assert kernel.market(1)["offset"] == GRID_MAX


def test_a_row_without_room_for_its_decisions_is_not_applied() -> None:
    kernel = Kernel()
    kernel.apply([market(0), *book(10, 0, {4_000: 9}, {6_000: 9})])
    before = digest_parts(kernel.state)
    room = len(kernel.state.decisions)
    kernel.state.outbox["decisions"] = room - rows_reserve(1) + 1
    events = tape(book(20, 0, {7_000: 9}, {6_000: 9}))
    assert kernel.run(events, 0, len(events)) == 0
    assert digest_parts(kernel.state) == before
    kernel.state.outbox["decisions"] = 0
    assert kernel.run(events, 0, len(events)) == len(events)
