"""What a benchmark prints: figures beside the machine, versions and commit they hold for."""

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("numpy", "numba", "pyarrow", "websockets", "uvloop")
WIDTH = 120


class Figure(NamedTuple):
    """One measured number. `spread`: lowest and highest of the repetitions, in the same unit."""

    name: str
    value: float
    unit: str
    spread: tuple[float, float] | None
    note: str


def main(name: str, about: str, measure: Callable[[], list[Figure]]) -> None:
    """The command line of a benchmark: a table and `about`, or with --json one object."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument("--json", action="store_true", help="print one JSON object, no table")
    wanted = parser.parse_args()
    figures = measure()
    if wanted.json:
        print(json.dumps(as_json(name, figures)))
    else:
        console = Console(width=WIDTH)
        console.print(as_table(name, figures))
        console.print(about, highlight=False, markup=False)


def as_json(name: str, figures: list[Figure]) -> dict[str, object]:
    values = {figure.name: figure.value for figure in figures}
    return {"name": name, "machine": machine(), "figures": values}


def as_table(name: str, figures: list[Figure]) -> Table:
    caption = ", ".join(f"{key} {value}" for key, value in machine().items())
    table = Table(title=f"benchmarks.{name}", caption=caption)
    for title in ("figure", "value", "lowest", "highest"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("unit", "what"):
        table.add_column(title)
    for figure in figures:
        low, high = map(_number, figure.spread) if figure.spread else ("", "")
        table.add_row(figure.name, _number(figure.value), low, high, figure.unit, figure.note)
    return table


def machine() -> dict[str, str | int]:
    """Processor, versions and commit."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 1,
        "system": platform.platform(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "commit": _commit(),
    }


def _number(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 1_000 else f"{value:,.0f}"


def _cpu_model() -> str:
    """As Linux prints it; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _commit() -> str:
    """Of the sources that ran, with "+" if they differ from it; "unknown" outside a clone."""
    command = ("git", "describe", "--always", "--dirty=+", "--exclude=*")
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
