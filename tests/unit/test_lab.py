"""`hfptm lab`: JupyterLab on the notebooks, for this machine and whoever has its token."""

import re
import signal
from pathlib import Path

import httpx

from tests.conftest import ROOT
from tests.e2e.command import hfptm, process


def test_it_serves_the_notebooks_behind_its_token(tmp_path: Path) -> None:
    own = {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "BROWSER": "true"}
    with process("lab", "--data", tmp_path, PYTHONPATH=str(ROOT), **own) as lab:
        assert lab.stderr is not None
        said = ""
        while not (found := re.search(r"(http://\S+?)/lab\?token=(\w+)", said)):
            line = lab.stderr.readline()
            assert line, f"it ended with:\n{said}"
            said += line
        address, token = found.groups()
        try:
            assert address.startswith("http://127.0.0.1:")
            refused = httpx.get(f"{address}/api/contents")
            listed = httpx.get(f"{address}/api/contents", params={"token": token}).json()
        finally:
            lab.send_signal(signal.SIGTERM)
            lab.communicate()
    assert refused.status_code == 403
    assert "01-what-is-in-my-lake.ipynb" in {file["name"] for file in listed["content"]}


def test_it_takes_a_folder_only() -> None:
    assert hfptm("lab", "notebooks").code == 2
