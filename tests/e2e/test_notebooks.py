"""Every notebook, from its first cell to its last, on a sandbox day with runs, a sweep and a
capture analysis, and on nothing at all.

All run in one kernel, which forgets everything in between: to start six takes longer than they do.
"""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from hfptm.config import DATA_DIR_VARIABLE
from tests.conftest import ROOT
from tests.e2e.command import must, replayed
from tests.e2e.conftest import Demo

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIGURE = "application/vnd.plotly.v1+json"
FORGET = "%reset -f"


class Executed(NamedTuple):
    full: dict[str, list[Any]]
    """The code cells of each notebook."""
    empty: dict[str, Any]
    """Its first one, where nothing was recorded."""


def cells_of(path: Path) -> list[Any]:
    """What a cell holds is what it is executed with: nbformat has no types."""
    return list(nbformat.read(path, as_version=4).cells)


def code_of(path: Path) -> list[Any]:
    return [cell for cell in cells_of(path) if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, demo: Demo) -> Path:
    data = tmp_path_factory.mktemp("notebooks")
    for part in ("lake", "runs"):
        shutil.copytree(demo.folder / part, data / part)
    replayed(data, "--set", "sim.entry_latency_ms=150")
    grid = data / "grid.toml"
    grid.write_text(
        '[grid]\n"trading.min_edge" = [0.01, 0.025]\n"sim.entry_latency_ms" = [20, 150]\n'
    )
    must("sweep", grid, "--data", data)
    must("capture", "--data", data)
    return data


@pytest.fixture(scope="module")
def executed(data: Path) -> Executed:
    found = Executed(
        {path.stem: code_of(path) for path in NOTEBOOKS},
        {path.stem: code_of(path)[0] for path in NOTEBOOKS},
    )
    cells = [cell for book in found.full.values() for cell in (new_code_cell(FORGET), *book)]
    cells += [new_code_cell(f"%env {DATA_DIR_VARIABLE}={data / 'nothing'}")]
    for cell in found.empty.values():
        cell.metadata["tags"] = ["raises-exception"]
        cells += [new_code_cell(FORGET), cell]
    for place, cell in enumerate(cells):
        cell["id"] = str(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA_DIR_VARIABLE, str(data))
        patch.setenv("PYTHONPATH", str(ROOT))
        NotebookClient(new_notebook(cells=cells), timeout=120, kernel_name="python3").execute()
    return found


def test_there_are_six_and_none_holds_what_it_once_printed() -> None:
    assert [path.name[:3] for path in NOTEBOOKS] == [f"0{number}-" for number in range(1, 7)]
    for path in NOTEBOOKS:
        for cell in cells_of(path):
            assert not cell.get("outputs"), f"{path.name}: clear all outputs"
            assert cell.get("execution_count") is None, f"{path.name}: clear all outputs"
            assert cell.metadata == {}, path.name


def test_each_answers_with_a_figure_and_every_cell_shows_something(executed: Executed) -> None:
    for name, cells in executed.full.items():
        assert FIGURE in cells[0].outputs[-1].data, f"{name}: no figure under its first cell"
        for cell in cells:
            assert cell.outputs, f"{name} shows nothing for:\n{cell.source}"
            shown = [output.data for output in cell.outputs if "data" in output]
            for figure in (each[FIGURE] for each in shown if FIGURE in each):
                assert figure["data"], f"{name} draws nothing for:\n{cell.source}"


def test_where_there_is_nothing_it_names_the_command_that_makes_it(executed: Executed) -> None:
    for name, cell in executed.empty.items():
        (error,) = [output for output in cell.outputs if output.output_type == "error"]
        assert error.ename == "LakeError", name
        assert "`hfptm " in error.evalue, name
