"""Markets that resolve while something of a plan is out, row by row: what is paid, and when."""

import pytest

from hfptm.opportunities import Reason
from hfptm.records import Token
from hfptm.units import ONE_E6
from tests.scenarios import Play, basket, pair

YES, NO = Token.YES, Token.NO
BOUGHT = "fill a 0.45 100\ndone a\nfill b 0.40 100\ndone b"


def gained(play: Play) -> float:
    """Cash above the bankroll, in dollars."""
    account, params = play.kernel.lane(), play.kernel.state.params[0]
    return (account["cash_e6"] - int(params["bankroll_e6"])) / ONE_E6


def held(play: Play, token: Token) -> float:
    return int(play.kernel.state.positions[0, 0, token]["size_e6"]) / ONE_E6


def cost(play: Play, token: Token) -> float:
    return int(play.kernel.state.positions[0, 0, token]["cost_e6"]) / ONE_E6


def test_a_fill_is_paid_when_it_settles() -> None:
    play = pair(fills_settle=1).run(BOUGHT)
    play.run("resolve 0 1")
    assert gained(play) == -87.4375
    assert (held(play, YES), held(play, NO)) == (100, 100)
    play.run("confirm a 0.45 100")
    assert gained(play) == 12.5625
    assert (held(play, YES), held(play, NO)) == (0, 100)
    play.run("confirm b 0.40 100").ends({}, "12.562500")


@pytest.mark.parametrize(
    ("settled", "counted"),
    [
        ("confirm a 0.45 100\nconfirm b 0.40 100", ("completed", 0)),
        ("confirm a 0.45 100\nfail b 0.40 100", ("partial", 1)),
        ("fail a 0.45 100\nfail b 0.40 100", ("missed", 1)),
    ],
)
def test_a_plan_whose_market_resolves_counts_by_what_it_bought(
    settled: str, counted: tuple[str, int]
) -> None:
    play = pair(fills_settle=1).run(BOUGHT + "\nresolve 0 1\n" + settled)
    account = play.kernel.lane()
    counts = {name: int(account[name]) for name in ("completed", "partial", "missed")}
    assert {name for name, count in counts.items() if count} == {counted[0]}
    assert (sum(counts.values()), play.kernel.state.risk[0]["failures"]) == (1, counted[1])


def test_where_nothing_settles_a_fill_is_paid_when_it_is_told() -> None:
    play = pair().run("resolve 0 1\nfill a 0.45 100")
    assert (gained(play), held(play, YES)) == (53.7625, 0)
    play.run("done a\nreject b").ends({}, "53.762500")


def test_a_ghost_of_a_resolved_market_gives_back_what_it_cost_and_no_more() -> None:
    play = pair(fills_settle=1).run(BOUGHT + "\nresolve 0 1\nfail a 0.45 100")
    assert gained(play) == -41.2
    play.run("confirm b 0.40 100").ends({}, "-41.200000")


def test_parts_of_an_order_are_paid_one_by_one() -> None:
    play = pair(fills_settle=1).run("reject b\nfill a 0.44 30\nfill a 0.45 70\ndone a")
    play.run("confirm a 0.44 30\nresolve 0 1")
    assert (held(play, YES), cost(play, YES)) == (70, 32.36625)
    play.run("confirm a 0.45 70").ends({}, "54.064150")


def test_what_is_on_sale_is_paid_when_the_sale_is_over() -> None:
    sale = "reject b\nfill a 0.45 100\ndone a | sell a 100 @0.44 fak"
    play = pair().run(sale + "\nresolve 0 1")
    assert (gained(play), held(play, YES), cost(play, YES)) == (-46.2375, 100, 46.2375)
    play.run("fill a 0.44 40")
    assert (held(play, YES), cost(play, YES)) == (60, 27.7425)
    play.run("done a").ends({}, "30.869700")
    pair().run(sale + "\nresolve 0 1\nreject a").ends({}, "53.762500")


def test_a_sale_that_was_a_ghost_gives_its_shares_to_the_resolution() -> None:
    play = pair(fills_settle=1).run(
        """
        reject b
        fill a 0.45 100
        done a
        confirm a 0.45 100  | sell a 100 @0.44 fak
        fill a 0.44 100
        resolve 0 1
        done a
        """
    )
    assert gained(play) == -3.4695
    play.run("fail a 0.44 100").ends({}, "53.762500")


def test_sets_on_their_way_are_paid_by_nobody_else() -> None:
    play = pair().run(BOUGHT + " | merge 100\nresolve 0 1")
    assert (gained(play), held(play, YES), held(play, NO)) == (-87.4375, 100, 100)
    play.run("settled").ends({}, "12.562500")


def test_sets_that_come_back_are_paid() -> None:
    play = pair().run(BOUGHT + " | merge 100\nresolve 0 0.5\nunsettled")
    play.ends({}, "12.562500")


@pytest.mark.parametrize("payout", ["0", "1"])
def test_a_conversion_goes_through_whatever_resolved_meanwhile(payout: str) -> None:
    play = basket(no=True).run("fill a 0.40 100\ndone a\nfill b 0.45 100\ndone b | convert 100")
    play.run(f"resolve 0 {payout}\nresolve 2 0")
    assert gained(play) == -87.4375
    play.run("settled").ends({}, "12.562500")


def test_of_a_conversion_that_failed_what_resolved_is_paid_and_the_rest_sold() -> None:
    play = basket(no=True).run("fill a 0.40 100\ndone a\nfill b 0.45 100\ndone b | convert 100")
    play.run("resolve 0 0\nbook 1 0.50 0.60\nunsettled | sell b 100 @0.4 fak")
    assert gained(play) == 12.5625
    play.run("fill b 0.40 100\ndone b").ends({}, "51.362500")


def test_what_will_be_paid_counts_in_the_result_at_once() -> None:
    play = pair(fills_settle=1, daily_loss_e6=46 * ONE_E6).run("reject b\nfill a 0.45 100")
    play.run("resolve 0 1\ntimer 100")
    assert play.kernel.state.risk[0]["latch"] == 0
    play = pair(fills_settle=1, daily_loss_e6=46 * ONE_E6).run("reject b\nfill a 0.45 100")
    play.run("resolve 0 0\ntimer 100")
    assert play.kernel.state.risk[0]["latch"] == Reason.DAILY_LOSS
    assert play.kernel.lane()["realised_e6"] == 0
