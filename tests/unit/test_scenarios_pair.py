"""One market's YES and NO, row by row: what each report makes the executor do, and what is left."""

import pytest

from hfptm.records import LegPolicy, Token
from tests.scenarios import pair, pair_thin

YES, NO = Token.YES, Token.NO
BOTH = """
    fill a 0.45 100
    done a
    fill b 0.40 100
    done b  | merge 100
    settled
"""


def test_both_filled() -> None:
    pair().run(BOTH).ends({}, "12.562500")


def test_one_filled() -> None:
    pair().run(
        """
        fill a 0.45 100
        done a
        reject b       | sell a 100 @0.44 fak
        fill a 0.44 100
        done a
        """
    ).ends({}, "-3.469500")


def test_none_filled() -> None:
    pair().run("reject a\nreject b").ends({}, "0.000000")


def test_both_partly_filled() -> None:
    pair().run(
        """
        fill a 0.45 60
        done a
        fill b 0.40 25
        done b         | merge 25, sell a 35 @0.44 fak
        fill a 0.44 35
        done a
        settled
        """
    ).ends({}, "1.926300")


def test_delayed_then_filled() -> None:
    pair().run("delayed a\ndelayed b" + BOTH).ends({}, "12.562500")


def test_unknown_then_filled() -> None:
    """Nothing is sent again for what may be filled, however long it takes."""
    pair().run("unknown a\nfill b 0.40 100\ndone b\ntimer 50000\nfill a 0.45 100\n").run(
        "done a | merge 100\nsettled"
    ).ends({}, "12.562500")


def test_unknown_then_not_there() -> None:
    pair().run(
        """
        unknown a
        fill b 0.40 100
        done b
        reject a       | sell b 100 @0.38 fak
        fill b 0.38 100
        done b
        """
    ).ends({}, "-4.378000")


def test_a_ghost_fill() -> None:
    pair(fills_settle=1).run(
        """
        fill a 0.45 100
        done a
        fill b 0.40 100
        done b
        confirm a 0.45 100
        fail b 0.40 100     | sell a 100 @0.44 fak
        fill a 0.44 100
        done a
        confirm a 0.44 100
        """
    ).ends({}, "-3.469500")


def test_a_sale_that_was_a_ghost_is_sent_once_more() -> None:
    pair(fills_settle=1).run(
        """
        reject b
        fill a 0.45 100
        done a
        confirm a 0.45 100  | sell a 100 @0.44 fak
        fill a 0.44 100
        done a
        fail a 0.44 100     | sell a 100 @0.44 fak
        fill a 0.44 100
        done a
        confirm a 0.44 100
        """
    ).ends({}, "-3.469500")


def test_told_twice() -> None:
    """Reports that come again change nothing, whether their order is out or over."""
    play = pair(fills_settle=1).run(
        """
        fill a 0.45 100
        fill a 0.45 100
        done a
        done a
        fill a 0.45 100
        reject b
        reject b
        confirm a 0.45 100  | sell a 100 @0.44 fak
        confirm a 0.45 100
        fill a 0.44 100
        fill a 0.44 100
        done a
        confirm a 0.44 100
        fail a 0.44 100
        """
    )
    play.ends({}, "-3.469500")
    assert play.kernel.counters()["unused_rows"] == 7


def test_resolved_in_the_middle() -> None:
    pair().run(
        """
        fill a 0.45 100
        done a
        resolve 0 1
        reject b
        """
    ).ends({}, "53.762500")


def test_resolved_while_the_merge_is_out() -> None:
    pair().run(
        """
        fill a 0.45 100
        done a
        fill b 0.40 100
        done b  | merge 100
        resolve 0 0
        settled
        """
    ).ends({}, "12.562500")


def test_a_tick_change_in_the_middle() -> None:
    """Without a book nothing is sold; a minute later it is, on the new grid."""
    pair().run(
        """
        tick 0 0.005
        fill a 0.45 100
        done a
        reject b
        book 0 0.435 0.60
        timer           | sell a 100 @0.435 fak
        fill a 0.435 100
        done a
        """
    ).ends({}, "-3.966380")


