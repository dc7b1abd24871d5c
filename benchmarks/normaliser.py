"""How fast raw rows become events, and how small: `python -m benchmarks.normaliser [--json]`."""

import gzip
import json
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from benchmarks.report import Figure, main
from hfptm.clock import monotonic_ns
from hfptm.lake import Lake
from hfptm.normaliser.normaliser import Normaliser
from hfptm.raw import RawKind
from hfptm.registry import Market
from hfptm.sandbox.recording import write_recording
from hfptm.units import NS_PER_MS, NS_PER_S
from replay.importers import ImportOptions, import_paths

ABOUT = """Frames: those of the demonstration's sandbox (seed 7), about 40,000 in 150 s of its time.
One line as it was received; two lines with the same frames, the second a millisecond behind.
In memory and on one core, without reading raw rows or writing events; median of 5."""

REPETITIONS = 5
BLOCK_ROWS = 8_192

Rows = npt.NDArray[np.void]
Row = tuple[int, int, int, int, bytes]


def measure() -> list[Figure]:
    with TemporaryDirectory() as name:
        folder, lake = Path(name) / "made", Lake(Path(name) / "data")
        write_recording(folder, 7)
        import_paths("frames-jsonl", [folder], ImportOptions(), lake)
        rows, markets = one_line(folder), lake.markets()
        files = lake.events_files()
        event_rows = sum(len(block) for block in _blocks(rows, markets))
        event_bytes = sum(path.stat().st_size for path in files) / event_rows
    note = "raw rows a second into event rows"
    return [
        rate("frames_per_s_1", rows, markets, f"{note}, one line"),
        rate("frames_per_s_2", two_lines(rows), markets, f"{note}, two lines merged"),
        Figure("event_bytes_per_row", event_bytes, "B", None, "of an events file"),
    ]


def one_line(folder: Path) -> list[Row]:
    with gzip.open(folder / "frames.jsonl.gz", "rt", encoding="utf-8") as lines:
        frames = [json.loads(line) for line in lines]
    kind = int(RawKind.FRAME)
    return [
        (frame["ts_recv_ns"], 0, frame["connection"], kind, frame["payload"].encode())
        for frame in frames
    ]


def two_lines(rows: list[Row]) -> list[Row]:
    """Copies of the bytes, as another socket gives them."""
    second = [(r[0] + NS_PER_MS, 1, -r[2] - 1, r[3], bytes(bytearray(r[4]))) for r in rows]
    return sorted([*rows, *second], key=lambda row: row[0])


def rate(name: str, rows: list[Row], markets: list[Market], note: str) -> Figure:
    rates = []
    for _ in range(REPETITIONS):
        began_ns = monotonic_ns()
        _blocks(rows, markets)
        rates.append(len(rows) * NS_PER_S / (monotonic_ns() - began_ns))
    return Figure(name, median(rates), "1/s", (min(rates), max(rates)), note)


def _blocks(rows: list[Row], markets: list[Market]) -> list[Rows]:
    normaliser = Normaliser(markets)
    blocks = []
    for start in range(0, len(rows), BLOCK_ROWS):
        for row in rows[start : start + BLOCK_ROWS]:
            normaliser.receive(*row)
        blocks.append(normaliser.take())
    return blocks


if __name__ == "__main__":
    main("normaliser", ABOUT, measure)
