"""The whole way on a recording made here: write, import, replay, and compare with what was planted."""

from collections.abc import Callable
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfptm.config import load
from hfptm.lake import Lake
from hfptm.clock import NS_MAX
from hfptm.sandbox.recording import Truth, write_recording
from replay.driver import Progress, Selection, replay
from replay.importers import ImportOptions, import_paths
from replay.metrics import Json
from replay.report import import_table, summary_table

Say = Callable[[str], None]


def run_demo(data: Path, seed: int, progress: Progress) -> tuple[Json, RenderableType]:
    """Everything lands in `data`/demo, apart from the user's own recordings."""
    folder = data / "demo"
    truth = write_recording(folder / "recording", seed)
    report = import_paths(
        "frames-jsonl", [folder / "recording"], ImportOptions(), Lake(folder), progress
    )
    _, summary = replay(folder, load(None, [], {}), Selection(0, NS_MAX), progress)
    return summary, Group(
        import_table(report),
        Text(""),
        summary_table(summary),
        Text(""),
        truth_table(truth),
        Text(
            "This market was made up: the figures show that the tool works, not that there is "
            "money in it."
        ),
    )


def truth_table(truth: Truth) -> RenderableType:
    table = Table(title=f"Planted in the recording (seed {truth.seed})", title_justify="left")
    for column in ("kind", "where", "expected"):
        table.add_column(column)
    for planted in truth.planted:
        table.add_row(planted.kind, planted.slug, planted.expected)
    return table
