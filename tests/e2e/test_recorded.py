"""Two lines, each with its own losses, through `normalize`, `verify` and `replay`."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from hfptm.lake import SCHEMAS, Kind, Lake
from hfptm.raw import RawKind
from hfptm.records import EventKind
from hfptm.sandbox.recording import write_recording
from replay.reader import EventReader
from tests.e2e.command import hfptm, must

SEGMENT_FRAMES = 2_000
MS = 1_000_000

RawRow = tuple[int, int, int, int, int, int, bytes]


def frames_of(folder: Path) -> list[dict[str, Any]]:
    with gzip.open(folder / "frames.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def one_line(frames: list[dict[str, Any]], line: int, rng: np.random.Generator) -> list[RawRow]:
    """What one of two lines receives: later by up to 3 ms, and one change in twenty never.

    Each loses where the other does not.
    """
    rows: list[RawRow] = []
    last = None
    for number, frame in enumerate(frames):
        connection, payload = frame["connection"] * 10 + line, frame["payload"].encode()
        ts_ns = max(frame["ts_recv_ns"] + int(rng.integers(0, 3 * MS)), rows[-1][0] if rows else 0)
        if connection != last:
            if last is not None:
                rows.append((rows[-1][0], 0, line, last, 0, RawKind.LINK_DOWN, b""))
            rows.append((ts_ns, 0, line, connection, 0, RawKind.LINK_UP, b""))
            last = connection
        elif number % 2 == line and rng.random() < 0.1 and b'"price_change"' in payload:
            continue
        rows.append((ts_ns, 0, line, connection, frame["seq"], RawKind.FRAME, payload))
    return rows


def record(data: Path, rows: list[RawRow]) -> None:
    """As a recorder seals them."""
    lake = Lake(data)
    for number, start in enumerate(range(0, len(rows), SEGMENT_FRAMES)):
        columns = [list(c) for c in zip(*rows[start : start + SEGMENT_FRAMES], strict=True)]
        name = f"20260101T{number:09d}Z-{number:08x}"
        lake.write_raw(name, pa.table(columns, schema=SCHEMAS[Kind.RAW]))


def final_books(data: Path) -> dict[int, dict[tuple[int, int], int]]:
    """Of every market, as its last rows leave it before the end or a gap."""
    books: dict[int, dict[tuple[int, int], int]] = {}
    for rows in EventReader(Lake(data)):
        for row in rows:
            book = books.setdefault(int(row["market"]), {})
            if row["kind"] in (EventKind.SNAPSHOT, EventKind.TICK):
                book.clear()
            elif row["kind"] == EventKind.LEVEL:
                book[int(row["side"]), int(row["price_e4"])] = int(row["size_e6"])
    return {market: {k: v for k, v in book.items() if v} for market, book in books.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made")
    write_recording(made, 7, rate=60)
    return made


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every frame, imported."""
    data = tmp_path_factory.mktemp("whole")
    must("import", "frames-jsonl", folder, "--data", data)
    return data


@pytest.fixture(scope="module")
def recorded(folder: Path, whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two lines in a lake that knows the markets."""
    data = tmp_path_factory.mktemp("recorded")
    lake, known = Lake(data), Lake(whole)
    lake.write_markets("markets", known.markets(), known.groups())
    rng, frames = np.random.default_rng(7), frames_of(folder)
    rows = sorted(
        (row for line in range(2) for row in one_line(frames, line, rng)), key=lambda row: row[0]
    )
    record(data, rows)
    return data


@pytest.fixture(scope="module")
def verified(recorded: Path) -> dict[str, Any]:
    report = must("normalize", "--data", recorded, "--json").json
    assert report["copies"] > 0.8 * report["frames"] / 2
    (certificate,) = must("verify", "--data", recorded, "--json").json
    assert isinstance(certificate, dict)
    return certificate


def test_a_certificate_of_two_lossy_lines(whole: Path, verified: dict[str, Any]) -> None:
    total, lines = verified["total"], verified["lines"]
    assert verified["checksums"]["wrong"] == verified["checksums"]["not_derivable"] == []
    assert set(lines["first"]) == {"0", "1"}
    assert 0 < lines["lead_p50_ns"] < lines["lead_p99_ns"] <= 3 * MS * 1.1
    assert lines["late"] > 0
    # What was planted in the recording itself lies on both lines; all else was healed.
    (without_loss,) = must("verify", "--data", whole, "--json").json
    assert total["healed"] > 10
    assert total["mismatches"] - total["healed"] <= without_loss["total"]["mismatches"]
    assert total["hashes_ok"] > 1_000
    assert total["hashes_bad"] > 0  # of each line by itself, which has lost frames


def test_the_books_end_as_without_any_loss(
    recorded: Path, whole: Path, verified: dict[str, Any]
) -> None:
    assert final_books(recorded) == final_books(whole)


def test_replay_shows_the_grade_and_keeps_to_it(recorded: Path, verified: dict[str, Any]) -> None:
    grade = verified["grade"]
    summary = must("replay", "--data", recorded, "--set", "replay.min_grade=F", "--json").json
    assert summary["recorded"] == {"hours": 1, "verified": 1, "grade": grade}
    refused = hfptm("replay", "--data", recorded, "--set", "replay.min_grade=A")
    assert (grade > "A", refused.code) == (True, 4)
    assert refused.err.startswith("hfptm: the hour 2026-")


def test_verify_is_a_table_for_people(recorded: Path, verified: dict[str, Any]) -> None:
    shown = must("verify", "--data", recorded).out
    assert "Worst markets" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert must("normalize", "--data", recorded).out.startswith("Normalised anew")


@pytest.mark.parametrize("command", ["normalize", "verify"])
def test_an_empty_lake_is_no_crash(tmp_path: Path, command: str) -> None:
    result = hfptm(command, "--data", tmp_path)
    assert result.code == (4 if command == "verify" else 0)
    assert "Traceback" not in result.err