def test_a_merge_that_failed_is_sent_again_and_then_left_for_a_while() -> None:
    pair().run(BOTH.replace("settled", "")).run(
        """
        unsettled  | merge 100
        unsettled  | merge 100
        unsettled  | merge 100
        unsettled
        timer      | merge 100
        settled
        """
    ).ends({}, "12.562500")


def test_what_found_no_bid_is_looked_at_every_minute() -> None:
    play = pair().run("book 0 - 0.62\nreject b\nfill a 0.45 100\ndone a\ntimer\ntimer")
    play.ends({(0, YES): 100}, "0.000000")
    play.run("book 0 0.44 0.62\ntimer | sell a 100 @0.44 fak\nfill a 0.44 100\ndone a")
    play.ends({}, "-3.469500")


def test_what_one_plan_left_is_merged_with_what_another_did() -> None:
    play = pair().run("book 0 - -\nreject b\nfill a 0.45 100\ndone a")
    play.kernel.state.positions[0, 0, NO]["size_e6"] = 40_000_000
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


def test_a_halt_holds_the_sale_back_and_it_goes_later() -> None:
    play = pair().run("halt\nfill a 0.45 100\ndone a\nreject b\ntimer\ntimer\nresume")
    play.ends({(0, YES): 100}, "0.000000")
    assert play.kernel.lane()["withheld"] == 1, "said once, not each minute"
    play.run("timer | sell a 100 @0.44 fak\nfill a 0.44 100\ndone a").ends({}, "-3.469500")


def test_gtc_cancels_what_rests() -> None:
    """A CANCEL that came too early, in the taker delay or before the order, is sent again."""
    pair(leg_policy=LegPolicy.GTC).run(
        """
        fill a 0.45 100
        done a
        fill b 0.40 30
        timer 210       | cancel b
        ack b
        timer 410       | cancel b
        make b 0.40 10
        done b          | merge 40, sell a 60 @0.44 fak
        fill a 0.44 60
        done a
        settled
        """
    ).ends({}, "3.063300")


def test_gtc_in_its_taker_delay_is_cancelled_once_it_rests() -> None:
    pair(leg_policy=LegPolicy.GTC).run(
        """
        delayed b
        fill a 0.45 100
        done a
        timer 210
        ack b
        timer           | cancel b
        done b          | sell a 100 @0.44 fak
        """
    )


def test_a_stop_cancels_what_rests_at_once() -> None:
    pair(leg_policy=LegPolicy.GTC).run("done a\nack b\nstop | cancel b\ndone b").ends(
        {}, "0.000000"
    )


def test_the_thinnest_leg_first() -> None:
    play = pair_thin().run(
        """
        fill b 0.40 60
        done b          | buy a 60 @0.45 fak
        fill a 0.45 60
        done a          | merge 60
        settled
        """
    )
    play.ends({}, "7.537500")


def test_the_thinnest_leg_missed_costs_nothing() -> None:
    pair_thin().run("reject b").ends({}, "0.000000")


@pytest.mark.parametrize("shares", [60, 0])
def test_a_resting_leg_first(shares: int) -> None:
    """It rests a tick below its cost and pays no fee; the other is bought as it was filled."""
    play = pair_thin(resting=True).run("ack b")
    if not shares:
        play.run("timer | cancel b\ndone b").ends({}, "0.000000")
        return
    play.run(
        """
        make b 0.39 60
        timer           | cancel b
        done b          | buy a 60 @0.45 gtc
        fill a 0.45 60
        done a          | merge 60
        settled
        """
    ).ends({}, "8.857500")


def test_what_a_plan_under_way_bought_is_not_looked_at() -> None:
    play = pair().run("book 0 - 0.62\nreject b\nfill a 0.45 100\ndone a")
    play.run("book 0 0.60 0.45 | buy a 500 @0.45 fak, buy b 500 @0.4 fak\nbook 0 0.44 0.62")
    play.run("fill a 0.45 200\ntimer\ndone a\nreject b | sell a 200 @0.44 fak")
    play.run("fill a 0.44 200\ndone a\ntimer | sell a 100 @0.44 fak\nfill a 0.44 100\ndone a")
    play.ends({}, "-10.408500")
