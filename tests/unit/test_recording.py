"""The generated recording is right: its truth, and nothing but its truth, is in the frames."""

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hfptm.opportunities import Relation
from hfptm.records import EventFlag, EventKind, Side
from hfptm.registry import Group, Market
from hfptm.sandbox.artefact_planting import HALF_BATCH_NS
from hfptm.sandbox.line import FrameRecord
from hfptm.sandbox.planted import Expected, Kind, Planted
from hfptm.sandbox.recording import Truth, write_recording
from hfptm.units import NO_ASK_E4, NO_BID_E4, PRICE_ONE_E4, unpack_best
from hfptm.venue.book_hash import HashChecker, Verdict
from hfptm.venue.market_feed import MarketFeed
from tests.wire import Rows, flags_of

SEED = 20_261_120
RATE = 100
MS = 1_000_000


@dataclass
class Recording:
    folder: Path
    truth: Truth
    frames: list[FrameRecord] = field(default_factory=list)
    markets: list[Market] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp("recording")
    truth = write_recording(folder, SEED, RATE)
    lines = gzip.decompress((folder / "frames.jsonl.gz").read_bytes()).splitlines()
    return Recording(
        folder,
        truth,
        [msgspec.json.decode(line, type=FrameRecord) for line in lines],
        msgspec.json.Decoder(Market).decode_lines((folder / "markets.jsonl").read_bytes()),
        msgspec.json.Decoder(Group).decode_lines((folder / "groups.jsonl").read_bytes()),
    )


@pytest.fixture(scope="module")
def states(recording: Recording) -> list[tuple[int, int, int, int]]:
    """(ts_venue_ns, market, best bid, best ask) as the exchange reported them, in order."""
    feed = MarketFeed(recording.markets)
    for record in recording.frames:
        feed.receive(record.payload.encode(), record.ts_recv_ns)
    rows = feed.take()
    reported = [(row, unpack_best(int(row["aux"]))) for row in rows if row["aux"]]
    return [(int(row["ts_venue_ns"]), int(row["market"]), *best) for row, best in reported]


def test_files_say_what_was_returned(recording: Recording) -> None:
    saved = msgspec.json.decode((recording.folder / "truth.json").read_bytes(), type=Truth)
    assert saved == recording.truth
    assert sorted(path.name for path in recording.folder.iterdir()) == [
        "frames.jsonl.gz",
        "groups.jsonl",
        "markets.jsonl",
        "truth.json",
    ]
    assert recording.truth.frames == len(recording.frames)
    assert len(recording.markets) == 13
    members = Counter(market.group for market in recording.markets)
    assert [members[group.group] for group in recording.groups] == [3, 5, 2]
    assert all(group.members == members[group.group] for group in recording.groups)
    assert Counter(g.relation for g in recording.groups) == {
        Relation.EXACTLY_ONE: 2,
        Relation.AT_MOST_ONE: 1,
    }


def test_the_same_seed_gives_the_same_bytes(recording: Recording, tmp_path: Path) -> None:
    write_recording(tmp_path, SEED, RATE)
    assert (tmp_path / "frames.jsonl.gz").read_bytes()[4:8] == bytes(4)  # no time of writing
    for path in recording.folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    write_recording(tmp_path, SEED + 1, RATE)
    assert (tmp_path / "frames.jsonl.gz").read_bytes() != (
        recording.folder / "frames.jsonl.gz"
    ).read_bytes()


