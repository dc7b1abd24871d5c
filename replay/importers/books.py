"""Full books sampled now and then, of one token or both: as event rows of one book per market."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hfptm.lake import Gap
from hfptm.records import EVENT, EventFlag, EventKind, GapReason, Side, Token
from hfptm.units import NS_PER_MS, PRICE_ONE_E4, SIZE_MAX_E6, scale_float
from replay.importers.base import ImportReport, Recording, Rows

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BID, ASK = int(Side.BID), int(Side.ASK)

UNREADABLE = -1
"""Stands for a price or size that is no number, or none that the exchange could have sent."""

LEVEL = np.dtype([("book", "i8"), ("side", "i8"), ("price_e4", "i8"), ("size_e6", "i8")])
"""One level of a book, by its index; `side` is a Side."""

BOOK = np.dtype(
    [
        ("ts_recv_ns", "i8"),
        ("ts_venue_ns", "i8"),
        ("market", "i8"),
        ("token", "i8"),  # Token whose book it is
        ("flags", "i8"),  # EventFlag bits of its closing row
    ]
)


class Books(NamedTuple):
    """Full books and their levels, both in any order."""

    books: npt.NDArray[np.void]
    levels: npt.NDArray[np.void]


def scale_prices(values: Floats) -> Ints:
    """Floats to price_e4 strictly between 0 and 1 on the finest grid; UNREADABLE for all else."""
    prices_e4 = _scale(values, 4)
    with np.errstate(invalid="ignore"):
        off_grid = ~(np.abs(values * PRICE_ONE_E4 - prices_e4) < 1e-6)
    prices_e4[off_grid | (prices_e4 <= 0) | (prices_e4 >= PRICE_ONE_E4)] = UNREADABLE
    return prices_e4


def scale_sizes(values: Floats) -> Ints:
    """Floats to size_e6, half to even; UNREADABLE for NaN, negative and absurd ones."""
    sizes_e6 = _scale(values, 6)
    sizes_e6[(sizes_e6 < 0) | (sizes_e6 > SIZE_MAX_E6)] = UNREADABLE
    return sizes_e6


def _scale(values: Floats, digits: int) -> Ints:
    distinct, index = np.unique(values, return_inverse=True)
    bound = 2**62 / 10**digits
    scaled = [scale_float(v, digits) if abs(v) < bound else UNREADABLE for v in distinct.tolist()]
    return np.array(scaled, np.int64)[index]


def clean(books: Books, report: ImportReport) -> Books:
    """Drop levels that are unreadable, empty or doubled; a book that lost one is MAYBE_BAD."""
    levels = _sorted(books.levels)
    unreadable = (levels["price_e4"] == UNREADABLE) | (levels["size_e6"] == UNREADABLE)
    doubled = ~unreadable
    doubled[:1] = False
    for name in ("book", "side", "price_e4"):
        doubled[1:] &= levels[name][1:] == levels[name][:-1]
    report.skip("unreadable level; its book is flagged MAYBE_BAD", int(unreadable.sum()))
    report.skip("second level at one price; its book is flagged MAYBE_BAD", int(doubled.sum()))
    books.books["flags"][np.unique(levels["book"][unreadable | doubled])] |= EventFlag.MAYBE_BAD
    empty = levels["size_e6"] == 0
    return Books(books.books, levels[~(unreadable | doubled | empty)])


def fold(books: Books, report: ImportReport) -> Books:
    """Books of both tokens as one book per market and time, in YES terms, by receive time.

    Of a YES and a NO book of one venue time that mirror each other one is kept, with the earlier
    receive time; of two that do not, the YES book, flagged MIRROR_BREAK, with the later. `books`
    as `clean` gives them.
    """
    levels = books.levels.copy()
    is_no = books.books["token"][levels["book"]] == Token.NO
    levels["side"][is_no] = 1 - levels["side"][is_no]
    levels["price_e4"][is_no] = PRICE_ONE_E4 - levels["price_e4"][is_no]
    levels = _sorted(levels)
    content = _contents(levels, len(books.books))
    kept: list[int] = []
    order = np.argsort(books.books, order=["ts_venue_ns", "market", "token", "ts_recv_ns"])
    keys = books.books[["ts_venue_ns", "market"]].tolist()
    for same in _runs(order.tolist(), keys):
        kept += _fold_instant(same, books.books, content, report)
    chosen = np.array(kept, np.int64)
    return _in_time(Books(books.books[chosen], _renumber(levels, chosen, len(books.books))), report)


def _fold_instant(
    same: list[int], books: npt.NDArray[np.void], content: list[bytes], report: ImportReport
) -> list[int]:
    """Which books of one market and venue time to keep; changes the kept one's time and flags."""
    yes = [index for index in same if books[index]["token"] == Token.YES]
    no = [index for index in same if books[index]["token"] == Token.NO]
    if len(yes) != 1 or len(no) != 1:
        report.skip("NO book beside several YES books of one time", len(no) if yes else 0)
        return yes or no
    book, other_ns = books[yes[0]], books[no[0]]["ts_recv_ns"]
    if content[yes[0]] == content[no[0]]:
        book["ts_recv_ns"] = min(book["ts_recv_ns"], other_ns)
        book["flags"] |= books[no[0]]["flags"]
        report.skip("NO book that mirrors its YES book")
    else:
        book["ts_recv_ns"] = max(book["ts_recv_ns"], other_ns)
        book["flags"] |= EventFlag.MIRROR_BREAK
        report.skip("NO book that contradicts its YES book, which is flagged MIRROR_BREAK")
    return yes


