"""Merging any segments gives what a plain sort of all rows gives."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hfptm.lake import SCHEMAS, Kind, Lake
from hfptm.parquet import TableFile, to_arrow
from replay.reader import EventReader
from tests.tapes import HOUR_NS, START_NS, Rows, make_rows

SCHEMA = SCHEMAS[Kind.EVENTS]

segments = st.lists(st.lists(st.integers(0, 12), max_size=15), min_size=1, max_size=4)


def write_hour(lake: Lake, segment: str, rows: Rows, group_rows: int) -> None:
    if len(rows):
        ts_ns = int(rows[0]["ts_recv_ns"])
        file = TableFile(lake.path(Kind.EVENTS, ts_ns, segment), SCHEMA, group_rows)
        file.append(to_arrow(rows, SCHEMA))
        file.publish()


@settings(max_examples=60)
@given(segments, st.integers(1, 4), st.integers(0, 12), st.integers(0, 13))
def test_the_tape_is_a_stable_sort(
    times: list[list[int]], group_rows: int, start: int, stop: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        expected = []
        for number, offsets in enumerate(times):
            # Offsets above 9 fall into the next hour.
            ts_ns = [START_NS + o + (o > 9) * HOUR_NS for o in sorted(offsets)]
            rows = make_rows(ts_ns, market=number)
            expected.append(rows)
            write_hour(
                lake, f"s{number}", rows[rows["ts_recv_ns"] < START_NS + HOUR_NS], group_rows
            )
            write_hour(
                lake, f"s{number}", rows[rows["ts_recv_ns"] >= START_NS + HOUR_NS], group_rows
            )
        tape = np.concatenate(expected)
        tape = tape[np.argsort(tape["ts_recv_ns"], kind="stable")]
        from_ns, to_ns = (START_NS + o + (o > 9) * HOUR_NS for o in (start, stop))
        tape = tape[(tape["ts_recv_ns"] >= from_ns) & (tape["ts_recv_ns"] < to_ns)]
        blocks = list(EventReader(lake, from_ns, to_ns))
        assert np.array_equal(np.concatenate([*blocks, make_rows([])]), tape)
