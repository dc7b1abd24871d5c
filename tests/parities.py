"""Every run that tests leave behind is computed once more: bit for bit the same, or a failure."""

from pathlib import Path

from hfptm.drive.inputs import START
from replay.parity import parity

ALTERED = "ALTERED"
"""In a data folder whose runs were altered on purpose."""


def different(folder: Path) -> list[str]:
    """The closed runs anywhere below that kept their inputs, and do not come out again."""
    found = []
    for start in sorted(folder.rglob(f"runs/*/{START}")):
        run, data = start.parent, start.parents[2]
        if not (run / "summary.json").exists() or (data / ALTERED).exists():
            continue
        if difference := parity(data, run.name).difference:
            found.append(f"{run}: {difference}")
    return found
