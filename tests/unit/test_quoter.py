"""A market's maker by real orders: what it may do to a book, and what it never does."""

import pytest

from hfptm.opportunities import Relation
from hfptm.records import BUY, SELL, Side
from hfptm.sandbox.house import House
from hfptm.sandbox.margins import MARGIN_E4, Margins
from hfptm.sandbox.opening import list_universe
from hfptm.sandbox.orders import OrderStatus
from hfptm.sandbox.quoter import Quoter
from hfptm.sandbox.quoting import LASTING_QUOTING
from hfptm.sandbox.reports import Action, OrderCanceled, Rejected, Trade
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.universe import make_universe
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6, PRICE_ONE_E4

NOW_NS = 1_795_183_200 * NS_PER_S
FEWEST_LEVELS, MOST_LEVELS = LASTING_QUOTING.fewest_levels, LASTING_QUOTING.most_levels
BTC, RATE, GENERAL, ALBUM = 0, (2, 3, 4), (5, 6, 7, 8, 9), (10, 11)


class Floor:
    """A sandbox with the twelve markets, each with its quoter, opened."""

    def __init__(self, seed: int = 1) -> None:
        self.sandbox = Sandbox(seed)
        self.actions: list[Action] = []
        self.sandbox.listeners.append(lambda action, _: self.actions.append(action))
        self.universe = make_universe(seed)
        self.sandbox.advance(NOW_NS, NOW_NS)
        list_universe(self.sandbox, self.universe, NOW_NS)
        self.house = House(self.sandbox, seed)
        markets = self.sandbox.exchange.markets
        listed = [markets[market.market] for market in self.universe.markets]
        self.quoters = []
        for index, market in enumerate(self.universe.markets):
            members = [listed[i] for i in self.universe.members(market.group)]
            relations = {group.group: group.relation for group in self.universe.groups}
            margins = Margins(relations.get(market.group, Relation.NONE), members)
            self.quoters.append(
                Quoter(self.house, listed[index], margins, self.universe.fairs_e4[index])
            )
        for quoter in self.quoters:
            quoter.open()

    def step(self) -> None:
        self.sandbox.advance(self.sandbox.now_ns + NS_PER_MS, NOW_NS)

    def since(self, count: int) -> list[Action]:
        """Actions after the first `count`, none of which refused anything."""
        actions = self.actions[count:]
        assert not [r for action in actions for r in action.reports if isinstance(r, Rejected)]
        return actions


@pytest.fixture
def floor() -> Floor:
    return Floor()


def sides(quoter: Quoter) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    book = quoter.listed.book
    return book.published_levels(BUY), book.published_levels(SELL)


@pytest.mark.parametrize("shift_e4", [-2_000, -100, 0, 100, 2_000])
def test_a_requote_leaves_the_best_prices_asked_for_and_depth_behind(
    floor: Floor, shift_e4: int
) -> None:
    quoter, count = floor.quoters[BTC], len(floor.actions)
    bid_e4 = quoter.best_e4(BUY) + shift_e4
    quoter.requote(bid_e4, bid_e4 + 200, 123 * ONE_E6)
    for side, best_e4 in zip(sides(quoter), (bid_e4, bid_e4 + 200), strict=True):
        assert side[0] == (best_e4, 123 * ONE_E6)
        assert FEWEST_LEVELS <= len(side) <= MOST_LEVELS
    actions = floor.since(count)
    assert not [a for a in actions if any(isinstance(r, Trade) for r in a.reports)]
    cancels = [a for a in actions if any(isinstance(r, OrderCanceled) for r in a.reports)]
    assert cancels in ([], actions[:1]), "everything in the way goes in one action, the first"


def test_no_quote_leaves_a_side_empty(floor: Floor) -> None:
    quoter = floor.quoters[BTC]
    quoter.requote(9_900, PRICE_ONE_E4)
    bids, asks = sides(quoter)
    assert bids[0][0] == 9_900
    assert asks == []
    quoter.requote(0, 100)
    assert sides(quoter)[0] == []


def test_fair_quotes_stay_on_the_grid_and_inside_the_price_range(floor: Floor) -> None:
    quoter = floor.quoters[BTC]
    for fair_e4 in range(0, PRICE_ONE_E4 + 1, 37):
        quoter.fair_e4 = fair_e4
        bid_e4, ask_e4 = quoter.fair_quotes()
        assert 0 <= bid_e4 <= fair_e4 <= ask_e4 <= PRICE_ONE_E4
        assert bid_e4 % 100 == ask_e4 % 100 == 0


@pytest.mark.parametrize("legs", [RATE, GENERAL, ALBUM])
@pytest.mark.parametrize("jump_e4", [-2_500, 2_500])
def test_a_group_keeps_its_margin_when_one_member_jumps(
    floor: Floor, legs: tuple[int, ...], jump_e4: int
) -> None:
    quoter = floor.quoters[legs[1]]
    quoter.fair_e4 += jump_e4
    quoter.requote(*quoter.fair_quotes())
    bids_e4 = sum(floor.quoters[i].best_e4(BUY) for i in legs)
    asks_e4 = sum(floor.quoters[i].best_e4(SELL) for i in legs)
    assert bids_e4 <= PRICE_ONE_E4 - MARGIN_E4
    assert asks_e4 >= PRICE_ONE_E4 + MARGIN_E4 or legs is ALBUM
    assert bids_e4 == PRICE_ONE_E4 - MARGIN_E4 or jump_e4 < 0, "as far as the margin allows"


