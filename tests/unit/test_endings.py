"""Who took it, on tapes of a few rows on which every answer is known."""

from collections.abc import Sequence

import pytest

from hfptm.config import load
from hfptm.records import EventFlag, EventKind, Side, Token
from hfptm.registry import market_id
from hfptm.units import ONE_E6
from replay.endings import Ended, Ending, endings
from tests.engines import tape_of
from tests.tapes import START_NS, Row, make_market

MS = 1_000_000
LAST = int(EventFlag.LAST_IN_BATCH)
BID, ASK = Side
END_MS = 10_000
Change = tuple[float, EventKind, int, int, int]
"""ms of exchange time, kind, side, price_e4, shares; of the market "a" unless it is negative."""


def row(slug: str, after_ms: float, kind: EventKind, **fields: int) -> Row:
    """Received 20 ms after it happened."""
    ts_ns = START_NS + round(after_ms * MS)
    values = dict.fromkeys(("size_e6", "aux", "price_e4", "flags", "side"), 0) | fields
    times = {"ts_recv_ns": ts_ns + 20 * MS, "ts_venue_ns": ts_ns}
    return Row(**times, market=market_id(slug), kind=kind, **values)


def book(slug: str, after_ms: float, bids: dict[int, int], asks: dict[int, int]) -> list[Row]:
    flags = int(EventFlag.SNAPSHOT)
    rows = [row(slug, after_ms, EventKind.SNAPSHOT, flags=flags)]
    for side, levels in ((BID, bids), (ASK, asks)):
        for price_e4, shares in levels.items():
            fields = {"side": side, "price_e4": price_e4, "size_e6": shares * ONE_E6}
            rows.append(row(slug, after_ms, EventKind.LEVEL, flags=flags, **fields))
    rows[-1] = rows[-1]._replace(flags=flags | LAST)
    return rows


def level(after_ms: float, price_e4: int, shares: int, side: Side = ASK, slug: str = "a") -> Row:
    fields = {"side": side, "price_e4": price_e4, "size_e6": shares * ONE_E6}
    return row(slug, after_ms, EventKind.LEVEL, flags=LAST, **fields)


def trade(after_ms: float, price_e4: int, shares: int, slug: str = "a") -> Row:
    fields = {"side": BID, "price_e4": price_e4, "size_e6": shares * ONE_E6}
    return row(slug, after_ms, EventKind.TRADE, **fields)


BOOK = book("a", 0, {3_000: 50}, {4_000: 100, 4_200: 60, 5_000: 500})
OTHER = book("b", 0, {3_000: 50}, {4_000: 100, 5_000: 500})
GONE = level(END_MS, 4_000, 0)
YES = ((market_id("a"), int(Token.YES)),)


def answer(
    changes: Sequence[Row],
    legs: tuple[tuple[int, int], ...] = YES,
    cuts: Sequence[int] = (),
    before: Sequence[Row] = (*BOOK, *OTHER),
) -> Ending:
    """Of the end at `END_MS`, with the tape cut into blocks at these places."""
    rows = sorted([*before, *changes], key=lambda row: row.ts_recv_ns)
    tape = tape_of(rows)
    starts, stops = [0, *cuts], [*cuts, len(tape)]
    blocks = (tape[start:stop].copy() for start, stop in zip(starts, stops, strict=True))
    markets = [make_market("a"), make_market("b")]
    end_ns = START_NS + (END_MS + 20) * MS
    (found,) = endings(blocks, markets, load(None, [], {}), [Ended(end_ns, legs)])
    return found


@pytest.mark.parametrize("after_ms", [END_MS - 900, END_MS, END_MS + 60, END_MS + 900])
def test_a_print_at_its_price_within_a_second_is_a_trade(after_ms: float) -> None:
    assert answer([GONE, trade(after_ms, 4_000, 100)]) is Ending.TRADE


@pytest.mark.parametrize(
    ("prints", "wanted"),
    [
        ([trade(END_MS, 4_000, 50)], Ending.TRADE),
        ([trade(END_MS, 4_000, 49)], Ending.CANCEL),
        ([trade(END_MS, 4_000, 25), trade(END_MS, 4_000, 25)], Ending.TRADE),
        ([trade(END_MS, 4_200, 100)], Ending.CANCEL),
        ([trade(END_MS, 4_000, 100, slug="b")], Ending.CANCEL),
        ([trade(END_MS + 1_001, 4_000, 100)], Ending.CANCEL),
        ([], Ending.CANCEL),
    ],
)
def test_a_print_explains_half_or_nothing(prints: list[Row], wanted: Ending) -> None:
    assert answer([GONE, *prints]) is wanted


def test_a_print_explains_the_nearest_fall_of_its_price_alone() -> None:
    """What was traded 200 ms before had its own fall, and then the rest was cancelled."""
    earlier = [level(END_MS - 200, 4_000, 40), trade(END_MS - 190, 4_000, 60)]
    assert answer([*earlier, GONE]) is Ending.CANCEL
    assert answer([*earlier, GONE, trade(END_MS + 1, 4_000, 40)]) is Ending.TRADE


