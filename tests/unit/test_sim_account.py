"""The venue's own word on what an account can give, against the kernel's books."""

import pytest

from hfptm.records import EventKind, IntentKind, OrderType, RejectReason, Side, Token
from hfptm.units import ONE_E6
from tests.engines import Recorder, crossed_market, tape_of
from tests.kernels import Venue, book, fee, market, resolved, timer, trade
from tests.tapes import START_NS, make_market

SETTLES_MS = 500


def account(cash: int, yes: int = 0, **changes_ms: int) -> Venue:
    """Dollars and YES shares; bids at 0.40, asks at 0.50, a fee rate of 0.04."""
    made = Venue({"bankroll_e6": 0, "fills_settle": 1}, settlement=SETTLES_MS, **changes_ms)
    made.sim.purses["cash_e6"] = cash * ONE_E6
    made.sim.holdings["settled_e6"] = 0
    made.sim.holdings["settled_e6"][0, 0, Token.YES] = yes * ONE_E6
    made.apply([market(0), fee(0, 400), *book(10, 0, {4_000: 100}, {5_000: 100})])
    return made


def send(made: Venue, ts_ms: int, order: int, **fields: int) -> int:
    """10 YES at 0.50 unless told otherwise; the kind of the first report on it."""
    values = {"side": Side.BID, "price_e4": 5_000, "size_e6": 10 * ONE_E6}
    made.send(ts_ms, order, **(values | fields))
    made.apply([timer(ts_ms), timer(ts_ms + 1_100)])
    return next((int(r["kind"]) for r in made.reports if r["aux"] == order), 0)


def held(made: Venue, token: int = Token.YES) -> tuple[int, int]:
    holding = made.sim.holdings[0, 0, token]
    return int(holding["settled_e6"]), int(holding["on_sale_e6"])


@pytest.mark.parametrize(
    ("cash", "kind"), [(5, EventKind.REJECT), (6, EventKind.FILL)], ids=["too little", "enough"]
)
def test_a_buy_needs_its_dollars_and_its_fee(cash: int, kind: EventKind) -> None:
    made = account(cash)
    assert send(made, 20, 1) == kind
    if kind == EventKind.REJECT:
        assert made.reports[0]["price_e4"] == RejectReason.REFUSED


def test_shares_can_be_sold_once_their_trade_is_final() -> None:
    """Matched at 70, known at 1,070, final for us at 1,070 too."""
    made = account(6, grace=100)
    made.send(20, 1, side=Side.BID, price_e4=5_000, size_e6=10 * ONE_E6)
    made.apply([timer(20)])
    early = {"side": Side.ASK, "price_e4": 4_000, "size_e6": 10 * ONE_E6}
    made.send(200, 2, **early)
    made.apply([timer(200), timer(590)])
    assert [r["kind"] for r in made.reports if r["aux"] == 2] == [EventKind.REJECT]
    made.apply([timer(700)])
    assert held(made) == (10 * ONE_E6, 0)
    assert send(made, 800, 3, **early) == EventKind.FILL


def test_what_rests_is_promised_and_comes_back() -> None:
    made = account(10, yes=10)
    assert send(made, 20, 1, price_e4=3_000, order_type=OrderType.GTC) == EventKind.ACK
    assert made.sim.purses[0]["reserved_e6"] == 3 * ONE_E6
    assert send(made, 2_000, 2, price_e4=4_500, size_e6=16 * ONE_E6) == EventKind.REJECT
    sale = {"side": Side.ASK, "price_e4": 6_000, "order_type": OrderType.GTC}
    assert send(made, 4_000, 3, **sale) == EventKind.ACK
    assert held(made) == (10 * ONE_E6, 10 * ONE_E6)
    assert send(made, 6_000, 4, side=Side.ASK, price_e4=4_000, size_e6=1) == EventKind.REJECT
    made.send(8_000, 1, kind=IntentKind.CANCEL)
    made.apply([timer(8_000), trade(8_200, 0, 6_100), timer(9_900)])
    assert made.sim.purses[0]["reserved_e6"] == 0
    assert held(made) == (9 * ONE_E6, 9 * ONE_E6)
    assert made.sim.purses[0]["cash_e6"] == 10 * ONE_E6 + 600_000  # a maker pays no fee


def test_a_delayed_order_holds_its_promise_until_it_is_matched() -> None:
    made = account(6, taker_delay=3_000)
    made.send(20, 1, side=Side.BID, price_e4=5_000, size_e6=10 * ONE_E6)
    made.apply([timer(20), timer(1_200)])
    assert made.sim.purses[0]["reserved_e6"] == 5 * ONE_E6
    made.apply([timer(9_000)])
    assert made.sim.purses[0]["reserved_e6"] == 0
    assert made.sim.purses[0]["cash_e6"] == ONE_E6 - 100_000


def test_nothing_is_merged_that_is_not_there() -> None:
    made = account(0, yes=10)
    for order, no, kind in ((1, 9, EventKind.REJECT), (2, 10, EventKind.SETTLED)):
        made.sim.holdings["settled_e6"][0, 0, Token.NO] = no * ONE_E6
        merge = {"kind": IntentKind.MERGE, "size_e6": 10 * ONE_E6, "price_e4": 0}
        assert send(made, 2_000 * order, order, **merge) == kind
    assert (held(made), held(made, Token.NO)) == ((0, 0), (0, 0))
    assert made.sim.purses[0]["cash_e6"] == 10 * ONE_E6


def test_a_resolution_pays_shares_also_those_that_come_later() -> None:
    made = account(6, yes=10)
    made.send(20, 1, side=Side.BID, price_e4=5_000, size_e6=10 * ONE_E6)
    made.apply([timer(20), trade(80, 0, 4_500), resolved(200, 0, 10_000), timer(9_000)])
    assert held(made) == (0, 0)
    assert made.sim.purses[0]["cash_e6"] == 6 * ONE_E6 - 5 * ONE_E6 - 100_000 + 20 * ONE_E6


def agrees(engine: Recorder) -> bool:
    """Kernel and venue have the same cash and the same shares, to the micro-unit."""
    cash = engine.sim.purses["cash_e6"] == engine.state.lanes["cash_e6"]
    shares = engine.sim.holdings["settled_e6"] == engine.state.positions["size_e6"]
    return bool(cash.all() and shares.all())


@pytest.mark.parametrize("failure", ["0", "0.5", "0.9999"])
def test_the_engine_starts_with_its_bankroll_and_both_books_end_alike(failure: str) -> None:
    rows = tape_of(crossed_market("a", START_NS)[:-2])
    engine = Recorder([make_market("a")], [], f"sim.settlement_failure={failure}").run(rows)
    assert engine.state.lanes["fills"][0] > 0
    assert agrees(engine)
    assert not engine.sim.purses["reserved_e6"].any()
