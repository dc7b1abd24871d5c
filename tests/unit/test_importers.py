"""Importers on small made-up recordings: what is taken, refused, assumed."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from hfptm.errors import ConfigError, DamagedInputError, InputError
from hfptm.lake import Lake
from hfptm.opportunities import Relation
from hfptm.records import EventFlag, EventKind, GapReason
from hfptm.registry import Group
from replay.importers import FORMATS, ImportOptions, ImportReport, import_paths
from replay.reader import EventReader
from tests.tapes import HOUR_NS, START_NS, Rows, make_market, make_rows

S = 1_000_000_000


def tape(lake: Lake) -> Rows:
    return np.concatenate([*EventReader(lake), make_rows([])])


def of_kind(lake: Lake, kind: EventKind) -> Rows:
    rows = tape(lake)
    return rows[np.flatnonzero(rows["kind"] == kind)]


def book(token: str, bids: list[str], asks: list[str], ts_ms: int = START_NS // 1_000_000) -> str:
    levels = [[{"price": price, "size": "10"} for price in side] for side in (bids, asks)]
    content = {"event_type": "book", "market": "a", "asset_id": token, "timestamp": str(ts_ms)}
    return json.dumps(content | {"bids": levels[0], "asks": levels[1]})


def change(token: str) -> str:
    entry = {"asset_id": token, "price": "0.3", "size": "1", "side": "BUY"}
    content = {"event_type": "price_change", "market": "a", "price_changes": [entry]}
    return json.dumps(content | {"timestamp": str(START_NS // 1_000_000)})


def frame_line(offset_ns: int, connection: int, payload: str, **more: Any) -> str:
    record = {"ts_recv_ns": START_NS + offset_ns, "connection": connection, "seq": 1}
    return json.dumps(record | {"source": "ws", "payload": payload} | more)


def write_frames(folder: Path, lines: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    markets = [make_market("a"), make_market("b")]
    encoded = b"".join(msgspec.json.encode(market) + b"\n" for market in markets)
    (folder / "markets.jsonl").write_bytes(encoded)
    (folder / "frames.jsonl").write_text("".join(line + "\n" for line in lines))
    return folder


def load(lake: Lake, path: Path, name: str = "frames-jsonl", **options: Any) -> ImportReport:
    return import_paths(name, [path], ImportOptions(**options), lake)


A, B = book("a-yes", ["0.4"], ["0.6"]), book("b-yes", ["0.4"], [])


def test_a_new_connection_blinds_every_market_until_its_next_snapshot(tmp_path: Path) -> None:
    lines = [
        frame_line(0, 1, A),
        frame_line(5, 1, B),
        frame_line(70, 2, A),
        frame_line(80, 2, change("b-yes")),
        frame_line(90, 3, "[]"),
        frame_line(95, 3, B),
    ]
    lake = Lake(tmp_path)
    report = load(lake, write_frames(tmp_path / "in", lines))
    a, b = make_market("a").market, make_market("b").market
    spans = {(g.market, g.from_ns - START_NS, g.to_ns and g.to_ns - START_NS) for g in lake.gaps()}
    # B has no snapshot on connection 2, so that its gap goes on.
    assert spans == {(a, 5, 70), (b, 5, 95), (a, 80, 0), (b, 95, 0)}
    assert len(of_kind(lake, EventKind.GAP)) == 4
    rows = tape(lake)
    first_gap = int(np.flatnonzero(rows["kind"] == EventKind.GAP)[0])
    assert set(rows["market"][:first_gap]) == {a, b}
    assert report.gaps == {"disconnect": 4}
    assert report.frames == 6


def test_gzip_members_in_a_row_are_one_recording(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", [])
    (folder / "frames.jsonl").unlink()
    parts = [frame_line(0, 1, A) + "\n" + frame_line(1, 1, B), "\n" + frame_line(2, 1, A)]
    content = b"".join(gzip.compress(part.encode()) for part in parts)
    (folder / "frames.jsonl.gz").write_bytes(content)
    assert load(Lake(tmp_path), folder).frames == 3


def test_plain_and_compressed_are_the_same_recording(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", [frame_line(0, 1, A)])
    lake = Lake(tmp_path)
    assert load(lake, folder).files_changed
    (folder / "frames.jsonl.gz").write_bytes(gzip.compress((folder / "frames.jsonl").read_bytes()))
    assert load(lake, folder).files_changed == []


def test_a_whole_file_replaces_a_cut_one_and_a_cut_one_nothing(tmp_path: Path) -> None:
    lines = [frame_line(0, 1, A), frame_line(HOUR_NS, 1, A), frame_line(2 * HOUR_NS, 1, A)]
    lake = Lake(tmp_path)
    cut = write_frames(tmp_path / "cut", [*lines[:2], '{"ts_recv'])
    with pytest.raises(DamagedInputError, match=r"frames\.jsonl: damaged at line 3: ") as caught:
        load(lake, cut)
    assert caught.value.place == "line 3"
    assert [gap.reason for gap in lake.gaps()] == [GapReason.DAMAGE]
    assert len(lake.events_files()) == 2
    whole = write_frames(tmp_path / "whole", lines)
    load(lake, whole)
    assert [gap.reason for gap in lake.gaps()] == [GapReason.DISCONNECT]
    assert len(of_kind(lake, EventKind.SNAPSHOT)) == 3
    with pytest.raises(DamagedInputError):
        load(lake, cut)
    assert len(of_kind(lake, EventKind.SNAPSHOT)) == 3
    # The same recording, shorter and whole: what it does not hold goes.
    load(lake, write_frames(tmp_path / "short", lines[:1]))
    assert len(lake.events_files()) == 1
    assert len(lake.gaps()) == 1


def test_a_corrupt_gzip_stream_gives_what_comes_before(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", [])
    noise = [frame_line(i, 1, A, note=f"{i * 7919 % 10007:x}") for i in range(4_000)]
    content = bytearray(gzip.compress("\n".join(noise).encode()))
    content[len(content) // 2] ^= 0xFF
    (folder / "frames.jsonl.gz").write_bytes(content)
    lake = Lake(tmp_path)
    with pytest.raises(DamagedInputError, match=r"damaged at line \d+"):
        load(lake, folder)
    assert 500 < len(of_kind(lake, EventKind.SNAPSHOT)) < 4_000


def test_a_gzip_trailer_that_is_cut_off_is_damage(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", [])
    content = gzip.compress((frame_line(0, 1, A) + "\n").encode())
    (folder / "frames.jsonl.gz").write_bytes(content[:-3])
    lake = Lake(tmp_path)
    with pytest.raises(DamagedInputError, match=r"line 2 \(byte \d+\): .*cut short"):
        load(lake, folder)
    assert len(of_kind(lake, EventKind.SNAPSHOT)) == 1


def test_a_clock_set_back_does_not_turn_the_tape_round(tmp_path: Path) -> None:
    lines = [frame_line(5 * S, 1, A), frame_line(3 * S, 1, A), frame_line(6 * S, 1, A)]
    lake = Lake(tmp_path)
    report = load(lake, write_frames(tmp_path / "in", lines))
    times = of_kind(lake, EventKind.SNAPSHOT)["ts_recv_ns"] - START_NS
    assert times.tolist() == [5 * S, 5 * S, 6 * S]
    assert list(report.skipped.values()) == [1]


def test_lines_in_the_wrong_order_are_damage(tmp_path: Path) -> None:
    lines = [frame_line(HOUR_NS, 1, A), frame_line(0, 1, A)]
    with pytest.raises(DamagedInputError, match=r"3600 s before the line above; sort the file"):
        load(Lake(tmp_path), write_frames(tmp_path / "in", lines))


@pytest.mark.parametrize(("unit", "value"), [("s", 1777428000.25), ("ms", "1777428000250")])
def test_fields_can_be_named(tmp_path: Path, unit: str, value: object) -> None:
    folder = write_frames(tmp_path / "in", [json.dumps({"at": value, "raw": A})])
    fields = {"time": "at", "time_unit": unit, "payload": "raw"} | dict.fromkeys(
        ("connection", "seq", "source"), ""
    )
    lake = Lake(tmp_path)
    load(lake, folder, fields=fields)
    assert of_kind(lake, EventKind.SNAPSHOT)["ts_recv_ns"].tolist() == [START_NS + S // 4]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"fields": {"tiem": "x"}}, "tiem"),
        ({"fields": {"time_unit": "min"}}, "expected ns, us, ms, s"),
        ({"fields": {"connection_divisor": "0"}}, "whole number"),
        ({"preset": "other"}, "hfptm or updown"),
        ({"hold_ms": 5}, "not an option of frames-jsonl"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, options: dict[str, Any], match: str) -> None:
    folder = write_frames(tmp_path / "in", [frame_line(0, 1, A)])
    with pytest.raises(ConfigError, match=match):
        load(Lake(tmp_path), folder, **options)


def test_unknown_formats_and_no_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="frames-jsonl, l2-json, resolvedkit, quotes"):
        import_paths("csv", [tmp_path], ImportOptions(), Lake(tmp_path))
    with pytest.raises(ConfigError, match="none given"):
        import_paths("quotes", [], ImportOptions(), Lake(tmp_path))


@pytest.mark.parametrize("name", FORMATS)
def test_a_wrong_path_is_an_input_error_and_leaves_no_trace(tmp_path: Path, name: str) -> None:
    groups = tmp_path / "groups.toml"
    groups.write_text("group = []\n")
    options = ImportOptions(groups=groups) if name == "quotes" else ImportOptions()
    empty = tmp_path / "empty"
    empty.mkdir()
    for path in (tmp_path / "nowhere", empty, groups):
        with pytest.raises(InputError) as caught:
            import_paths(name, [path], options, Lake(tmp_path / "data"))
        assert caught.value.exit_code == 3
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("{}", "no field 'source'|no field 'ts_recv_ns'"),
        ("PAR1", "not a JSON record"),
        ("[1]", "list indices"),
    ],
)
def test_a_first_line_of_another_format_is_refused(tmp_path: Path, line: str, match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        load(Lake(tmp_path / "data"), write_frames(tmp_path / "in", [line]))
    assert "--preset" in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_a_market_of_a_missing_group_is_refused(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", [frame_line(0, 1, A)])
    market = make_market("a", group=5)
    (folder / "markets.jsonl").write_bytes(msgspec.json.encode(market))
    with pytest.raises(InputError, match=r"group 5 is not defined in groups\.jsonl"):
        load(Lake(tmp_path), folder)
    group = Group(group=5, slug="g", relation=Relation.NESTED, members=2, convertible=False)
    (folder / "groups.jsonl").write_bytes(msgspec.json.encode(group))
    load(Lake(tmp_path), folder)
    assert Lake(tmp_path).groups() == [group]


def l2_book(bids: dict[str, str], asks: dict[str, str], ts_ms: int, recv_ms: int) -> dict[str, Any]:
    sides = [[{"price": p, "size": s} for p, s in side.items()] for side in (bids, asks)]
    stamps = {"timestamp": str(ts_ms), "local_timestamp": str(recv_ms)}
    return {"bids": sides[0], "asks": sides[1], **stamps}


def write_l2(folder: Path, up: list[Any], down: list[Any], trades: list[Any]) -> Path:
    folder.mkdir()
    contents = {"orderbooks-up": up, "orderbooks-down": down, "trades-up": trades}
    for stem, content in contents.items():
        (folder / f"{stem}.json").write_text(json.dumps(content, indent=4))
    print_ = {"price": "0.3", "size": "1", "side": "buy", "timestamp": "5", "local_timestamp": "6"}
    (folder / "trades-down.json").write_text(json.dumps([print_]))
    return folder


TRADE = {"price": "0.5", "size": "2", "side": "sell", "timestamp": "3", "local_timestamp": "4"}


def test_two_tokens_make_one_book_with_the_earlier_receive_time(tmp_path: Path) -> None:
    up = [l2_book({"0.4": "1"}, {"0.6": "2"}, 10, 30)]
    down = [l2_book({"0.40": "2"}, {"0.6": "1"}, 10, 20), l2_book({"0.3": "5"}, {}, 11, 40)]
    lake = Lake(tmp_path / "data")
    load(lake, write_l2(tmp_path / "in", up, down, [TRADE]), "l2-json", hold_ms=100)
    rows = tape(lake)
    found = rows[["kind", "ts_recv_ns", "side", "price_e4", "size_e6", "flags"]].tolist()
    snap, last = int(EventFlag.SNAPSHOT), int(EventFlag.SNAPSHOT | EventFlag.LAST_IN_BATCH)
    ms = 1_000_000
    assert found == [
        (EventKind.TRADE, 4 * ms, 1, 5_000, 2_000_000, 0),
        (EventKind.TRADE, 6 * ms, 1, 7_000, 1_000_000, 0),  # who buys NO at 0.3 sells YES at 0.7
        (EventKind.SNAPSHOT, 20 * ms, 0, 0, 0, snap),
        (EventKind.LEVEL, 20 * ms, 0, 4_000, 1_000_000, snap),
        (EventKind.LEVEL, 20 * ms, 1, 6_000, 2_000_000, last),
        (EventKind.SNAPSHOT, 40 * ms, 0, 0, 0, snap),
        (EventKind.LEVEL, 40 * ms, 1, 7_000, 5_000_000, last),
        (EventKind.GAP, 140 * ms, 0, 0, 0, 0),
    ]


def test_doubtful_books_are_flagged(tmp_path: Path) -> None:
    up = [
        l2_book({"0.4": "1"}, {"0.6": "2"}, 10, 30),
        l2_book({"0.4": "x", "0.3": "1"}, {}, 11, 31),
        l2_book({"0.4": "1", "0.40": "2"}, {}, 12, 32),
        l2_book({"0.4": "1"}, {}, 9, 33),
    ]
    down = [l2_book({"0.4": "9"}, {"0.6": "1"}, 10, 50)]
    lake = Lake(tmp_path / "data")
    report = load(lake, write_l2(tmp_path / "in", up, down, [TRADE]), "l2-json")
    closing = [row for row in tape(lake) if row["flags"] & EventFlag.LAST_IN_BATCH]
    flags = [int(row["flags"]) - EventFlag.SNAPSHOT - EventFlag.LAST_IN_BATCH for row in closing]
    # The contradicted YES book counts from when both were there, after two newer ones: dropped.
    assert flags == [EventFlag.MAYBE_BAD, EventFlag.MAYBE_BAD]
    assert report.skipped == {
        "unreadable level; its book is flagged MAYBE_BAD": 1,
        "second level at one price; its book is flagged MAYBE_BAD": 1,
        "NO book that contradicts its YES book, which is flagged MIRROR_BREAK": 1,
        "book older than the one before it": 2,
    }


@pytest.mark.parametrize("content", ['{"a": 1}', "[]", "[1]", "", "[{}]"])
def test_arrays_without_one_good_element_are_refused(tmp_path: Path, content: str) -> None:
    book_ = l2_book({"0.4": "1"}, {}, 10, 30)
    folder = write_l2(tmp_path / "in", [book_], [book_], [TRADE])
    (folder / "trades-up.json").write_text(content)
    with pytest.raises(InputError, match=r"trades-up\.json"):
        load(Lake(tmp_path / "data"), folder, "l2-json")
    assert not (tmp_path / "data").exists()


def test_nothing_after_the_damage_of_one_file_is_taken_from_another(tmp_path: Path) -> None:
    books = [l2_book({"0.4": "1"}, {}, 10 * i, 10 * i + 1) for i in range(1, 6)]
    folder = write_l2(tmp_path / "in", books, books, [TRADE])
    text = (folder / "orderbooks-up.json").read_text()
    (folder / "orderbooks-up.json").write_text(text[: text.index('"50"')])
    lake = Lake(tmp_path / "data")
    with pytest.raises(DamagedInputError, match="element 5"):
        load(lake, folder, "l2-json")
    assert tape(lake)["ts_recv_ns"].max() == 5_041_000_000  # the last book and its hold
    assert [gap.reason for gap in lake.gaps()] == [GapReason.DAMAGE]


GROUPS = """
[[group]]
slug = "g"
relation = "exactly_one"
outcomes = 3
convertible = true
fee_rate = 0.04
"""


def write_quotes(folder: Path, rows: list[tuple[int, str, str, Any, Any]]) -> Path:
    names = ("ts", "group", "slug", "bid", "ask")
    table = pl.DataFrame(rows, schema=names, orient="row", strict=False)
    table = table.with_columns(pl.from_epoch("ts"), pl.col("bid", "ask").cast(pl.Float64))
    path = folder / "quotes.parquet"
    table.write_parquet(path)
    (folder / "groups.toml").write_text(GROUPS)
    return path


def test_unlisted_groups_are_independent_markets(tmp_path: Path) -> None:
    rows = [
        (100, "g", "g1", 0.25, 0.3),
        (100, "h", "h1", 0.5, None),
        (100, "g", "g2", None, None),
        (100, "h", "h2", 0.125, 0.5),
        (100, "h", "h2", 0.9, 0.95),
        (100, "g", "g3", 1.0, float("nan")),
    ]
    path = write_quotes(tmp_path, rows)
    lake = Lake(tmp_path)
    report = load(
        lake, path, "quotes", groups=tmp_path / "groups.toml", default_size=Decimal("7.5")
    )
    by_slug = {market.slug: market for market in lake.markets()}
    [group] = lake.groups()
    assert (group.members, group.relation, group.convertible) == (3, Relation.EXACTLY_ONE, True)
    assert [by_slug[slug].group for slug in ("g1", "g3", "h1")] == [group.group, group.group, 0]
    assert [by_slug[slug].fee_rate_e4 for slug in ("g1", "h1")] == [400, 700]
    assert [by_slug[slug].tick_e4 for slug in ("g1", "h1", "h2")] == [100, 100, 50]
    assert "group h is not in the groups file: independent markets" in report.assumptions
    assert report.skipped == {
        "second quote of one outcome in one poll": 1,
        "unreadable level; its book is flagged MAYBE_BAD": 2,
    }
    ends = [row for row in tape(lake) if row["flags"] & EventFlag.LAST_IN_BATCH]
    order = [by_slug[slug].market for slug in ("g3", "h1", "h2")]
    assert [int(row["market"]) for row in ends] == order
    assert set(of_kind(lake, EventKind.LEVEL)["size_e6"].tolist()) == {7_500_000}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (("relation", "relatoin"), "relatoin"),
        (('"exactly_one"', '"sometimes"'), "sometimes"),
        (("outcomes = 3", "outcomes = 1"), "the recording has 2"),
        (("0.04", "4.5"), "from 0 to 1"),
        (("0.04", "0.00001"), "at most 4 decimals"),
        (("slug", "]slug"), "groups.toml"),
    ],
)
def test_a_wrong_groups_file_is_named(tmp_path: Path, change: tuple[str, str], match: str) -> None:
    path = write_quotes(tmp_path, [(1, "g", "a", 0.1, 0.2), (1, "g", "b", 0.1, 0.2)])
    (tmp_path / "groups.toml").write_text(GROUPS.replace(*change))
    with pytest.raises((ConfigError, InputError), match=match):
        load(Lake(tmp_path / "data"), path, "quotes", groups=tmp_path / "groups.toml")
    assert not (tmp_path / "data").exists()


def test_quotes_need_a_groups_file_and_a_size(tmp_path: Path) -> None:
    path = write_quotes(tmp_path, [(1, "g", "a", 0.1, 0.2)])
    with pytest.raises(ConfigError, match="--groups"):
        load(Lake(tmp_path), path, "quotes")
    groups = tmp_path / "groups.toml"
    for size in ("0", "-1", "NaN", "0.0000001"):
        with pytest.raises(ConfigError, match="default_size"):
            load(Lake(tmp_path), path, "quotes", groups=groups, default_size=Decimal(size))
    with pytest.raises(ConfigError, match="hold_ms"):
        load(Lake(tmp_path), path, "quotes", groups=groups, hold_ms=0)


def test_parquet_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = write_quotes(tmp_path, [(1, "g", "a", 0.1, 0.2)])
    pl.read_parquet(path).rename({"ask": "offer"}).write_parquet(path)
    with pytest.raises(InputError, match=r"no column ask; expected .*ask \(double\)"):
        load(Lake(tmp_path), path, "quotes", groups=tmp_path / "groups.toml")
