"""Every recording in a lake of its own, imported once through the command line."""

from pathlib import Path

import pytest

from hfptm import book_check, engine
from tests.conftest import ROOT
from tests.e2e.command import Result, hfptm, must
from tests.golden.test_imports import sample_folder


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Worlds of a few seconds must not be over before a program of its own can read a book."""
    engine.compile_kernels()
    book_check.compile_kernels()


@pytest.fixture(scope="session")
def updown(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("updown")
    folder = shared / "recordings" / "raw-updown-15m"
    must("import", "frames-jsonl", folder, "--preset", "updown", "--data", data)
    return data


@pytest.fixture(scope="session")
def quotes(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("quotes")
    file = shared / "recordings" / "multi-outcome-quotes" / "2026-07-23.parquet"
    groups = ROOT / "config" / "groups.example.toml"
    must("import", "quotes", file, "--groups", groups, "--data", data)
    return data


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("settled")
    must("import", "resolvedkit", sample_folder(), "--data", data)
    return data


class Demo:
    """What `hfptm demo` printed, and the folder it worked in."""

    def __init__(self, data: Path) -> None:
        self.result: Result = hfptm("demo", "--data", data, "--json")
        self.folder = data / "demo" / "seed-7"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return Demo(tmp_path_factory.mktemp("demo"))
