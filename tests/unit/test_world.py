"""The sandbox world leaves no edge by itself, however far its fair values have moved."""

import numpy as np
import pytest

from hfptm.records import Side
from hfptm.sandbox.universe import START_MS, make_universe
from hfptm.sandbox.world import MARGIN_E4, World
from hfptm.units import PRICE_ONE_E4

RATE = (2, 3, 4)


@pytest.fixture
def world() -> World:
    return World(make_universe(1), START_MS, np.random.default_rng(1))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("jump_e4", [-1_500, 1_500])
def test_a_group_keeps_its_margin_when_one_member_jumps(
    world: World, jump_e4: int, seed: int
) -> None:
    world.rng = np.random.default_rng(seed)
    world.fairs_e4[RATE[1]] += jump_e4
    for _ in range(300):
        changes, _trades = world.act(RATE[1])
        world.books[RATE[1]].apply(changes)
        bids_e4, asks_e4 = (
            sum(world.books[index].best(side) for index in RATE) for side in (Side.BID, Side.ASK)
        )
        assert bids_e4 <= PRICE_ONE_E4 - MARGIN_E4
        assert asks_e4 >= PRICE_ONE_E4 + MARGIN_E4


def test_a_requote_beyond_every_level_leaves_depth_behind_it(world: World) -> None:
    book = world.books[0]
    bid_e4 = book.best(Side.ASK) + 2_000
    book.apply(world.requote(0, bid_e4, bid_e4 + 200))
    assert (book.best(Side.BID), book.best(Side.ASK)) == (bid_e4, bid_e4 + 200)
    assert min(len(side) for side in book.sides) >= 6


def test_books_never_cross_or_run_empty(world: World) -> None:
    for step in range(20_000):
        index = step % len(world.books)
        changes, trades = world.act(index)
        for side, price_e4, size_e6 in trades:
            assert world.books[index].sides[1 - side][price_e4] >= size_e6 > 0
        world.books[index].apply(changes)
        assert 0 < world.books[index].best(Side.BID) < world.books[index].best(Side.ASK)
        assert world.books[index].best(Side.ASK) < PRICE_ONE_E4
    members = world.universe.members(world.universe.groups[1].group)
    assert sum(world.fairs_e4[index] for index in members) == PRICE_ONE_E4
