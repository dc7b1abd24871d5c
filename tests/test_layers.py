"""Imports point down only, and every contract that says so notices when they do not."""

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

PYPROJECT = ROOT / "pyproject.toml"
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
]
OFFENCES = {
    "hfptm/units.py": "import hfptm.records",
    "hfptm/errors.py": "import time",
    "hfptm/registry.py": "import replay\nimport polymarket",
    "hfptm/lake.py": "import numba",
    "hfptm/sim/__init__.py": "import logging",
    "hfptm/venue/messages.py": "import asyncio",
    "hfptm/dash/view.py": "import hfptm.engine",
    "recorder/__init__.py": "import replay\nimport hfptm.kernel.fees",
    "replay/__init__.py": "import socket",
    "notebooks/look.py": "import hfptm.lake",
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contract names are printed on one line."""
    monkeypatch.setenv("COLUMNS", "200")


def test_contracts_hold() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_contract_is_broken_by_an_offence(tmp_path: Path) -> None:
    shutil.copy(PYPROJECT, tmp_path)
    for package in ("hfptm", "notebooks", "recorder", "replay"):
        shutil.copytree(ROOT / package, tmp_path / package)
    for path, offence in OFFENCES.items():
        with (tmp_path / path).open("a") as file:
            file.write(f"\n{offence}\n")
    result = lint_imports(tmp_path)
    assert [name for name in CONTRACTS if f"{name} BROKEN" not in result.stdout] == []
    assert result.returncode == 1


DECIDING = [
    path
    for package in ("kernel", "sim")
    for path in sorted((ROOT / "hfptm" / package).glob("*.py"))
    if path.name not in ("arrays.py", "jit.py")
]
ALLOWED = {"collections", "enum", "typing", "numpy", "hfptm"}


@pytest.mark.parametrize("path", DECIDING, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_decides_takes_plain_arrays(path: Path) -> None:
    """A contract can only forbid what it names; here everything else is forbidden."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    assert imported <= ALLOWED