def test_a_sweep_is_a_trade_at_every_price_it_took() -> None:
    sweep = [level(END_MS, 4_000, 0), level(END_MS, 4_200, 0)]
    assert answer([*sweep, trade(END_MS, 4_000, 100)]) is Ending.TRADE
    assert answer([*sweep, trade(END_MS, 4_000, 20), trade(END_MS, 4_200, 60)]) is Ending.TRADE
    assert answer([*sweep, trade(END_MS, 4_200, 60)]) is Ending.CANCEL


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (level(END_MS, 4_100, 100), Ending.MOVE),
        (level(END_MS + 50, 4_100, 100), Ending.MOVE),
        (level(END_MS + 51, 4_100, 100), Ending.CANCEL),
        (level(END_MS + 10, 4_100, 50), Ending.MOVE),
        (level(END_MS + 10, 4_100, 49), Ending.CANCEL),
        (level(END_MS + 10, 4_100, 200), Ending.MOVE),
        (level(END_MS + 10, 4_100, 201), Ending.CANCEL),
        (level(END_MS + 10, 4_200, 160), Ending.MOVE),
        (level(END_MS + 10, 4_200, 100), Ending.CANCEL),
        (level(END_MS + 10, 4_100, 100, BID), Ending.CANCEL),
        (level(END_MS + 10, 4_100, 100, slug="b"), Ending.CANCEL),
        (level(END_MS + 10, 3_900, 100), Ending.CANCEL),
    ],
)
def test_as_much_at_a_dearer_price_is_a_move(change: Row, wanted: Ending) -> None:
    assert answer([GONE, change]) is wanted


def test_a_trade_is_no_move() -> None:
    assert answer([GONE, trade(END_MS, 4_000, 100), level(END_MS, 4_100, 100)]) is Ending.TRADE


def test_a_level_that_goes_with_the_best_and_comes_back_has_moved_there() -> None:
    gone = [level(END_MS, 4_200, 0), GONE]
    assert answer([*gone, level(END_MS + 1, 4_200, 100)]) is Ending.MOVE


def test_no_leg_bids_for_yes() -> None:
    """A NO is bought from the bids of YES."""
    no = ((market_id("a"), int(Token.NO)),)
    assert answer([level(END_MS, 3_000, 0, BID), trade(END_MS, 3_000, 50)], no) is Ending.TRADE
    assert answer([level(END_MS, 3_000, 0, BID), level(END_MS, 2_900, 50, BID)], no) is Ending.MOVE
    assert answer([GONE], no) is Ending.UNSEEN


def test_a_delayed_order_that_trades_ends_a_crossed_book() -> None:
    """What showed above the ask goes when it trades, at the price of the ask."""
    crossed = [level(END_MS - 150, 4_300, 80, BID)]
    match = [level(END_MS, 4_300, 0, BID), level(END_MS, 4_000, 20), trade(END_MS, 4_000, 80)]
    both = ((market_id("a"), int(Token.YES)), (market_id("a"), int(Token.NO)))
    assert answer([*crossed, *match], both) is Ending.TRADE
    assert answer([*crossed, match[0]], both) is Ending.CANCEL


def test_of_several_legs_the_one_that_became_dearer_counts() -> None:
    legs = ((market_id("b"), int(Token.YES)), *YES)
    better = level(END_MS, 3_900, 10, slug="b")
    assert answer([better, GONE, trade(END_MS, 4_000, 100)], legs) is Ending.TRADE
    assert answer([GONE, better], legs) is Ending.CANCEL


def test_where_no_leg_changed_nothing_is_said() -> None:
    assert answer([level(END_MS, 5_000, 0)]) is Ending.UNSEEN
    assert answer([level(END_MS + 1, 4_000, 0)]) is Ending.UNSEEN
    assert answer([GONE], ((market_id("c"), 0),)) is Ending.UNSEEN


def test_a_full_book_ends_it_too() -> None:
    after = book("a", END_MS, {3_000: 50}, {4_200: 60, 5_000: 500})
    assert answer([*after, trade(END_MS - 1, 4_000, 100)]) is Ending.TRADE
    assert answer(after) is Ending.CANCEL


def test_a_batch_told_in_several_frames_is_one_change() -> None:
    """The level went in its first frame, which the end did not follow yet."""
    first = GONE._replace(ts_recv_ns=GONE.ts_recv_ns - 5 * MS, flags=0)
    rest = level(END_MS, 4_200, 0)
    assert answer([first, rest, trade(END_MS, 4_000, 100)]) is Ending.TRADE


@pytest.mark.parametrize("places", [(3,), (6,), (9,), (10,), (11,), (12,), (3, 10, 11), (10, 12)])
def test_however_the_tape_is_cut(places: tuple[int, ...]) -> None:
    later = [level(END_MS + 9_000 * n, 5_000, 500 + n) for n in range(1, 3)]
    changes = [level(END_MS - 5_000, 4_000, 90), trade(END_MS, 4_000, 90), GONE, *later]
    assert answer(changes, cuts=places) is Ending.TRADE
    assert answer([changes[0], GONE, *later], cuts=places[:1]) is Ending.CANCEL


def test_ends_of_several_opportunities_each_have_their_own() -> None:
    changes = [GONE, trade(END_MS, 4_000, 100), level(END_MS + 1, 4_000, 0, slug="b")]
    tape = tape_of(sorted([*BOOK, *OTHER, *changes], key=lambda row: row.ts_recv_ns))
    ends = [
        Ended(START_NS + (END_MS + 20 + after_ms) * MS, ((market_id(slug), int(Token.YES)),))
        for after_ms, slug in ((0, "a"), (1, "b"), (1, "a"))
    ]
    found = endings([tape], [make_market("a"), make_market("b")], load(None, [], {}), ends)
    assert found == [Ending.TRADE, Ending.CANCEL, Ending.UNSEEN]