def _in_time(books: Books, report: ImportReport) -> Books:
    """By receive time, without books that are older than one of their market received before."""
    order = np.argsort(books.books, order=["ts_recv_ns", "ts_venue_ns", "market"], kind="stable")
    newest: dict[int, int] = {}
    kept: list[int] = []
    times = books.books[["ts_venue_ns", "market"]].tolist()
    for index in order.tolist():
        ts_venue_ns, market = times[index]
        if ts_venue_ns >= newest.get(market, 0):
            newest[market] = ts_venue_ns
            kept.append(index)
    report.skip("book older than the one before it", len(order) - len(kept))
    chosen = np.array(kept, np.int64)
    return Books(books.books[chosen], _renumber(books.levels, chosen, len(books.books)))


def rows_of(books: Books) -> Rows:
    """SNAPSHOT and LEVEL rows, book after book as they stand; each closing row has its flags."""
    count = len(books.books)
    levels = books.levels[np.argsort(books.levels["book"], kind="stable")]
    per_book = np.bincount(levels["book"], minlength=count)
    starts = np.concatenate(([0], np.cumsum(per_book + 1)))
    rows = np.zeros(starts[-1], EVENT)
    of_book = np.repeat(np.arange(count), per_book + 1)
    for name in ("ts_recv_ns", "ts_venue_ns", "market"):
        rows[name] = books.books[name][of_book]
    is_level = np.ones(len(rows), np.bool_)
    is_level[starts[:-1]] = False
    rows["kind"] = np.where(is_level, EventKind.LEVEL, EventKind.SNAPSHOT)
    rows["flags"] = EventFlag.SNAPSHOT
    for name in ("side", "price_e4", "size_e6"):
        rows[name][is_level] = levels[name]
    rows["flags"][starts[1:] - 1] |= books.books["flags"].astype(np.uint16)
    return rows


def hold(books: Books, hold_ns: int, recording: Recording, last_reason: GapReason) -> Rows:
    """GAP rows where a market's next book comes later than `hold_ns` after one, and after its last.

    The gaps are entered in the recording; the last of each market is open.
    """
    order = np.argsort(books.books, order=["market", "ts_recv_ns"], kind="stable")
    ts_ns, market = books.books["ts_recv_ns"][order], books.books["market"][order]
    is_last = np.append(market[1:] != market[:-1], [True] * (len(market) > 0))
    to_ns = np.where(is_last, 0, np.append(ts_ns[1:], [0] * (len(market) > 0)))
    is_gap = is_last | (to_ns > ts_ns + hold_ns)
    rows = np.zeros(int(is_gap.sum()), EVENT)
    rows["ts_recv_ns"] = rows["ts_venue_ns"] = ts_ns[is_gap] + hold_ns
    rows["market"], rows["kind"] = market[is_gap], EventKind.GAP
    rows["aux"] = np.where(is_last[is_gap], last_reason, GapReason.SILENCE)
    ends = zip(rows[["ts_recv_ns", "market", "aux"]].tolist(), to_ns[is_gap].tolist(), strict=True)
    for (from_ns, of_market, reason), end_ns in ends:
        recording.gap(Gap(from_ns, of_market, end_ns, GapReason(reason)))
    report = recording.report
    report.assume(f"a sample is the book for {hold_ns // NS_PER_MS} ms at most, then a gap begins")
    return rows


def _sorted(levels: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """By book, side, price, then size."""
    order = np.lexsort([levels[name] for name in ("size_e6", "price_e4", "side", "book")])
    return levels[order]


def in_order(*parts: Rows) -> Rows:
    """All rows by receive time; at one time in the order of the parts."""
    rows: Rows = np.concatenate(parts)
    return rows[np.argsort(rows["ts_recv_ns"], kind="stable")]


def _contents(levels: npt.NDArray[np.void], count: int) -> list[bytes]:
    """The levels of each book as comparable bytes; `levels` sorted by book."""
    ends = np.searchsorted(levels["book"], np.arange(count + 1))
    plain = np.stack([levels[name] for name in ("side", "price_e4", "size_e6")], axis=1)
    return [plain[ends[i] : ends[i + 1]].tobytes() for i in range(count)]


def _renumber(levels: npt.NDArray[np.void], chosen: Ints, count: int) -> npt.NDArray[np.void]:
    """The levels of the chosen books, `book` being the place in `chosen`."""
    place = np.full(count, UNREADABLE, np.int64)
    place[chosen] = np.arange(len(chosen))
    of_level = place[levels["book"]]
    chosen_levels: npt.NDArray[np.void] = levels[of_level != UNREADABLE]
    chosen_levels["book"] = of_level[of_level != UNREADABLE]
    return chosen_levels


def _runs(order: Iterable[int], keys: list[tuple[int, int]]) -> Iterator[list[int]]:
    """Consecutive indices of equal keys."""
    run: list[int] = []
    for index in order:
        if run and keys[index] != keys[run[0]]:
            yield run
            run = []
        run.append(index)
    if run:
        yield run
