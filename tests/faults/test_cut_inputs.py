"""Every input file cut at ten random bytes: a clear error, nothing half-written, no trace later."""

import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from hfptm.errors import HfptmError
from hfptm.lake import Lake
from hfptm.parquet import open_table
from hfptm.sandbox.recording import write_recording
from replay.importers import ImportOptions, import_paths
from tests.golden.test_imports import ROOT, sample_folder

CUTS = range(10)

NotRaised = pytest.fail.Exception


class Case:
    """A recording that can be copied, the file of it to cut, and how to import it."""

    def __init__(
        self, format_name: str, folder: Path, cut_file: str, options: ImportOptions
    ) -> None:
        self.format_name = format_name
        self.folder = folder
        self.cut_file = cut_file
        self.options = options

    def load(self, folder: Path, data: Path) -> Lake:
        lake = Lake(data)
        path = folder / self.cut_file if self.format_name == "quotes" else folder
        import_paths(self.format_name, [path], self.options, lake)
        return lake


def updown(shared: Path, _made: Path) -> tuple[str, Path, ImportOptions]:
    folder = shared / "recordings" / "raw-updown-15m"
    return "frames-jsonl", folder, ImportOptions(preset="updown")


def made(_shared: Path, made: Path) -> tuple[str, Path, ImportOptions]:
    return "frames-jsonl", made, ImportOptions()


def sol(shared: Path, _made: Path) -> tuple[str, Path, ImportOptions]:
    return "l2-json", shared / "recordings" / "l2-updown-15m-sol", ImportOptions()


def quotes(shared: Path, _made: Path) -> tuple[str, Path, ImportOptions]:
    options = ImportOptions(groups=ROOT / "config" / "groups.example.toml")
    return "quotes", shared / "recordings" / "multi-outcome-quotes", options


def settled(_shared: Path, _made: Path) -> tuple[str, Path, ImportOptions]:
    return "resolvedkit", sample_folder(), ImportOptions()


Source = Callable[[Path, Path], tuple[str, Path, ImportOptions]]

FILES: list[tuple[Source, str]] = [
    (updown, "frames.jsonl.gz"),
    (updown, "markets.jsonl"),
    (made, "frames.jsonl.gz"),
    (made, "markets.jsonl"),
    (made, "groups.jsonl"),
    (sol, "orderbooks-up.json.gz"),
    (sol, "orderbooks-down.json.gz"),
    (sol, "trades-up.json.gz"),
    (sol, "trades-down.json.gz"),
    (quotes, "2026-07-23.parquet"),
    (settled, "books.parquet"),
    (settled, "markets.parquet"),
]


@pytest.fixture(scope="module")
def made_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_recording(folder, seed=5, rate=10)
    return folder


@pytest.fixture(
    scope="module", params=FILES, ids=[f"{source.__name__}/{name}" for source, name in FILES]
)
def case(request: pytest.FixtureRequest, made_recording: Path) -> Case:
    source, cut_file = request.param
    needs_shared = source not in (made, settled)
    shared = request.getfixturevalue("shared") if needs_shared else made_recording
    format_name, folder, options = source(shared, made_recording)
    return Case(format_name, folder, cut_file, options)


class Whole(NamedTuple):
    """What the uncut recording gives."""

    lake: Lake
    files: dict[str, bytes]
    rows: dict[str, int]


@pytest.fixture(scope="module")
def whole(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    data = tmp_path_factory.mktemp("whole")
    lake = case.load(case.folder, data)
    return Whole(lake, stored(lake), row_counts(lake))


def stored(lake: Lake) -> dict[str, bytes]:
    files = sorted(path for path in lake.root.rglob("*") if path.is_file())
    return {str(path.relative_to(lake.root)): path.read_bytes() for path in files}


def cut_copy(case: Case, folder: Path, number: int) -> int:
    """A copy of the recording with one file cut at a byte that depends on its name and `number`."""
    shutil.copytree(case.folder, folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    victim = folder / case.cut_file
    content = victim.read_bytes()
    rng = np.random.default_rng([number, zlib.crc32(case.cut_file.encode())])
    at_byte = int(rng.integers(len(content)))
    victim.write_bytes(content[:at_byte])
    return at_byte


def row_counts(lake: Lake) -> dict[str, int]:
    return {name: open_table(lake.root / name).metadata.num_rows for name in stored(lake)}


def check(case: Case, folder: Path, data: Path, whole: Whole) -> None:
    with pytest.raises(HfptmError) as caught:
        case.load(folder, data)
    assert caught.value.exit_code != 0
    assert str(folder / case.cut_file) in str(caught.value)
    rows = row_counts(Lake(data))
    assert all(count <= whole.rows[name] for name, count in rows.items())
    if rows:
        assert "everything before it was imported" in str(caught.value)
        assert stored(case.load(case.folder, data)) == whole.files
    with pytest.raises(HfptmError):
        case.load(folder, whole.lake.root.parent)
    assert stored(whole.lake) == whole.files


@pytest.mark.parametrize("number", CUTS)
def test_a_cut_file(
    case: Case,
    whole: Whole,
    number: int,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """A whole import over what a cut one left gives the same bytes as if there had been no cut.

    A cut file over a whole import changes nothing.
    """
    at_byte = cut_copy(case, tmp_path / "copy", number)
    try:
        check(case, tmp_path / "copy", tmp_path / "data", whole)
    except (AssertionError, HfptmError, NotRaised) as failure:
        name = request.node.nodeid
        failure.add_note(f"{case.cut_file} cut at byte {at_byte}; again with: pytest '{name}'")
        raise
