"""What plans leave, row by row: looked at every minute, sold, merged, or left once more."""

import pytest

from hfptm.records import Token
from tests.compiled import note_held
from tests.scenarios import pair

YES, NO = Token.YES, Token.NO


def test_what_found_no_bid_is_looked_at_every_minute() -> None:
    play = pair().run("book 0 - 0.62\nreject b\nfill a 0.45 100\ndone a\ntimer\ntimer")
    play.ends({(0, YES): 100}, "0.000000")
    play.run("book 0 0.44 0.62\ntimer | sell a 100 @0.44 fak\nfill a 0.44 100\ndone a")
    play.ends({}, "-3.469500")


def test_a_plan_that_bought_proves_itself_and_what_sweeps_up_after_it_does_not() -> None:
    play = pair(fills_settle=1).run("book 0 - 0.62\nreject b\nfill a 0.45 100\ndone a")
    assert play.kernel.state.risk[0]["proven_plans"] == 0, "its fill may still be taken back"
    play.run("confirm a 0.45 100")
    assert play.kernel.state.risk[0]["proven_plans"] == 1
    play.run("book 0 0.44 0.62\ntimer | sell a 100 @0.44 fak")
    play.run("fill a 0.44 100\ndone a\nconfirm a 0.44 100").ends({}, "-3.469500")
    assert play.kernel.state.risk[0]["proven_plans"] == 1


def test_what_one_plan_left_is_merged_with_what_another_did() -> None:
    play = pair().run("book 0 - -\nreject b\nfill a 0.45 100\ndone a")
    play.kernel.state.positions[0, 0, NO]["size_e6"] = 40_000_000
    note_held(play.kernel.state, 0, 0)
    play.run("timer | merge 40\nsettled").ends({(0, YES): 60}, "21.505000")


def test_a_bid_far_below_the_middle_is_left_until_it_was_held_too_long() -> None:
    play = pair(position_timeout_ns=100_000_000_000).run(
        """
        book 0 0.02 0.62
        fill a 0.45 100
        done a
        reject b
        timer
        """
    )
    play.ends({(0, YES): 100}, "0.000000")
    play.run("timer\ntimer | sell a 100 @0.02 fak\nfill a 0.02 100\ndone a")
    play.ends({}, "-44.335500")


@pytest.mark.parametrize(
    ("book", "sold_at"),
    [("0.12 0.62", ""), ("0.20 0.62", "0.2"), ("0.44 -", "0.44"), ("0.02 -", "0.02")],
)
def test_a_bid_above_the_square_of_the_middle_is_taken(book: str, sold_at: str) -> None:
    """0.12 less its fee is below 0.37 squared; 0.20 is above 0.41 squared. No ask: any bid is."""
    play = pair().run(f"book 0 {book}\nfill a 0.45 100\ndone a")
    play.run(f"reject b | sell a 100 @{sold_at} fak" if sold_at else "reject b")


@pytest.mark.parametrize("end", ["gap 0", "close 0"])
def test_without_a_book_nothing_is_even_tried(end: str) -> None:
    play = pair().run(f"{end}\nfill a 0.45 100\ndone a\nreject b\ntimer")
    play.ends({(0, YES): 100}, "0.000000")
    assert play.kernel.lane()["withheld"] == 0


def test_a_halt_holds_the_sale_back_and_it_goes_later() -> None:
    play = pair().run("halt\nfill a 0.45 100\ndone a\nreject b\ntimer\ntimer\nresume")
    play.ends({(0, YES): 100}, "0.000000")
    assert play.kernel.lane()["withheld"] == 1, "said once, not each minute"
    play.run("timer | sell a 100 @0.44 fak\nfill a 0.44 100\ndone a").ends({}, "-3.469500")


def test_what_a_plan_under_way_bought_is_not_looked_at() -> None:
    play = pair().run("book 0 - 0.62\nreject b\nfill a 0.45 100\ndone a")
    play.run("book 0 0.60 0.45 | buy a 500 @0.45 fak, buy b 500 @0.4 fak\nbook 0 0.44 0.62")
    play.run("fill a 0.45 200\ntimer\ndone a\nreject b | sell a 200 @0.44 fak")
    play.run("fill a 0.44 200\ndone a\ntimer | sell a 100 @0.44 fak\nfill a 0.44 100\ndone a")
    play.ends({}, "-10.408500")
