"""Runs `hfptm` as a user does, in this process or in one of its own."""

import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from hfptm.cli import main
from hfptm.config import environment
from tests.conftest import ROOT


class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout; fails if there is anything else."""
        return json.loads(self.out)


def hfptm(*arguments: object) -> Result:
    """In this process: the kernels are loaded once for all tests."""
    out, err = StringIO(), StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([*map(str, arguments)])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return Result(code, out.getvalue(), err.getvalue())


def must(*arguments: object) -> Result:
    """As `hfptm`, and it has to succeed."""
    result = hfptm(*arguments)
    assert result.code == 0, f"hfptm {' '.join(map(str, arguments))}: {result.err}"
    return result


def replayed(data: Path, *arguments: object) -> Any:
    """The summary of a run over everything in `data`, or over what the arguments choose."""
    return must("replay", "--data", data, "--json", *arguments).json


def process(*arguments: object, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "hfptm.cli", *map(str, arguments)],
        cwd=ROOT,
        env={**environment(), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def in_its_own_process(*arguments: object, **variables: str) -> Result:
    with process(*arguments, **variables) as child:
        out, err = child.communicate()
        return Result(child.returncode, out, err)
