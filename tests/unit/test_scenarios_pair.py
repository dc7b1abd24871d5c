"""One market's YES and NO, row by row: what each report makes the executor do, and what is left."""

import pytest

from hfptm.records import LegOrder, LegPolicy, Token
from tests.kernels import book, fee, market
from tests.scenarios import Play, pair, pair_thin

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


def test_told_twice_of_an_order_that_counts_shares() -> None:
    """60 of 100 a second time is more than it can still fill."""
    play = pair(leg_policy=LegPolicy.GTC).run("fill a 0.45 60\nfill a 0.45 60")
    assert play.kernel.lane()["fills"] == play.kernel.counters()["unused_rows"] == 1


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


def test_cancels_come_at_ever_longer_intervals() -> None:
    """As in a restart of the exchange, which hears none for a minute and a half."""
    play = pair(leg_policy=LegPolicy.GTC).run("fill a 0.45 100\ndone a\nack b")
    times_ms = []
    while play.now_ms < 90_000:
        play.run("timer | cancel b")
        times_ms.append(play.now_ms)
    assert times_ms[:7] == [210, 410, 810, 1_610, 3_210, 6_410, 12_810]
    assert times_ms[7:] == list(range(22_810, 100_000, 10_000))
    play.run("stop | cancel b\ndone b | sell a 100 @0.44 fak")


def test_orders_that_may_rest_for_long_are_not_cancelled_more_often() -> None:
    play = pair(leg_policy=LegPolicy.GTC, leg_timeout_ns=15_000_000_000).run("reject a\nack b")
    for wake_ms in (15_010, 30_010, 45_010):
        play.run("timer | cancel b")
        assert play.now_ms == wake_ms


def test_a_leg_that_rests_late_is_cancelled_in_its_own_time() -> None:
    """However often another leg of its plan was cancelled before."""
    play = pair(leg_policy=LegPolicy.GTC).run("ack a\ndelayed b")
    play.run("timer | cancel a\n" * 5 + "timer 5000\nack b\ntimer | cancel a, cancel b")
    assert play.now_ms == 5_201
    play.run("timer | cancel a, cancel b\ntimer | cancel a, cancel b")
    assert play.now_ms == 5_801


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


def test_the_thinnest_may_be_the_first_leg_and_the_first_of_equals_goes() -> None:
    for shares in (120, 100):
        params = {"leg_order": int(LegOrder.THINNEST_FIRST)}
        rows = [market(0), fee(0, 500), *book(10, 0, {6_000: shares}, {4_500: 100})]
        Play(**params).open(rows, "buy a 100 @0.45 fak")


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


@pytest.mark.parametrize("policy", [LegPolicy.FAK, LegPolicy.FOK, LegPolicy.GTC])
def test_a_restart_in_the_middle(policy: LegPolicy) -> None:
    """One leg was matched before it, of the other nobody knows for long; no order goes twice."""
    pair(leg_policy=policy).run(
        """
        fill a 0.45 100
        unknown b
        unknown a
        gap 0
        timer 60000
        book 0 0.44 0.62
        done a
        reject b        | sell a 100 @0.44 fak
        reject a        | sell a 100 @0.44 fak
        unknown a
        timer 120000
        fill a 0.44 100
        done a
        """
    ).ends({}, "-3.469500")


def test_a_restart_while_the_thinnest_leg_is_out() -> None:
    """The others wait until it is known; the gate holds them back while there is no book."""
    pair_thin().run("unknown b\ngap 0\ntimer 60000\nfill b 0.40 80\ndone b").run(
        "book 0 0.60 0.62\ntimer | sell b 80 @0.38 fak\nfill b 0.38 80\ndone b"
    ).ends({}, "-3.502400")


def test_a_restart_while_a_leg_rests() -> None:
    """Cancellations nobody hears are sent again; what was filled meanwhile is bought in full."""
    pair_thin(resting=True).run(
        """
        ack b
        timer           | cancel b
        timer           | cancel b
        make b 0.39 80
        done b          | buy a 80 @0.45 gtc
        unknown a
        timer 60000
        fill a 0.45 80
        done a          | merge 80
        settled
        """
    ).ends({}, "11.810000")