def test_frames_arrive_in_order_after_a_delay_and_on_two_lines(recording: Recording) -> None:
    frames = recording.frames
    assert [record.seq for record in frames] == list(range(len(frames)))
    assert all(a.ts_recv_ns < b.ts_recv_ns for a, b in pairwise(frames))
    assert [record.connection for record in frames] == sorted(r.connection for r in frames)
    assert {record.connection for record in frames} == {1, 2}
    stamped = [json.loads(record.payload) for record in frames]
    delays_ms = sorted(
        record.ts_recv_ns / MS - int(frame["timestamp"])
        for record, frame in zip(frames, stamped, strict=True)
        if isinstance(frame, dict)
    )
    assert delays_ms[0] > 2
    assert 15 < delays_ms[len(delays_ms) // 2] < 30
    (down_ns, up_ns) = recording.truth.line_down_ns[0]
    gap = next((a, b) for a, b in pairwise(frames) if a.connection != b.connection)
    assert gap[0].ts_recv_ns < down_ns + 200 * MS
    assert gap[1].ts_recv_ns > up_ns
    assert gap[1].payload.startswith("[")


def test_every_frame_decodes_without_trouble(recording: Recording) -> None:
    feed = MarketFeed(recording.markets)
    for record in recording.frames:
        feed.receive(record.payload.encode(), record.ts_recv_ns)
    counters = msgspec.structs.asdict(feed.counters)
    assert counters.pop("frames") == len(recording.frames)
    counters.pop("rows")
    assert set(counters.values()) == {0}


def lost_spans(truth: Truth) -> list[Planted]:
    return [planted for planted in truth.planted if planted.kind is Kind.LOST_DELTA]


def test_hashes_are_right_except_where_a_delta_was_lost(recording: Recording) -> None:
    checker, checks, connection = HashChecker(recording.markets), [], 1
    for record in recording.frames:
        if record.connection != connection:
            checks += checker.disconnect()
            connection = record.connection
        checks += checker.receive(record.payload.encode())
    slugs = {market.market: market.slug for market in recording.markets}
    spans = lost_spans(recording.truth)
    for check in checks:
        is_lost = any(
            span.slug == slugs[check.market]
            and span.start_ts_venue_ns <= check.ts_venue_ns < span.end_ts_venue_ns
            for span in spans
        )
        assert (check.verdict is Verdict.OK) == (not is_lost or check.is_snapshot)
    assert checker.counts[Verdict.OK] > 5_000
    bad = {slugs[check.market] for check in checks if check.verdict is Verdict.BAD}
    assert bad == {span.slug for span in spans}


def test_reported_best_prices_agree_with_the_book_except_where_a_delta_was_lost(
    recording: Recording,
) -> None:
    feed, seen = MarketFeed(recording.markets), Mirror()
    for record in recording.frames:
        feed.receive(record.payload.encode(), record.ts_recv_ns)
        seen.apply(feed.take())
    slugs = {market.market: market.slug for market in recording.markets}
    spans = lost_spans(recording.truth)
    assert len(seen.mismatches) > 10
    for market, ts_ns in seen.mismatches:
        assert any(
            span.slug == slugs[market] and span.start_ts_venue_ns <= ts_ns <= span.end_ts_venue_ns
            for span in spans
        )
    crossed = {(slugs[market], ts_ns) for market, ts_ns in seen.crossed_inside_batches}
    halves = [p for p in recording.truth.planted if p.kind is Kind.HALF_BATCH]
    assert {(planted.slug, planted.start_ts_venue_ns) for planted in halves} <= crossed


class Mirror:
    """The plainest book there can be, compared with the exchange's word at each batch's end."""

    def __init__(self) -> None:
        self.books: dict[int, tuple[dict[int, int], dict[int, int]]] = defaultdict(lambda: ({}, {}))
        self.open: dict[int, tuple[int, bool]] = {}
        self.mismatches: list[tuple[int, int]] = []
        self.crossed_inside_batches: list[tuple[int, int]] = []

    def apply(self, rows: Rows) -> None:
        for row in rows:
            market, ts_ns = int(row["market"]), int(row["ts_venue_ns"])
            sides = self.books[market]
            if market in self.open and self.open[market][0] != ts_ns:
                opened_ns, agrees = self.open.pop(market)
                if not agrees:
                    self.mismatches.append((market, opened_ns))
            if row["kind"] in (EventKind.SNAPSHOT, EventKind.TICK):
                sides[0].clear()
                sides[1].clear()
            elif row["kind"] == EventKind.LEVEL:
                sides[row["side"]][int(row["price_e4"])] = int(row["size_e6"])
                if not row["size_e6"]:
                    del sides[row["side"]][int(row["price_e4"])]
            if row["aux"]:
                best = (max(sides[0], default=NO_BID_E4), min(sides[1], default=NO_ASK_E4))
                reported = unpack_best(int(row["aux"]))
                self.open[market] = (ts_ns, best == reported)
                if best != reported and best[0] > best[1]:
                    self.crossed_inside_batches.append((market, ts_ns))


def edges(
    recording: Recording, states: list[tuple[int, int, int, int]]
) -> Iterator[tuple[int, Kind, str, int]]:
    """(ts_venue_ns, kind, slug, gross_e4) after each millisecond, from reported best prices."""
    by_id = {market.market: market for market in recording.markets}
    groups = {group.group: group for group in recording.groups}
    best: dict[int, tuple[int, int]] = {}
    for (ts_ns, market_id, bid_e4, ask_e4), upcoming in zip(
        states, [*states[1:], (0, 0, 0, 0)], strict=True
    ):
        best[market_id] = (bid_e4, ask_e4)
        if upcoming[0] == ts_ns:
            continue
        for market, (bid, ask) in best.items():
            yield ts_ns, Kind.BINARY, by_id[market].slug, bid - ask
        for group in groups.values():
            legs = [best[m] for m in best if by_id[m].group == group.group]
            if len(legs) == group.members:
                bids, asks = (sum(leg[side] for leg in legs) for side in (Side.BID, Side.ASK))
                yield ts_ns, Kind.NO_BASKET, group.slug, bids - PRICE_ONE_E4
                yield ts_ns, Kind.YES_BASKET, group.slug, PRICE_ONE_E4 - asks


SETTLING_NS = 15 * MS
"""Legs are quoted one after another, and two changes of a market never share a timestamp."""


def test_edges_are_where_they_were_planted_and_nowhere_else(
    recording: Recording, states: list[tuple[int, int, int, int]]
) -> None:
    real = [p for p in recording.truth.planted if p.expected is not Expected.NOT_EXCLUSIVE]
    real = [p for p in real if p.gross_e4]
    found: list[Planted] = []
    tempting = 0
    for ts_ns, kind, slug, gross_e4 in edges(recording, states):
        if (kind, slug) == (Kind.YES_BASKET, "album-of-the-year"):
            tempting += gross_e4 >= 0
            continue
        near = [
            p
            for p in real
            if (p.kind, p.slug) == (kind, slug)
            and p.start_ts_venue_ns - SETTLING_NS < ts_ns < p.end_ts_venue_ns + SETTLING_NS
        ]
        if gross_e4 >= 0:
            assert len(near) == 1
            assert gross_e4 <= near[0].gross_e4
        for planted in near:
            settled_ns = planted.start_ts_venue_ns + SETTLING_NS
            if settled_ns <= ts_ns < planted.end_ts_venue_ns - SETTLING_NS:
                assert gross_e4 == planted.gross_e4
            if gross_e4 == planted.gross_e4:
                found.append(planted)
    assert set(map(id, found)) == set(map(id, real))
    assert tempting > 100


def test_the_halves_of_a_batch_arrive_apart(recording: Recording) -> None:
    for planted in recording.truth.planted:
        if planted.kind is Kind.HALF_BATCH:
            stamp = f'"timestamp":"{planted.start_ts_venue_ns // MS}"'
            market = next(m for m in recording.markets if m.slug == planted.slug)
            batch = [
                record
                for record in recording.frames
                if re.sub('": ?"', '":"', stamp) in re.sub('": "', '":"', record.payload)
                and market.condition_id in record.payload
            ]
            gaps_ns = [late.ts_recv_ns - early.ts_recv_ns for early, late in pairwise(batch)]
            assert len(batch) > 3
            assert max(gaps_ns) > HALF_BATCH_NS // 2
            (place,) = (i for i, gap_ns in enumerate(gaps_ns) if gap_ns > 5 * MS)
            is_removal = ['"size":"0"' in record.payload for record in batch]
            assert not any(is_removal[: place + 1])
            assert any(is_removal[place + 1 :])


def test_planted_things_cover_every_kind_and_class(recording: Recording) -> None:
    planted = recording.truth.planted
    assert {p.kind for p in planted} == set(Kind) - {Kind.NESTED}  # no outcomes by date
    assert {p.expected for p in planted} == set(Expected)
    catchable = [p for p in planted if p.expected is Expected.CATCHABLE]
    for kind in (Kind.BINARY, Kind.NO_BASKET, Kind.YES_BASKET):
        assert max(p.net_e4 / p.outlay_e4 for p in catchable if p.kind is kind) > 0.025
    assert all(p.size_e6 >= 120_000_000 for p in catchable)


def test_prints_follow_where_the_truth_says_so(recording: Recording) -> None:
    feed = MarketFeed(recording.markets)
    for record in recording.frames:
        feed.receive(record.payload.encode(), record.ts_recv_ns)
    rows = feed.take()
    trades = rows[rows["kind"] == EventKind.TRADE]
    assert len(trades) > 100
    groups = {group.slug: group.group for group in recording.groups}
    for planted in recording.truth.planted:
        if planted.is_printed:
            ids = [
                market.market
                for market in recording.markets
                if market.slug == planted.slug or market.group == groups.get(planted.slug, -1)
            ]
            times_ns = [int(trade["ts_venue_ns"]) for trade in trades if trade["market"] in ids]
            start_ns, end_ns = planted.start_ts_venue_ns, planted.end_ts_venue_ns
            assert any(start_ns < ts_ns <= end_ns for ts_ns in times_ns)


def test_an_impossible_rate_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        write_recording(tmp_path / "none", SEED, 0)
    assert not (tmp_path / "none").exists()


def test_row_flags_end_every_frame(recording: Recording) -> None:
    feed = MarketFeed(recording.markets)
    for record in recording.frames[:500]:
        feed.receive(record.payload.encode(), record.ts_recv_ns)
        rows = feed.take()
        levels = rows[np.isin(rows["kind"], [EventKind.LEVEL, EventKind.SNAPSHOT])]
        for market in set(levels["market"].tolist()):
            closing = levels[levels["market"] == market][-1]
            assert EventFlag.LAST_IN_BATCH in flags_of(closing)
