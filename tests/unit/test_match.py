"""How an immediate order meets a book, case by case; the general case is in property/test_match."""

from hfptm.records import EventKind, MarketState, OrderType, RejectReason, Side, Token
from hfptm.units import ONE_E6
from tests.kernels import ASK, BID, LAST, MS, Levels, Venue, best, book, level, market, row, timer

BIDS: Levels = {4_000: 10, 3_900: 20}
ASKS: Levels = {5_000: 10, 5_100: 20}


def venue() -> Venue:
    """Entry 50 ms, response 30 ms; nothing of its own to buy with."""
    made = Venue({"bankroll_e6": 0})
    made.apply([market(0), *book(10, 0, BIDS, ASKS)])
    return made


def fills(made: Venue, order: int) -> list[tuple[int, int]]:
    return [
        (r["price_e4"], r["size_e6"])
        for r in made.reports
        if r["aux"] == order and r["kind"] == EventKind.FILL
    ]


def refusal(made: Venue, order: int) -> int:
    [report] = [r for r in made.reports if r["aux"] == order]
    assert report["kind"] == EventKind.REJECT
    return report["price_e4"]


def buy(made: Venue, ts_ms: int, order: int, **fields: int) -> None:
    """30 shares of YES up to 0.51 unless told otherwise."""
    values = {"price_e4": 5_100, "size_e6": 30 * ONE_E6, "side": Side.BID} | fields
    made.send(ts_ms, order, **values)
    made.apply([timer(ts_ms)])


def test_a_buy_spends_its_dollars_and_gets_more_shares_at_better_prices() -> None:
    """15.30 dollars: 10 at 0.50, and what 10.30 buy at 0.51, of which 20 are there."""
    made = venue()
    buy(made, 20, 1)
    made.apply([timer(5_000)])
    assert fills(made, 1) == [(5_000, 10 * ONE_E6), (5_100, 20 * ONE_E6)]
    buy(made, 6_000, 2, size_e6=10 * ONE_E6, price_e4=9_000, token=Token.NO)
    made.apply([timer(9_000)])
    assert fills(made, 2) == [(6_000, 10 * ONE_E6), (6_100, 4_918_032)]


def test_a_sale_gives_its_shares() -> None:
    made = venue()
    buy(made, 20, 1, side=Side.ASK, price_e4=3_900, size_e6=12 * ONE_E6)
    buy(made, 20, 2, side=Side.ASK, price_e4=4_900, size_e6=12 * ONE_E6, token=Token.NO)
    made.apply([timer(5_000)])
    assert fills(made, 1) == [(4_000, 10 * ONE_E6), (3_900, 2 * ONE_E6)]
    assert fills(made, 2) == [(5_000, 10 * ONE_E6), (4_900, 2 * ONE_E6)]


def test_fill_or_kill_takes_nothing_unless_everything() -> None:
    made = venue()
    buy(made, 20, 1, size_e6=31 * ONE_E6, order_type=OrderType.FOK)
    buy(made, 20, 2, size_e6=10 * ONE_E6, order_type=OrderType.FOK)
    made.apply([timer(5_000)])
    assert refusal(made, 1) == RejectReason.NO_MATCH
    assert [price_e4 for price_e4, _ in fills(made, 2)] == [5_000, 5_100]


def test_what_was_taken_stays_taken_until_the_level_changes() -> None:
    made = venue()
    buy(made, 20, 1, price_e4=5_000, size_e6=6 * ONE_E6)
    made.apply(book(200, 0, BIDS, ASKS))  # the same book again
    buy(made, 300, 2, price_e4=5_000, size_e6=30 * ONE_E6)
    made.apply([level(600, 0, ASK, 5_000, 11, flags=0), best(600, 0, 4_000, 5_000)])
    buy(made, 700, 3, price_e4=5_000, size_e6=30 * ONE_E6)
    made.apply([timer(5_000)])
    assert fills(made, 1) == [(5_000, 6 * ONE_E6)]
    assert fills(made, 2) == [(5_000, 4 * ONE_E6)]
    assert fills(made, 3) == [(5_000, 11 * ONE_E6)]


