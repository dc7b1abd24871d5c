"""How kernels are compiled, and that they run the same without it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hfptm.kernel import jit
from tests.conftest import ROOT


def cache_folder(root: Path) -> str:
    """Where a copy of the project would keep compiled kernels."""
    code = "import hfptm.kernel.jit as jit; print(jit.numba.config.CACHE_DIR)"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return result.stdout.strip()


def test_an_edited_helper_means_another_cache(tmp_path: Path) -> None:
    for path in (
        "hfptm/__init__.py",
        "hfptm/units.py",
        "hfptm/opportunities.py",
        "hfptm/records.py",
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    for package in ("kernel", "sim"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "hfptm" / package, tmp_path / "hfptm" / package, ignore=ignored)
    first = cache_folder(tmp_path)
    assert cache_folder(tmp_path) == first
    for helper in ("sim/queue.py", "kernel/cash.py", "units.py", "opportunities.py", "records.py"):
        with (tmp_path / "hfptm" / helper).open("a") as file:
            file.write("\n")
        second = cache_folder(tmp_path)
        assert second != first
        first = second


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("is_there", [True, False])
def test_where_an_installation_is_not_ours_the_cache_is_elsewhere(
    tmp_path: Path, is_there: bool
) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "hfptm", tmp_path / "hfptm", ignore=ignored)
    kept = Path(cache_folder(tmp_path))
    if not is_there:
        kept.rmdir()
    closed = kept if is_there else kept.parent
    closed.chmod(0o555)
    try:
        assert Path(cache_folder(tmp_path)).name == f"hfptm-{kept.name}"
    finally:
        closed.chmod(0o755)


def test_every_compiled_source_is_in_the_key() -> None:
    compiled = {path.name for path in (ROOT / "hfptm").glob("*/*.py")}
    named = {path.relative_to(ROOT / "hfptm").as_posix() for path in jit._sources()}
    assert {"units.py", "records.py", "kernel/step.py", "sim/run.py"} <= named
    assert {name for name in named if "/" in name} == {
        f"{package}/{name}"
        for package in ("kernel", "sim")
        for name in compiled
        if (ROOT / "hfptm" / package / name).exists()
    }
