"""Sampled full-depth books and trades of one market's two tokens, as JSON arrays.

Books: {"bids":[{"price":"0.44","size":"40"},...],"asks":[...],"timestamp":"1765450842371",
"local_timestamp":"1765450848195",...}; trades: {"price":"0.57","size":"5","side":"buy",
"timestamp":...,"local_timestamp":...}. Times are in ms: the exchange's, and that of receipt.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Generic, Literal, NamedTuple, TypeVar

import msgspec
import numpy as np

from hfptm.clock import NS_MAX
from hfptm.errors import DamagedInputError, InputError
from hfptm.lake import Lake
from hfptm.records import EVENT, EventFlag, EventKind, GapReason, Token
from hfptm.registry import Market
from hfptm.units import PRICE_ONE_E4, format_e4, parse_decimal, parse_price_e4, parse_size_e6
from replay.importers.base import (
    ImportOptions,
    ImportReport,
    Progress,
    Recording,
    Rows,
    fee_rate_e4,
    hold_ns,
    segment_name,
)
from replay.importers.books import (
    ASK,
    BID,
    BOOK,
    LEVEL,
    UNREADABLE,
    Books,
    clean,
    fold,
    hold,
    in_order,
    rows_of,
)
from replay.importers.sampled import sampled_market
from replay.importers.source import Source

NAME = "l2-json"
OPTIONS = ("hold_ms", "fee_rate", "slug")

_STEMS = ("orderbooks-up", "orderbooks-down", "trades-up", "trades-down")
_HOLD_MS = 5_000


class _Level(msgspec.Struct):
    price: str
    size: str


class _Book(msgspec.Struct):
    bids: list[_Level]
    asks: list[_Level]
    timestamp: str
    local_timestamp: str


class _Trade(msgspec.Struct):
    price: str
    size: str
    side: Literal["buy", "sell"]
    timestamp: str
    local_timestamp: str


Element = TypeVar("Element", _Book, _Trade)


class _File(NamedTuple, Generic[Element]):
    """What one file gave, never nothing, and where it is damaged, if it is."""

    token: Token
    elements: list[Element]
    damage: DamagedInputError | None

    @property
    def end_ns(self) -> int:
        """Receive time of the last element before the damage."""
        return _ns(self.elements[-1].local_timestamp) if self.damage else NS_MAX


def import_folder(
    paths: Sequence[Path],
    options: ImportOptions,
    lake: Lake,
    report: ImportReport,
    progress: Progress,
) -> None:
    """One recording: the folder, or its four files. Loads it whole.

    A damaged file ends the recording at its last readable element. Raises InputError, or
    DamagedInputError after everything before the damage was imported.
    """
    found = _four_files(paths)
    books, trades = _read_all(found, progress)
    damages = [file.damage for file in books if file.damage]
    damages += [file.damage for file in trades if file.damage]
    end_ns = min(*(file.end_ns for file in books), *(file.end_ns for file in trades))
    segment = segment_name(NAME, msgspec.json.encode(books[0].elements[0]))
    market = _market(options.slug or segment, books, options, report)
    with Recording(lake, segment, report) as recording:
        samples = fold(clean(_samples(books, market.market, end_ns), report), report)
        last_reason = GapReason.DAMAGE if damages else GapReason.SILENCE
        gap_rows = hold(samples, hold_ns(options, _HOLD_MS), recording, last_reason)
        trade_rows = _trade_rows(trades, market.market, end_ns, report)
        recording.define([market])
        recording.events(in_order(rows_of(samples), trade_rows, gap_rows))
        recording.finish(is_damaged=bool(damages))
    if damages:
        raise damages[0]


def _four_files(paths: Sequence[Path]) -> dict[str, Path]:
    candidates = list(paths)
    if len(paths) == 1 and paths[0].is_dir():
        candidates = sorted(paths[0].iterdir())
    found = {path.name.removesuffix(".gz").removesuffix(".json"): path for path in candidates}
    missing = [stem for stem in _STEMS if stem not in found]
    if missing:
        wanted = ", ".join(f"{stem}.json[.gz]" for stem in missing)
        raise InputError(paths[0], f"missing: {wanted}; give the folder or its four files")
    return {stem: found[stem] for stem in _STEMS}


def _read_all(
    found: dict[str, Path], progress: Progress
) -> tuple[list[_File[_Book]], list[_File[_Trade]]]:
    books: list[_File[_Book]] = []
    trades: list[_File[_Trade]] = []
    for token, stem in zip((Token.YES, Token.NO), _STEMS[:2], strict=True):
        books.append(_read(found[stem], token, _Book))
        progress(len(books), len(_STEMS))
    for token, stem in zip((Token.YES, Token.NO), _STEMS[2:], strict=True):
        trades.append(_read(found[stem], token, _Trade))
        progress(len(books) + len(trades), len(_STEMS))
    return books, trades


def _read(path: Path, token: Token, kind: type[Element]) -> _File[Element]:
    """Raises InputError if not even the first element can be read."""
    elements: list[Element] = []
    damage = None
    try:
        for value in Source(path).elements():
            elements.append(_convert(path, len(elements) + 1, value, kind))
    except DamagedInputError as error:
        damage = error
    if not elements:
        reason = damage.problem if damage else "the array is empty"
        raise InputError(path, f"{reason}; nothing was imported") from damage
    return _File(token, elements, damage)


def _convert(path: Path, number: int, value: object, kind: type[Element]) -> Element:
    try:
        element = msgspec.convert(value, kind)
        _ns(element.timestamp), _ns(element.local_timestamp)
    except (msgspec.ValidationError, ValueError) as error:
        name = kind.__name__.strip("_").lower()
        problem = f"no {name} as expected ({error})"
        raise DamagedInputError(path, f"element {number}", problem) from error
    return element


def _ns(text: str) -> int:
    """Raises ValueError for anything but milliseconds since 1970."""
    ts_ns = parse_decimal(text, 6)
    if not 0 < ts_ns < NS_MAX:
        raise ValueError(f"no time in ms: {text!r}")
    return ts_ns


def _market(
    slug: str, files: Sequence[_File[_Book]], options: ImportOptions, report: ImportReport
) -> Market:
    rate_e4 = fee_rate_e4(options)
    report.assume(f"the files name no market: it is called {slug} (--slug)")
    report.assume(f"taker fee rate {format_e4(rate_e4)} (--fee-rate)")
    prices_e4 = [
        _price_e4(level.price)
        for file in files
        for book in file.elements
        for level in (*book.bids, *book.asks)
    ]
    return sampled_market(
        slug,
        np.array(prices_e4, np.int64),
        report,
        fee_rate_e4=rate_e4,
        valid_from_ns=min(_ns(file.elements[0].local_timestamp) for file in files),
    )


def _samples(files: Sequence[_File[_Book]], market: int, end_ns: int) -> Books:
    books: list[tuple[int, int, int, int, int]] = []
    levels: list[tuple[int, int, int, int]] = []
    for file in files:
        for book in file.elements:
            ts_recv_ns = _ns(book.local_timestamp)
            if ts_recv_ns > end_ns:
                continue
            for side, side_levels in ((BID, book.bids), (ASK, book.asks)):
                levels += [
                    (len(books), side, _price_e4(level.price), _size_e6(level.size))
                    for level in side_levels
                ]
            flags = int(EventFlag.LAST_IN_BATCH)
            books.append((ts_recv_ns, _ns(book.timestamp), market, int(file.token), flags))
    return Books(np.array(books, BOOK), np.array(levels, LEVEL))


def _trade_rows(
    files: Sequence[_File[_Trade]], market: int, end_ns: int, report: ImportReport
) -> Rows:
    """TRADE rows in YES terms: who buys NO at p sells YES at 1 - p."""
    trades: list[tuple[int, int, int, int, int]] = []
    for file in files:
        for trade in file.elements:
            price_e4, size_e6 = _price_e4(trade.price), _size_e6(trade.size)
            if price_e4 == UNREADABLE or size_e6 <= 0:
                report.skip("unreadable trade")
                continue
            side = BID if trade.side == "buy" else ASK
            if file.token is Token.NO:
                price_e4, side = PRICE_ONE_E4 - price_e4, 1 - side
            stamps = (_ns(trade.local_timestamp), _ns(trade.timestamp))
            if stamps[0] <= end_ns:
                trades.append((*stamps, price_e4, size_e6, side))
    rows = np.zeros(len(trades), EVENT)
    names = ("ts_recv_ns", "ts_venue_ns", "price_e4", "size_e6", "side")
    for name, column in zip(names, zip(*trades, strict=True), strict=bool(trades)):
        rows[name] = column
    rows["market"], rows["kind"] = market, EventKind.TRADE
    return rows


def _price_e4(text: str) -> int:
    try:
        price_e4 = parse_price_e4(text)
    except ValueError:
        return UNREADABLE
    return price_e4 if 0 < price_e4 < PRICE_ONE_E4 else UNREADABLE


def _size_e6(text: str) -> int:
    try:
        return parse_size_e6(text)
    except ValueError:
        return UNREADABLE
