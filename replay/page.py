"""`hfptm report`: the page of a run or of a sweep, by its name."""

from pathlib import Path

from hfptm.errors import LakeError
from hfptm.journal import partial_of, partial_runs, run_ids
from hfptm.parquet import publish_bytes
from hfptm.sweep_files import sweep_ids


def write_page(data: Path, name: str, output: Path | None) -> Path:
    """Leaves one HTML file, whole or not at all, and returns where.

    `output`: None is "<name>.html" in the working folder. Raises LakeError if there is no closed
    run and no sweep of that name.
    """
    path = output or Path(f"{name}.html")
    publish_bytes(path, page(data, name).encode())
    return path


def page(data: Path, name: str) -> str:
    if name in sweep_ids(data):
        from replay.page_sweep import sweep_page

        return sweep_page(data, name)
    if name in run_ids(data) or partial_of(data / "runs" / name) in partial_runs(data):
        from replay.page_run import run_page

        return run_page(data, name)
    latest = ", ".join([*run_ids(data)[-3:], *sweep_ids(data)[-3:]]) or "none"
    raise LakeError(f"no run and no sweep {name} in {data}; the latest are: {latest}")