def test_nested_outcomes_keep_their_order(floor: Floor) -> None:
    """RATE's markets stand in for cut by March, by June, by December."""
    listed = [floor.quoters[i].listed for i in RATE]
    margins = Margins(Relation.NESTED, listed)
    early, middle, late = (Quoter(floor.house, one, margins, 0) for one in listed)
    for quoter, fair_e4 in ((early, 2_000), (middle, 5_000), (late, 7_000)):
        quoter.requote(fair_e4 - 100, fair_e4 + 100)
    early.fair_e4 = 6_000
    assert early.fair_quotes() == (5_000, 6_100)
    late.fair_e4 = 3_000
    assert late.fair_quotes() == (2_900, 5_000)
    assert middle.best_e4(SELL) == 5_100


def test_a_day_of_everything_keeps_books_uncrossed_and_deep(floor: Floor) -> None:
    house, groups = floor.house, (RATE, GENERAL)
    for _ in range(6_000):
        floor.step()
        quoter = floor.quoters[house.draws.below(12)]
        dice = house.draws.below(100)
        if dice < 72:
            quoter.shuffle(house.draws.below(10))
        elif dice < 88:
            quoter.fair_e4 = house.draws.between(600, 9_400)
            quoter.requote(*quoter.fair_quotes())
        else:
            quoter.take(house.draws.below(2), levels=3 if dice > 97 else 1)
        assert quoter.best_e4(BUY) < quoter.best_e4(SELL)
        for side in sides(quoter):
            assert 0 < len(side) <= MOST_LEVELS + FEWEST_LEVELS
        for legs in groups:
            assert sum(floor.quoters[i].best_e4(BUY) for i in legs) <= PRICE_ONE_E4 - MARGIN_E4
            assert sum(floor.quoters[i].best_e4(SELL) for i in legs) >= PRICE_ONE_E4 + MARGIN_E4
    trades = [r for action in floor.since(0) for r in action.reports if isinstance(r, Trade)]
    assert len(trades) > 500
    assert {maker.match_type for trade in trades for maker in trade.makers} == {
        "COMPLEMENTARY",
        "MINT",
        "MERGE",
    }


def test_a_sweep_takes_whole_levels_in_one_action(floor: Floor) -> None:
    quoter = floor.quoters[BTC]
    count, before = len(floor.actions), sides(quoter)[1]
    quoter.take(BUY, levels=3)
    (action,) = floor.since(count)
    assert sides(quoter)[1] == before[3:]
    assert [(c.side, c.price_e4, c.size_e6) for c in action.levels] == [
        (SELL, price_e4, 0) for price_e4, _ in before[:3]
    ]


@pytest.mark.parametrize("side", Side)
def test_a_jump_is_one_action_that_sweeps_and_rests(floor: Floor, side: Side) -> None:
    quoter, count = floor.quoters[BTC], len(floor.actions)
    price_e4 = quoter.best_e4(1 - side) + (300 if side is BUY else -300)
    quoter.jump(side, price_e4, 50 * ONE_E6)
    (action,) = floor.since(count)
    assert {change.side for change in action.levels} == {BUY, SELL}
    assert sides(quoter)[side][0] == (price_e4, 50 * ONE_E6)
    quoter.requote(4_900, 5_100)
    assert (quoter.best_e4(BUY), quoter.best_e4(SELL)) == (4_900, 5_100), "its rest is ours too"


def test_withdraw_takes_everything_of_the_house_and_nothing_else(floor: Floor) -> None:
    quoter = floor.quoters[BTC]
    floor.sandbox.fund("somebody", 1_000 * ONE_E6)
    own_e4 = quoter.best_e4(BUY)
    floor.house.limit("somebody", quoter.listed, BUY, (own_e4, 7 * ONE_E6))
    floor.step()
    quoter.withdraw()
    assert sides(quoter) == ([(own_e4, 7 * ONE_E6)], [])
    order = next(iter(floor.sandbox.exchange.accounts["somebody"].open_orders.values()))
    assert order.status is OrderStatus.LIVE


def test_it_never_crosses_somebody_elses_order(floor: Floor) -> None:
    quoter, count = floor.quoters[BTC], len(floor.actions)
    floor.sandbox.fund("somebody", 1_000 * ONE_E6)
    own_e4 = quoter.best_e4(SELL) - 100
    floor.house.limit("somebody", quoter.listed, BUY, (own_e4, 7 * ONE_E6))
    quoter.requote(own_e4 - 300, own_e4 - 200)
    assert quoter.best_e4(BUY) == own_e4
    assert quoter.best_e4(SELL) > own_e4
    assert not [a for a in floor.since(count) if any(isinstance(r, Trade) for r in a.reports)]
