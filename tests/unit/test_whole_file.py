"""What a full disk takes of an order is cut off again; a limit of sizes stands for the disk."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from hfptm.drive.inputs import InputLog, Start, read_inputs
from hfptm.drive.whole_file import WholeFile
from hfptm.errors import LakeError
from hfptm.records import EVENT


@contextmanager
def full(size_bytes: int) -> Iterator[None]:
    """No file of this process gets longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def refused(append: Callable[[], object], size_bytes: int) -> str:
    with full(size_bytes):
        try:
            append()
        except LakeError as error:
            return str(error)
    return "taken"


def test_a_piece_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "orders"
    with WholeFile(path) as file:
        file.append(b"first\n")
        said = refused(lambda: file.append(b"second\n"), 9)
        assert "takes no more (File too large)" in said
        assert "make room" in said
        assert path.read_bytes() == b"first\n"
        file.append(b"third\n")
    assert path.read_bytes() == b"first\nthird\n"


def test_it_begins_where_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"whole, torn")
    with WholeFile(path, 5) as file:
        file.append(b"!")
    assert path.read_bytes() == b"whole!"


def test_inputs_that_were_refused_are_written_once(tmp_path: Path) -> None:
    rows = np.zeros(1_000, EVENT)
    rng = np.random.default_rng(1)
    rows["ts_recv_ns"] = rng.integers(0, 1 << 60, len(rows))
    with InputLog(tmp_path, Start(mode="live")) as inputs:
        inputs.append(rows)
        size_bytes = (tmp_path / "inputs.wal").stat().st_size + 500
        assert "inputs.wal takes no more" in refused(inputs.flush, size_bytes)
        inputs.append(rows)
        inputs.flush()
    ((_, read),) = read_inputs(tmp_path)
    assert np.array_equal(read, np.concatenate([rows, rows]))


@pytest.mark.parametrize("room_bytes", [0, 20])
def test_a_listing_is_whole_or_not_there(tmp_path: Path, room_bytes: int) -> None:
    path = tmp_path / "listings.jsonl"
    with InputLog(tmp_path, Start(mode="live")) as inputs:
        before = path.read_bytes()
        said = refused(lambda: inputs.list_more([], []), len(before) + room_bytes)
        assert "takes no more" in said
        assert path.read_bytes() == before
