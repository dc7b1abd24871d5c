"""Sampled books of settled up/down markets in the layout of the package resolvedkit.

markets.parquet: market_id, slug, question, category, end_ts, payout_up; books.parquet: market_id,
ts (ms), side ("UP", "DOWN"), bid_px, bid_sz, ask_px, ask_sz (lists of floats). In any order.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hfptm.errors import InputError
from hfptm.lake import Lake
from hfptm.records import EVENT, EventFlag, EventKind, GapReason, MarketState, Token
from hfptm.registry import Market, market_id
from hfptm.units import NS_PER_MS, PRICE_ONE_E4, format_e4
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
    Books,
    clean,
    fold,
    hold,
    in_order,
    rows_of,
    scale_prices,
    scale_sizes,
)
from replay.importers.sampled import sampled_market
from replay.importers.table import read_table

NAME = "resolvedkit"
OPTIONS = ("hold_ms", "fee_rate")

_HOLD_MS = 5_000
_MARKETS = {
    "market_id": pa.string(),
    "slug": pa.string(),
    "question": pa.string(),
    "category": pa.string(),
    "end_ts": pa.int64(),
    "payout_up": pa.float64(),
}
_BOOKS = {
    "market_id": pa.string(),
    "ts": pa.int64(),
    "side": pa.string(),
    "bid_px": pa.list_(pa.float64()),
    "bid_sz": pa.list_(pa.float64()),
    "ask_px": pa.list_(pa.float64()),
    "ask_sz": pa.list_(pa.float64()),
}


def import_folder(
    paths: Sequence[Path],
    options: ImportOptions,
    lake: Lake,
    report: ImportReport,
    progress: Progress,
) -> None:
    """One recording: the folder with the two files. Loads it whole; raises InputError."""
    folder = _folder(paths)
    market_table = read_table(folder / "markets.parquet", _MARKETS)
    table = read_table(folder / "books.parquet", _BOOKS)
    _check(folder, market_table, table)
    progress(1, 3)
    books = clean(_books(table), report)
    markets = _markets(market_table, books, options, report)
    books = fold(books, report)
    progress(2, 3)
    first = table.slice(0, 1).select(["market_id", "ts", "side"]).to_pylist()
    with Recording(lake, segment_name(NAME, repr(first).encode()), report) as recording:
        gap_rows = hold(books, hold_ns(options, _HOLD_MS), recording, GapReason.SILENCE)
        states = _resolutions(market_table, markets, gap_rows, report)
        recording.define(markets)
        recording.events(in_order(rows_of(books), gap_rows, states))
        recording.finish()
    progress(3, 3)


def _folder(paths: Sequence[Path]) -> Path:
    if len(paths) != 1 or not paths[0].is_dir():
        raise InputError(paths[0], "expected one folder with markets.parquet and books.parquet")
    return paths[0]


def _check(folder: Path, markets: pa.Table, books: pa.Table) -> None:
    """Raises InputError for what would leave a book without a market, a time or a side."""
    path = folder / "books.parquet"
    if books.num_rows == 0:
        raise InputError(path, "no books in it")
    for table, file in ((markets, folder / "markets.parquet"), (books, path)):
        for name in table.column_names:
            if name != "payout_up" and table.column(name).null_count:
                raise InputError(file, f"column {name} has empty values; nothing was imported")
    sides = set(pc.unique(books.column("side")).to_pylist())
    if not sides <= {"UP", "DOWN"}:
        raise InputError(path, f"sides {sorted(sides)}; expected UP and DOWN; nothing was imported")
    known = set(markets.column("market_id").to_pylist())
    unknown = set(pc.unique(books.column("market_id")).to_pylist()) - known
    if unknown:
        raise InputError(path, f"markets not in markets.parquet: {sorted(unknown)[:3]}")
    for side in ("bid", "ask"):
        prices, sizes = (pc.list_value_length(books.column(f"{side}_{x}")) for x in ("px", "sz"))
        if not prices.equals(sizes):
            raise InputError(
                path, f"{side}_px and {side}_sz differ in length; nothing was imported"
            )


def _books(table: pa.Table) -> Books:
    books = np.zeros(table.num_rows, BOOK)
    ids = table.column("market_id").combine_chunks().dictionary_encode()
    markets = np.array([market_id(key) for key in ids.dictionary.to_pylist()], np.int64)
    books["market"] = markets[ids.indices.to_numpy()]
    books["ts_recv_ns"] = books["ts_venue_ns"] = table.column("ts").to_numpy() * NS_PER_MS
    is_no = pc.equal(table.column("side"), "DOWN").to_numpy()
    books["token"] = np.where(is_no, Token.NO, Token.YES)
    books["flags"] = EventFlag.LAST_IN_BATCH
    return Books(books, np.concatenate([_levels(table, "bid", BID), _levels(table, "ask", ASK)]))


def _levels(table: pa.Table, name: str, side: int) -> npt.NDArray[np.void]:
    prices = table.column(f"{name}_px").combine_chunks()
    sizes = table.column(f"{name}_sz").combine_chunks()
    levels = np.zeros(len(prices.flatten()), LEVEL)
    levels["book"] = pc.list_parent_indices(prices).to_numpy()
    levels["side"] = side
    levels["price_e4"] = scale_prices(_floats(prices))
    levels["size_e6"] = scale_sizes(_floats(sizes))
    return levels


def _floats(lists: pa.ListArray) -> npt.NDArray[np.float64]:
    """All elements; an empty value becomes NaN, which is unreadable later."""
    return np.asarray(lists.flatten().to_numpy(zero_copy_only=False), np.float64)


def _markets(
    table: pa.Table, books: Books, options: ImportOptions, report: ImportReport
) -> list[Market]:
    rate_e4 = fee_rate_e4(options)
    report.assume(f"taker fee rate {format_e4(rate_e4)} (--fee-rate)")
    of_level = books.books["market"][books.levels["book"]]
    found = []
    for row in table.to_pylist():
        market = market_id(row["market_id"])
        own = books.books["market"] == market
        if not own.any():
            report.skip("market without a book")
            continue
        found.append(
            sampled_market(
                row["slug"],
                books.levels["price_e4"][of_level == market],
                report,
                fee_rate_e4=rate_e4,
                valid_from_ns=int(books.books["ts_recv_ns"][own].min()),
                condition_id=row["market_id"],
                question=row["question"],
                category=row["category"],
                end_ts_ns=row["end_ts"] * NS_PER_MS,
            )
        )
    return found


def _resolutions(
    table: pa.Table, markets: Sequence[Market], gap_rows: Rows, report: ImportReport
) -> Rows:
    """STATE rows of the payouts, after the market's end and after its last book.

    Books go on for up to minutes after the scheduled end, when the payout was not known yet.
    """
    payouts = dict(
        zip(*(table.column(x).to_pylist() for x in ("market_id", "payout_up")), strict=True)
    )
    last_ns = dict(gap_rows[["market", "ts_recv_ns"]].tolist())
    settled = [market for market in markets if payouts[market.condition_id] is not None]
    report.skip("market without a payout", len(markets) - len(settled))
    rows = np.zeros(len(settled), EVENT)
    for row, market in zip(rows, settled, strict=True):
        ts_ns = max(market.end_ts_ns, last_ns[market.market])
        row["ts_recv_ns"] = row["ts_venue_ns"] = ts_ns
        row["market"] = market.market
        row["kind"], row["aux"] = EventKind.STATE, MarketState.RESOLVED
        row["price_e4"] = round(payouts[market.condition_id] * PRICE_ONE_E4)
    report.assume("a market resolves at its end, or when its last book may be held no longer")
    return rows[np.argsort(rows["ts_recv_ns"], kind="stable")]
