"""One market, one or two connections, frame by frame."""

import msgspec
import numpy as np
import pytest

from hfptm.lake import Gap
from hfptm.normaliser.normaliser import Normaliser
from hfptm.normaliser.race import Race
from hfptm.normaliser.streams import WINDOW_NS
from hfptm.raw import Chosen, Loss, RawKind, Silence
from hfptm.records import EventFlag, EventKind, GapReason
from hfptm.units import unpack_best
from tests.wire import NO, TS_MS, YES, Rows, change, frame, kinds_of, levels, make_market

MARKET = make_market().market
S = 1_000_000_000


def at(normaliser: Normaliser, second: int, connection: int, payload: bytes) -> Rows:
    """The rows of one frame, received on line 0 by connections below 10, else on line 1."""
    normaliser.receive(second * S, connection // 10, connection, RawKind.FRAME, payload)
    return normaliser.take()


def link(normaliser: Normaliser, second: int, connection: int, kind: RawKind, text: str) -> Rows:
    normaliser.receive(second * S, connection // 10, connection, kind, text.encode())
    return normaliser.take()


def book(ms: int, bid: str = "0.4") -> bytes:
    sides = {"bids": levels((bid, "10")), "asks": levels(("0.6", "10"))}
    return frame("book", asset_id=YES, timestamp=str(TS_MS + ms), **sides)


def bid(ms: int, price: str, size: str, best_bid: str = "") -> bytes:
    best = {"best_bid": best_bid, "best_ask": "0.6"} if best_bid else {}
    entry = change(YES, "BUY", price, size, **best)
    return frame("price_change", timestamp=str(TS_MS + ms), price_changes=[entry])


@pytest.fixture
def both() -> Normaliser:
    """Connections 1 and 11 of two lines, both with the same first book."""
    normaliser = Normaliser([make_market()])
    for connection in (1, 11):
        link(normaliser, 1, connection, RawKind.LINK_UP, "")
        at(normaliser, 1, connection, book(0))
    return normaliser


def test_a_copy_is_nothing_and_a_race(both: Normaliser) -> None:
    assert len(at(both, 2, 1, bid(1, "0.3", "1"))) == 1
    assert len(at(both, 3, 11, bid(1, "0.3", "1"))) == 0
    assert (both.tally.copies, both.tally.race.first) == (1, {0: 1})
    assert both.tally.race.lead_ns(0.5) == pytest.approx(1 * S, rel=0.1)


def test_a_repeated_frame_of_one_line_is_a_repeated_row(both: Normaliser) -> None:
    repeated = bid(1, "0.3", "1")
    assert [len(at(both, 2, 1, repeated)) for _ in range(2)] == [1, 1]
    assert [len(at(both, 3, 11, repeated)) for _ in range(3)] == [0, 0, 1]


def test_a_late_frame_brings_what_nothing_newer_has_set(both: Normaliser) -> None:
    at(both, 2, 1, bid(2, "0.3", "7", "0.5"))
    payload = frame(
        "price_change",
        timestamp=str(TS_MS + 1),
        price_changes=[
            change(YES, "BUY", "0.3", "1", best_bid="0.45", best_ask="0.6"),
            change(YES, "BUY", "0.5", "2", best_bid="0.45", best_ask="0.6"),
        ],
    )
    (row,) = at(both, 3, 11, payload)
    assert (row["price_e4"], row["size_e6"]) == (5000, 2_000_000)
    # It joins the newest batch, whose best prices the healed book must show.
    assert row["ts_venue_ns"] == (TS_MS + 2) * 1_000_000
    assert unpack_best(row["aux"]) == (5000, 6000)
    assert row["flags"] == EventFlag.LAST_IN_BATCH | EventFlag.BEST_YES | EventFlag.HEALED
    assert both.tally.late == 1


def test_a_late_doubt_is_passed_on(both: Normaliser) -> None:
    at(both, 2, 1, bid(2, "0.3", "7"))
    (row,) = at(both, 3, 11, bid(1, "0.30001", "7"))
    assert row["kind"] == EventKind.BEST
    assert row["flags"] == EventFlag.LAST_IN_BATCH | EventFlag.MAYBE_BAD | EventFlag.HEALED


def test_a_late_frame_from_before_a_book_is_nothing(both: Normaliser) -> None:
    link(both, 2, 2, RawKind.LINK_UP, "")
    assert kinds_of(at(both, 2, 2, book(5)))[0] == EventKind.SNAPSHOT
    assert len(at(both, 3, 11, bid(4, "0.3", "7"))) == 0
    assert len(at(both, 3, 11, bid(6, "0.3", "7"))) == 1


def test_what_lags_more_than_the_window_is_dropped_and_its_book_doubted_once(
    both: Normaliser,
) -> None:
    seconds = WINDOW_NS // S
    at(both, 2, 1, bid(1, "0.3", "1"))
    at(both, 2, 1, bid(2, "0.3", "2"))
    at(both, 3 + seconds, 1, bid(9, "0.3", "9"))
    (row,) = at(both, 4 + seconds, 11, bid(1, "0.1", "1"))
    assert (row["kind"], row["ts_venue_ns"]) == (EventKind.BEST, (TS_MS + 9) * 1_000_000)
    assert row["flags"] == EventFlag.LAST_IN_BATCH | EventFlag.MAYBE_BAD
    assert len(at(both, 4 + seconds, 11, bid(2, "0.3", "2"))) == 0
    assert both.tally.too_late == 2
    assert len(at(both, 4 + seconds, 11, bid(9, "0.3", "9"))) == 0
    assert len(at(both, 5 + seconds, 11, bid(10, "0.3", "3"))) == 1


def test_what_lags_doubts_no_book_that_is_newer_and_no_print_does(both: Normaliser) -> None:
    seconds = WINDOW_NS // S
    at(both, 2, 1, bid(1, "0.3", "1"))
    at(both, 2, 1, book(3))
    at(both, 2, 1, bid(4, "0.3", "1"))
    at(both, 3 + seconds, 1, bid(9, "0.3", "9"))
    assert len(at(both, 4 + seconds, 11, bid(1, "0.3", "1"))) == 0
    trade = {"asset_id": YES, "price": "0.5", "size": "3", "side": "BUY"}
    stamp = str(TS_MS + 4)
    assert len(at(both, 4 + seconds, 11, frame("last_trade_price", timestamp=stamp, **trade))) == 0
    assert both.tally.too_late == 2
    assert len(at(both, 4 + seconds, 11, bid(4, "0.2", "1"))) == 1


def test_an_older_book_of_a_joining_connection_is_nothing(both: Normaliser) -> None:
    at(both, 2, 1, bid(2, "0.3", "1"))
    link(both, 3, 12, RawKind.LINK_UP, "")
    assert len(at(both, 3, 12, book(1, bid="0.1"))) == 0
    assert len(at(both, 4, 12, bid(2, "0.3", "1"))) == 0
    assert len(at(both, 5, 12, bid(3, "0.3", "2"))) == 1


def joined(normaliser: Normaliser, second: int, connection: int, payload: bytes) -> Rows:
    link(normaliser, second, connection, RawKind.LINK_UP, "")
    return at(normaliser, second, connection, payload)


def test_who_joins_with_an_older_book_brings_what_one_alone_lacked(both: Normaliser) -> None:
    link(both, 2, 11, RawKind.LINK_DOWN, "")
    at(both, 3, 1, bid(2, "0.3", "1"))
    at(both, 3, 1, bid(5, "0.3", "5"))
    assert len(joined(both, 3, 12, book(3))) == 0
    (row,) = at(both, 3, 12, bid(4, "0.2", "7"))
    assert (row["price_e4"], row["size_e6"]) == (2000, 7_000_000)
    assert row["flags"] & EventFlag.HEALED
    assert len(at(both, 3, 12, bid(5, "0.3", "5"))) == 0
    assert both.tally.copies == 2  # of these one is the second line's first book


def test_who_joins_with_an_older_book_brings_what_all_lacked(both: Normaliser) -> None:
    for connection in (1, 11):
        at(both, 3, connection, bid(5, "0.3", "5"))
    assert len(joined(both, 3, 12, book(3))) == 0
    (row,) = at(both, 3, 12, bid(4, "0.2", "7"))
    assert (row["price_e4"], row["size_e6"]) == (2000, 7_000_000)


def test_what_can_be_matched_no_more_is_doubted_once(both: Normaliser) -> None:
    """Nothing was kept of what is older, so it may be known or not."""
    at(both, 3, 1, bid(5, "0.3", "5"))
    at(both, 3, 11, bid(5, "0.3", "5"))
    assert len(joined(both, 4, 12, book(3))) == 0
    (row,) = at(both, 4, 12, bid(4, "0.2", "7"))
    assert (row["kind"], row["ts_venue_ns"]) == (EventKind.BEST, (TS_MS + 5) * 1_000_000)
    assert row["flags"] == EventFlag.LAST_IN_BATCH | EventFlag.MAYBE_BAD
    assert len(at(both, 4, 12, bid(5, "0.2", "8"))) == 0
    assert len(at(both, 4, 12, bid(6, "0.2", "8"))) == 1


def test_an_older_book_overtakes_nothing(both: Normaliser) -> None:
    at(both, 3, 1, bid(5, "0.3", "5"))
    joined(both, 3, 12, book(4))
    (row,) = at(both, 3, 11, bid(2, "0.2", "7"))
    assert (row["price_e4"], row["size_e6"]) == (2000, 7_000_000)


def test_messages_are_known_again_in_an_array(both: Normaliser) -> None:
    sides = {"bids": levels(("0.5", "1")), "asks": []}
    yes = frame("book", asset_id=YES, timestamp=str(TS_MS + 9), **sides)
    trade = {"asset_id": YES, "price": "0.5", "size": "3", "side": "BUY"}
    print_ = frame("last_trade_price", timestamp=str(TS_MS + 9), **trade)
    at(both, 2, 1, yes)
    at(both, 2, 1, print_)
    assert len(at(both, 3, 11, b"[" + yes + b"," + print_ + b"]")) == 0


def test_a_gap_is_where_no_connection_is_left(both: Normaliser) -> None:
    assert len(link(both, 5, 1, RawKind.LINK_DOWN, "")) == 0
    at(both, 7, 11, bid(1, "0.3", "1"))
    (row,) = link(both, 9, 11, RawKind.LINK_DOWN, "silence")
    assert (row["kind"], row["aux"]) == (EventKind.GAP, GapReason.SILENCE)
    assert row["ts_recv_ns"] == 9 * S
    assert both.unseen[MARKET].from_ns == 7 * S
    link(both, 12, 13, RawKind.LINK_UP, "")
    at(both, 12, 13, book(3))
    (gap,) = both.take_gaps()
    assert (gap.from_ns, gap.to_ns, gap.reason) == (7 * S, 12 * S, GapReason.SILENCE)
    assert not both.unseen


def test_a_gap_begins_where_the_last_living_connection_ended(both: Normaliser) -> None:
    """Connection 11 froze at 1 s, which was noticed at 20 s."""
    at(both, 6, 1, bid(1, "0.3", "1"))
    link(both, 8, 1, RawKind.LINK_DOWN, "")
    link(both, 20, 11, RawKind.LINK_DOWN, "silence")
    assert both.unseen[MARKET].from_ns == 6 * S


def test_a_silent_market_is_unseen_on_its_connection_alone(both: Normaliser) -> None:
    said = msgspec.json.encode(Silence([YES, NO, "9"])).decode()
    at(both, 5, 11, bid(1, "0.3", "1"))
    assert len(link(both, 8, 1, RawKind.SILENCE, said)) == 0
    (row,) = link(both, 9, 11, RawKind.SILENCE, said)
    assert (row["kind"], row["aux"]) == (EventKind.GAP, GapReason.SILENCE)
    assert both.unseen[MARKET].from_ns == 5 * S
    assert kinds_of(at(both, 10, 1, book(2)))[0] == EventKind.SNAPSHOT


def test_rows_that_were_not_kept_are_a_gap_but_for_the_other_line(both: Normaliser) -> None:
    said = msgspec.json.encode(Loss(GapReason.DISK, 3, 7, 4 * S)).decode()
    assert len(link(both, 5, 1, RawKind.LOSS, said)) == 0
    assert len(at(both, 6, 1, bid(1, "0.3", "1"))) == 1  # still up, but the book was the other's
    assert len(link(both, 7, 11, RawKind.LOSS, said)) == 0
    (row,) = link(both, 8, 1, RawKind.LOSS, said)
    assert (row["kind"], row["aux"]) == (EventKind.GAP, GapReason.DISK)


def test_a_recorder_that_starts_ends_all_before_it(both: Normaliser) -> None:
    at(both, 5, 11, bid(1, "0.3", "1"))
    (row,) = link(both, 90, 0, RawKind.START, "")
    assert (row["kind"], row["aux"]) == (EventKind.GAP, GapReason.STOPPED)
    assert both.unseen[MARKET].from_ns == 5 * S


def test_a_connection_that_comes_up_again_had_gone_down(both: Normaliser) -> None:
    link(both, 3, 11, RawKind.LINK_DOWN, "")
    (row,) = link(both, 4, 1, RawKind.LINK_UP, "")
    assert row["kind"] == EventKind.GAP


def test_a_reply_on_no_connection_is_no_row(both: Normaliser) -> None:
    both.receive(2 * S, -1, -1, RawKind.REST, book(9))
    assert len(both.take()) == 0
    assert both.tally.stray_replies == 1


def test_the_end_of_a_recording_is_a_gap(both: Normaliser) -> None:
    both.stop(GapReason.DAMAGE, 3 * S)
    assert kinds_of(both.take()) == [EventKind.GAP]
    assert both.unseen[MARKET].reason == GapReason.DAMAGE


def test_leads_are_right_to_a_tenth() -> None:
    race, rng = Race(), np.random.default_rng(7)
    leads = rng.integers(1, 10**9, 999)
    for lead_ns in leads.tolist():
        race.add(1, lead_ns)
    assert race.lead_ns(0.5) == pytest.approx(np.median(leads), rel=0.1)
    assert Race().lead_ns(0.5) == 0


def test_exact_below_sixteen() -> None:
    for lead_ns in range(16):
        race = Race()
        race.add(0, lead_ns)
        assert race.lead_ns(0.5) == lead_ns


def test_both_tokens_are_one_market(both: Normaliser) -> None:
    assert len(at(both, 2, 1, bid(1, "0.3", "1"))) == 1
    entry = change(NO, "SELL", "0.7", "1")
    payload = frame("price_change", timestamp=str(TS_MS + 1), price_changes=[entry])
    assert len(at(both, 3, 11, payload)) == 0


def test_a_resolved_market_is_nobodys_loss(both: Normaliser) -> None:
    """Both lines announce it; neither its end nor theirs is a gap."""
    resolved = frame("market_resolved", winning_asset_id=YES)
    assert kinds_of(at(both, 2, 1, resolved)) == [EventKind.STATE]
    assert len(at(both, 3, 11, resolved)) == 0
    for connection in (1, 11):
        assert len(link(both, 4, connection, RawKind.LINK_DOWN, "")) == 0
    assert not both.unseen


def test_ten_thousand_markets_leave_nothing() -> None:
    normaliser = Normaliser([])
    link(normaliser, 1, 1, RawKind.LINK_UP, "")
    empty = len(normaliser.save())
    for number in range(10_000):
        condition = f"0x{number << 193:064x}"
        market = make_market(condition, f"{number}1", f"{number}2")
        normaliser.add_market(market)
        sides = {"bids": levels(("0.4", "1")), "asks": []}
        payload = frame("book", market=condition, asset_id=market.yes_token, **sides)
        assert len(at(normaliser, 2, 1, payload)) == 2
        said = msgspec.json.encode(Silence([market.yes_token])).decode()
        assert len(link(normaliser, 2, 1, RawKind.SILENCE, said)) == 1
        normaliser.remove_market(market)
    assert len(normaliser.save()) <= empty + 9  # a time is longer than none
    assert len(at(normaliser, 3, 1, payload)) == 0
    assert normaliser.counters.unknown_token == 1


def silent(normaliser: Normaliser, second: int, connection: int) -> None:
    text = msgspec.json.encode(Silence([YES, NO])).decode()
    link(normaliser, second, connection, RawKind.SILENCE, text)


def renewed(normaliser: Normaliser, second: int, connection: int, payload: bytes) -> None:
    """Another connection of its line takes over, with this first book."""
    link(normaliser, second, connection, RawKind.LINK_DOWN, "replaced")
    link(normaliser, second, connection + 1, RawKind.LINK_UP, "")
    at(normaliser, second, connection + 1, payload)


def test_a_newer_book_shows_what_lines_lacked_that_were_silent_unnoticed(both: Normaliser) -> None:
    at(both, 2, 1, bid(1, "0.3", "1"))
    at(both, 2, 11, bid(1, "0.3", "1"))
    renewed(both, 20, 1, book(9_000))
    silent(both, 30, 11)
    (gap,) = both.take_gaps()
    assert (gap.from_ns, gap.to_ns, gap.reason) == (2 * S, 20 * S, GapReason.SILENCE)
    silent(both, 31, 11)
    assert both.take_gaps() == []


def test_each_of_several_newer_books_shows_what_came_before_it(both: Normaliser) -> None:
    renewed(both, 20, 1, book(9_000))
    at(both, 21, 2, bid(9_500, "0.3", "1"))
    renewed(both, 22, 2, book(9_800))
    silent(both, 30, 11)
    gaps = [(gap.from_ns // S, gap.to_ns // S) for gap in both.take_gaps()]
    assert gaps == [(1, 20), (21, 22)]


def test_a_book_that_is_not_newer_or_that_others_come_up_to_shows_nothing(both: Normaliser) -> None:
    renewed(both, 20, 1, book(0))
    silent(both, 30, 11)
    assert both.take_gaps() == []
    link(both, 31, 12, RawKind.LINK_UP, "")
    at(both, 31, 12, book(9_000))
    at(both, 32, 2, bid(9_000, "0.4", "10"))
    silent(both, 40, 2)
    assert both.take_gaps() == []


def test_who_lags_has_a_while_to_come_up_to_a_newer_book(both: Normaliser) -> None:
    renewed(both, 20, 1, book(9_000))
    silent(both, 21, 2)
    at(both, 22, 11, bid(9_000, "0.3", "2"))
    silent(both, 30, 11)
    assert both.take_gaps() == []


def test_what_is_of_before_a_newer_book_is_not_coming_up_to_it(both: Normaliser) -> None:
    """However late it is received: what was sent between the two is lacking."""
    renewed(both, 20, 1, book(9_000))
    at(both, 21, 11, bid(8_000, "0.3", "2"))
    silent(both, 30, 11)
    assert [(gap.from_ns // S, gap.to_ns // S) for gap in both.take_gaps()] == [(1, 20)]


def removed(normaliser: Normaliser, second: int, connection: int) -> Rows:
    text = msgspec.json.encode(Silence([YES, NO], GapReason.REMOVED)).decode()
    return link(normaliser, second, connection, RawKind.SILENCE, text)


def cut(
    normaliser: Normaliser, *, heard: int, cut: int, back: int, ms: int, cause: str = ""
) -> list[Gap]:
    """Both lines last heard of the market, and of another, then ended; a book of `ms` is next."""
    other = make_market("0x" + "9" * 64, "91", "92")
    normaliser.add_market(other)
    sides = {"market": other.condition_id, "bids": [], "asks": []}
    for connection in (1, 11):
        at(normaliser, heard, connection, bid(5, "0.3", "1"))
        at(normaliser, cut, connection, frame("book", asset_id="91", timestamp="1", **sides))
    for connection in (1, 11):
        link(normaliser, cut + 1, connection, RawKind.LINK_DOWN, cause)
    at(normaliser, back, 2, book(ms))
    return normaliser.take_gaps()


def test_a_cut_after_which_something_is_new_reaches_back_to_the_last_word(both: Normaliser) -> None:
    before, after = cut(both, heard=4, cut=30, back=40, ms=6)
    assert before == Gap(4 * S, MARKET, 30 * S, GapReason.SILENCE)
    assert after == Gap(30 * S, MARKET, 40 * S, GapReason.DISCONNECT)


def test_a_cut_after_which_nothing_is_new_does_not(both: Normaliser) -> None:
    assert cut(both, heard=4, cut=30, back=40, ms=5) == [
        Gap(30 * S, MARKET, 40 * S, GapReason.DISCONNECT)
    ]


@pytest.mark.parametrize("reason", [GapReason.STOPPED, GapReason.OVERLOAD, GapReason.DISK])
def test_what_the_recorder_did_itself_does_not_reach_back(
    both: Normaliser, reason: GapReason
) -> None:
    gaps = cut(both, heard=4, cut=30, back=40, ms=6, cause=reason.name.lower())
    assert gaps == [Gap(30 * S, MARKET, 40 * S, reason)]


def test_how_a_gap_began_is_saved(both: Normaliser) -> None:
    at(both, 4, 1, bid(5, "0.3", "1"))
    link(both, 30, 1, RawKind.LINK_DOWN, "")
    silent(both, 31, 11)
    again = Normaliser([make_market()], both.save())
    for each in (both, again):
        at(each, 40, 2, book(6))
    assert again.take_gaps() == both.take_gaps()


def test_a_connection_without_a_book_shows_what_others_lacked_too(both: Normaliser) -> None:
    """Its book was lost on the way, and what it went on telling was new."""
    at(both, 2, 1, bid(1, "0.3", "1"))
    link(both, 19, 1, RawKind.LINK_DOWN, "")
    link(both, 19, 2, RawKind.LINK_UP, "")
    at(both, 20, 2, bid(9_000, "0.3", "2"))
    silent(both, 30, 11)
    assert both.take_gaps() == [Gap(2 * S, MARKET, 20 * S, GapReason.SILENCE)]


def test_a_market_that_is_removed_is_no_loss(both: Normaliser) -> None:
    assert len(removed(both, 8, 1)) == 0
    (row,) = removed(both, 9, 11)
    assert (row["kind"], row["aux"]) == (EventKind.GAP, GapReason.REMOVED)
    at(both, 40, 1, book(6))
    assert both.take_gaps() == [Gap(1 * S, MARKET, 40 * S, GapReason.REMOVED)]


def test_a_market_that_is_removed_while_nobody_sees_it_is_missed_no_longer(
    both: Normaliser,
) -> None:
    silent(both, 8, 1)
    silent(both, 9, 11)
    (row,) = removed(both, 20, 0)
    assert (row["kind"], row["aux"]) == (EventKind.GAP, GapReason.REMOVED)
    assert len(removed(both, 21, 10)) == 0
    assert both.take_gaps() == [Gap(1 * S, MARKET, 20 * S, GapReason.SILENCE)]
    assert both.unseen[MARKET] == Gap(20 * S, MARKET, 0, GapReason.REMOVED)


def restarted(both: Normaliser, second: int, chosen: list[int]) -> Rows:
    """By a recorder that starts two seconds before it has chosen."""
    link(both, second - 2, 0, RawKind.START, "")
    return link(both, second, 0, RawKind.CHOSEN, msgspec.json.encode(Chosen(chosen)).decode())


def test_what_is_chosen_again_is_missed_until_its_book(both: Normaliser) -> None:
    assert len(restarted(both, 20, [7, MARKET])) == 0
    at(both, 30, 21, book(6))
    assert both.take_gaps() == [Gap(1 * S, MARKET, 30 * S, GapReason.STOPPED)]


def test_what_is_not_chosen_again_is_missed_no_longer(both: Normaliser) -> None:
    (row,) = restarted(both, 20, [7])
    assert (row["market"], row["kind"], row["aux"]) == (MARKET, EventKind.GAP, GapReason.REMOVED)
    assert both.take_gaps() == [Gap(1 * S, MARKET, 20 * S, GapReason.STOPPED)]
    assert both.unseen[MARKET] == Gap(20 * S, MARKET, 0, GapReason.REMOVED)
    assert len(restarted(both, 30, [])) == 0
    assert both.take_gaps() == []
    at(both, 40, 21, book(6))
    assert both.take_gaps() == [Gap(20 * S, MARKET, 40 * S, GapReason.REMOVED)]


def test_what_is_removed_is_remembered_only_while_it_can_come_back(both: Normaliser) -> None:
    other = make_market("0x" + "9" * 64, "91", "92")
    restarted(both, 20, [MARKET])
    assert MARKET in Normaliser([], Normaliser([other], both.save()).save()).unseen
    restarted(both, 30, [])
    assert MARKET in Normaliser([], both.save()).unseen
    assert Normaliser([other], Normaliser([other], both.save()).save()).unseen == {}


def test_a_choice_is_no_matter_to_what_is_seen(both: Normaliser) -> None:
    said = msgspec.json.encode(Chosen([])).decode()
    assert len(link(both, 5, 0, RawKind.CHOSEN, said)) == 0
    assert both.unseen == {}


def test_what_is_forgotten_at_once_leaves_nothing_either(both: Normaliser) -> None:
    at(both, 2, 1, bid(1, "0.3", "1"))
    empty = Normaliser([make_market()])
    for connection in (1, 11):
        link(empty, 1, connection, RawKind.LINK_UP, "")
    both.remove_market(make_market())
    assert len(both.save()) <= len(empty.save()) + 9  # a time is longer than none
    assert len(removed(both, 3, 1)) == 0
