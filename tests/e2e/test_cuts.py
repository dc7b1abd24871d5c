"""A recording cut at any byte, through the command line: told, and nothing half-written."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from hfptm.sandbox.recording import write_recording
from tests.e2e.command import hfptm, must, replayed

SEED = 20_260_429


def stored(data: Path) -> dict[str, bytes]:
    files = [path for path in (data / "lake").rglob("*") if path.is_file()]
    return {str(path.relative_to(data)): path.read_bytes() for path in files}


def cut_copy(folder: Path, copy: Path, number: int) -> int:
    """A copy of the recording whose frames end at a byte drawn by `number`."""
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)
    copy.chmod(0o755)
    frames = copy / "frames.jsonl.gz"
    content = frames.read_bytes()
    rng = np.random.default_rng([SEED, number])
    at_byte = int(rng.integers(len(content)))
    frames.write_bytes(content[:at_byte])
    return at_byte


class Whole:
    """A small recording, what an import of it stores, and how many events that is."""

    def __init__(self, folder: Path, data: Path) -> None:
        write_recording(folder, SEED, rate=10)
        must("import", "frames-jsonl", folder, "--data", data)
        self.folder = folder
        self.stored = stored(data)
        self.events = replayed(data)["events"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(tmp_path_factory.mktemp("recording"), tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("number", range(10))
def test_a_cut_recording(number: int, whole: Whole, tmp_path: Path) -> None:
    copy, data = tmp_path / "copy", tmp_path / "data"
    at_byte = cut_copy(whole.folder, copy, number)
    told = hfptm("import", "frames-jsonl", copy, "--data", data)
    assert told.code == 3, f"cut at byte {at_byte}"
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert str(copy / "frames.jsonl.gz") in told.err
    if stored(data):
        assert "everything before it was imported" in told.err
        assert 0 < replayed(data)["events"] < whole.events
    else:
        assert hfptm("replay", "--data", data).code == 4
    must("import", "frames-jsonl", whole.folder, "--data", data)
    assert stored(data) == whole.stored