def test_a_level_that_went_and_came_back_in_its_old_size_is_new() -> None:
    made = venue()
    buy(made, 20, 1, price_e4=5_000, size_e6=10 * ONE_E6)
    made.apply([level(200, 0, ASK, 5_000, 10, flags=0), best(200, 0, 4_000, 5_000)])  # says nothing
    buy(made, 210, 2, price_e4=5_000, size_e6=10 * ONE_E6)
    assert made.sim.levels_taken[0] == 1
    made.apply([level(400, 0, ASK, 5_000, 0, flags=0), best(400, 0, 4_000, 5_100)])
    assert made.sim.levels_taken[0] == made.sim.takers.sum() == 0
    made.apply([level(500, 0, ASK, 5_000, 10, flags=0), best(500, 0, 4_000, 5_000)])
    buy(made, 600, 3, price_e4=5_000, size_e6=10 * ONE_E6)
    made.apply([timer(5_000)])
    assert fills(made, 1) == fills(made, 3) == [(5_000, 10 * ONE_E6)]
    assert refusal(made, 2) == RejectReason.NO_MATCH


def test_a_level_that_a_full_book_showed_in_another_size_is_new() -> None:
    made = venue()
    buy(made, 20, 1, price_e4=5_000, size_e6=10 * ONE_E6)
    made.apply(book(400, 0, BIDS, {**ASKS, 5_000: 3}))
    assert made.sim.levels_taken[0] == 1
    made.apply([level(500, 0, ASK, 5_000, 10, flags=0), best(500, 0, 4_000, 5_000)])
    assert made.sim.levels_taken[0] == made.sim.takers.sum() == 0
    buy(made, 600, 2, price_e4=5_000, size_e6=10 * ONE_E6)
    made.apply([timer(5_000)])
    assert fills(made, 2) == [(5_000, 10 * ONE_E6)]


def test_both_tokens_take_from_one_book() -> None:
    """SELL NO at 0.50 takes the same asks as BUY YES at 0.50."""
    made = venue()
    buy(made, 20, 1, price_e4=5_000, size_e6=10 * ONE_E6)
    buy(made, 20, 2, price_e4=5_000, size_e6=5 * ONE_E6, side=Side.ASK, token=Token.NO)
    made.apply([timer(5_000)])
    assert fills(made, 1) == [(5_000, 10 * ONE_E6)]
    assert refusal(made, 2) == RejectReason.NO_MATCH


def test_a_book_that_may_be_wrong_fills_nothing() -> None:
    wrong = {
        "gap": [row(EventKind.GAP, 60, 0)],
        "off the grid": [level(60, 0, BID, 4_001, 1)],
        "half a batch": [best(60, 0, 4_100, 5_000)],
        "crossed, not confirmed": [level(60, 0, BID, 6_000, 5)],
    }
    for rows in wrong.values():
        made = venue()
        buy(made, 20, 1)
        made.apply([*rows, timer(5_000)])
        assert refusal(made, 1) == RejectReason.NO_BOOK
        assert made.sim.clock[0]["no_book"] == 1


def test_a_confirmed_cross_fills() -> None:
    made = venue()
    buy(made, 20, 1)
    crossing = [level(60, 0, BID, 6_000, 5, flags=0), best(60, 0, 6_000, 5_000)]
    made.apply([*crossing, timer(5_000)])
    assert fills(made, 1) != []


def test_a_closed_market_refuses() -> None:
    made = venue()
    buy(made, 20, 1)
    made.apply([row(EventKind.STATE, 65, 0, aux=MarketState.CLOSED), timer(5_000)])
    assert refusal(made, 1) == RejectReason.MARKET_CLOSED


def test_an_order_walks_a_limited_number_of_levels() -> None:
    made = Venue({"bankroll_e6": 0})
    asks: Levels = dict.fromkeys(range(5000, 5200), 1)
    made.apply([market(0, tick_e4=1), *book(10, 0, {}, asks)])
    buy(made, 20, 1, price_e4=6_000, size_e6=500 * ONE_E6)
    made.apply([timer(5_000)])
    assert len(fills(made, 1)) == 128
    assert made.reports[-1]["size_e6"] == (500 - 128) * ONE_E6
    assert made.reports[-1]["ts_recv_ns"] == (70 + 1_000) * MS
    assert LAST == 1
