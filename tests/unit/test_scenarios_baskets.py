"""Baskets of several markets, row by row: completed, sold or left, whichever is worth most."""

import pytest

from hfptm.records import LegPolicy, Token
from tests.scenarios import basket, by_date

YES, NO = Token.YES, Token.NO
NO_LEGS = """
    fill a 0.40 100
    done a
    fill b 0.45 100
    done b  | convert 100
    settled
"""


def test_no_basket_converts_and_gives_the_outcome_left_out() -> None:
    basket(no=True).run(NO_LEGS).ends({(2, YES): 100}, "12.562500")


def test_what_a_conversion_gave_is_sold_once_somebody_wants_it() -> None:
    play = basket(no=True).run(NO_LEGS + "book 2 0.03 0.10\ntimer | sell a 100 @0.03 fak")
    play.run("fill a 0.03 100\ndone a").ends({}, "15.417000")


def test_a_conversion_that_failed_is_held_at_last() -> None:
    play = basket(no=True).run(NO_LEGS.replace("settled", ""))
    play.run("unsettled | convert 100\nunsettled | convert 100\nunsettled | convert 100\nunsettled")
    play.ends({(0, NO): 100, (1, NO): 100}, "0.000000")
    assert play.kernel.lane()["locked_payout_e6"] == 100_000_000
    play.run("resolve 0 1\nresolve 1 0").ends({}, "12.562500")


def test_a_missing_leg_near_its_limit_is_bought() -> None:
    """NO of market 1 costs 0.46 now, a cent more: dearer than planned, and still a profit."""
    basket(no=True).run(
        """
        book 0 0.55 0.62
        book 1 0.54 0.60
        fill a 0.40 100
        done a
        reject b        | buy b 100 @0.46 fak
        fill b 0.46 100
        done b          | convert 100
        settled
        """
    ).ends({(2, YES): 100}, "11.558000")


def test_a_missing_leg_is_not_bought_in_part() -> None:
    basket(no=True).run(
        """
        book 0 0.55 0.62
        book 1 0.54x99 0.60
        fill a 0.40 100
        done a
        reject b        | sell a 100 @0.38 fak
        fill a 0.38 100
        done a
        """
    ).ends({}, "-4.378000")


def test_a_missing_leg_beyond_the_tolerance_is_not() -> None:
    basket(no=True).run(
        """
        book 0 0.55 0.62
        book 1 0.53 0.60
        fill a 0.40 100
        done a
        reject b        | sell a 100 @0.38 fak
        fill a 0.38 100
        done a
        """
    ).ends({}, "-4.378000")


def test_a_missing_leg_that_costs_more_than_it_brings_is_not() -> None:
    """Selling NO of market 0 at 0.60 beats completing: its price went the right way."""
    basket(no=True).run(
        """
        book 0 0.30 0.40
        book 1 0.54 0.60
        fill a 0.40 100
        done a
        reject b        | sell a 100 @0.6 fak
        fill a 0.60 100
        done a
        """
    ).ends({}, "17.600000")


def test_legs_filled_unlike_are_completed_to_the_largest() -> None:
    basket(no=True).run(
        """
        book 0 0.60 0.62
        book 1 0.55 0.60
        fill a 0.40 80
        done a
        fill b 0.45 100
        done b          | convert 80, buy a 20 @0.4 fak
        settled
        settled
        fill a 0.40 20
        done a          | convert 20
        settled
        """
    ).ends({(2, YES): 100}, "12.562500")


@pytest.mark.parametrize(
    ("policy", "filled", "answer"),
    [
        (LegPolicy.FAK, 97.8, "convert 97.8, sell a 2.2 @0.4 fak"),  # 99 cents
        (LegPolicy.FAK, 97.6, "convert 97.6, buy b 2.4 @0.45 fak"),  # 108
        (LegPolicy.GTC, 96, "convert 96, sell a 4 @0.4 fak"),
        (LegPolicy.GTC, 95, "convert 95, buy b 5 @0.45 gtc"),
    ],
)
def test_what_is_less_than_the_least_order_is_not_bought(
    policy: LegPolicy, filled: float, answer: str
) -> None:
    """A dollar of an order that spends dollars, the market's least size of one that may rest."""
    kind = "fak" if policy is LegPolicy.FAK else "gtc"
    entries = f"buy a 100 @0.4 {kind}, buy b 100 @0.45 {kind}"
    play = basket(no=True, leg_policy=policy, answer=entries)
    play.run("book 0 0.59 0.60\nbook 1 0.55 0.60\nfill a 0.40 100\ndone a")
    play.run(f"fill b 0.45 {filled}\ndone b | {answer}")


def test_yes_basket_is_held_until_it_resolves() -> None:
    play = basket(no=False).run(
        """
        fill a 0.30 100
        done a
        fill b 0.30 100
        done b
        fill c 0.30 100
        done c
        """
    )
    play.ends({(0, YES): 100, (1, YES): 100, (2, YES): 100}, "0.000000")
    play.run("resolve 0 0\nresolve 1 1\nresolve 2 0").ends({}, "6.850000")


def test_yes_basket_without_a_leg_is_sold() -> None:
    basket(no=False).run(
        """
        book 0 0.28 0.40
        book 1 0.28 0.40
        book 2 0.28 0.40
        fill a 0.30 100
        done a
        fill b 0.30 100
        done b
        reject c        | sell a 100 @0.28 fak, sell b 100 @0.28 fak
        fill a 0.28 100
        done a
        fill b 0.28 100
        done b
        """
    ).ends({}, "-8.116000")


def test_outcomes_by_date_are_held_and_pay_twice_in_between() -> None:
    play = by_date().run("fill a 0.40 100\ndone a\nfill b 0.45 100\ndone b")
    play.ends({(1, YES): 100, (0, NO): 100}, "0.000000")
    play.run("resolve 0 0\nresolve 1 1").ends({}, "112.562500")


def test_an_outcome_by_date_without_the_other_is_completed() -> None:
    by_date().run("fill a 0.40 100\ndone a\nreject b | buy b 100 @0.45 fak").run(
        "fill b 0.45 100\ndone b"
    ).ends({(1, YES): 100, (0, NO): 100}, "0.000000")
