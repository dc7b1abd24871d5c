"""The source keeps the house rules, and each rule notices when it does not."""

from pathlib import Path

import pytest

from tests import tidy
from tests.conftest import ROOT

FILES = list(tidy.project_files(ROOT))
PYTHON = [path for path in FILES if path.suffix == ".py"]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_python(path: Path) -> None:
    assert list(tidy.check_python(name(path), path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_text_and_size(path: Path) -> None:
    content = path.read_bytes()
    assert len(content) <= tidy.FILE_BYTES_MAX, "generate it, or read it from outside"
    if b"\0" not in content:  # a picture has any letters by chance
        assert list(tidy.check_text(name(path), content.decode("utf-8"))) == []


def test_the_project_was_found() -> None:
    names = {name(path) for path in FILES}
    assert {"hfptm/units.py", "tests/tidy.py", "pyproject.toml", "requirements.lock"} <= names
    assert not any(".venv" in n or "__pycache__" in n or n.startswith("data/") for n in names)


KERNEL = "hfptm/kernel/any.py"
CORE = "hfptm/any.py"


@pytest.mark.parametrize(
    ("path", "source", "finding"),
    [
        (CORE, "import time", "import of time; instead: hfptm.clock"),
        (CORE, "from datetime import date", "import of datetime; instead: hfptm.clock"),
        ("tests/unit/test_any.py", "import time", "import of time; instead: hfptm.clock"),
        (CORE, "import random", "import of random; instead: a seeded np.random.Generator"),
        (KERNEL, "from numba import njit", "import of numba; instead: hfptm.kernel.jit"),
        (CORE, "import numba.core", "import of numba.core; instead: hfptm.kernel.jit"),
        (CORE, "print('x')", "print; instead: return it"),
        (CORE, "x = os.environ['A']", "os.environ; instead: hfptm.config"),
        (CORE, "np.random.shuffle(x)", "np.random.shuffle; instead: a seeded"),
        (CORE, "g = np.random.default_rng()", "default_rng() without a seed"),
        (KERNEL, "x = 0.5", "float 0.5; instead: an int in _e4 or _e6"),
        ("hfptm/sim/any.py", "x = float(y)", "float; instead: an int in _e4 or _e6"),
        (KERNEL, "x = np.float64(y)", "np.float64; instead: an int"),
        (KERNEL, "x = a / b", "/ makes a float; instead: //"),
        (KERNEL, "x /= b", "/ makes a float; instead: //"),
        (CORE, "try:\n    f()\nexcept Exception:\n    g()", "catches everything"),
        (CORE, "try:\n    f()\nexcept (OSError, BaseException):\n    g()", "catches everything"),
        (CORE, "try:\n    f()\nexcept:\n    g()", "catches everything"),
        (CORE, "try:\n    f()\nexcept OSError:\n    pass", "swallows an error"),
        (CORE, "D = np.dtype([('price', 'i4')])", "price does not end in its unit"),
        (CORE, "D = np.dtype([('latency_max', 'i8')])", "latency_max does not end in its unit"),
        ("hfptm/sections.py", "class A:\n    entry_latency: int = 5", "entry_latency does not end"),
        ("hfptm/registry.py", "class A:\n    min_size: int", "min_size does not end in its unit"),
        (CORE, "def f(a, b, c, d, e, g, h): ...", "f takes 7 positional arguments, at most 6"),
        (CORE, "def f():\n" + "    g()\n" * 70, "f has 71 lines of code, at most 70"),
        (CORE, "x = 1\n" * 301, "301 lines, at most 300"),
        ("tests/test_any.py", "x = 1\n" * 501, "501 lines, at most 500"),
        (CORE, "x = '" + "y" * 96 + "'", "102 columns, at most 100"),
    ],
)
def test_each_rule_finds_its_offence(path: str, source: str, finding: str) -> None:
    (found,) = tidy.check_python(path, source)
    assert finding in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("hfptm/clock.py", "import time"),
        ("hfptm/kernel/jit.py", "from numba import njit\nfolder = root / name"),
        ("hfptm/cli/any.py", "print('x')"),
        ("benchmarks/any.py", "print('x')"),
        ("hfptm/config.py", "x = os.environ"),
        (CORE, "g = np.random.default_rng(7)\ndef f(g: np.random.Generator): ..."),
        (CORE, "x = 0.5 / 2.0\ny = float(x)"),
        (KERNEL, "x = a // b"),
        (CORE, "try:\n    f()\nexcept OSError:\n    g()"),
        (CORE, "D = np.dtype([('price_e4', 'i4'), ('market', 'i8'), ('fee_exponent', 'u1')])"),
        ("hfptm/sections.py", "class A:\n    max_cost_usd: Usd\n    min_edge: Edge\n    size: str"),
        (CORE, "class A:\n    def f(self, a, b, c, d, e, g, *, h): ..."),
        (CORE, 'def f():\n    """Doc.' + "\n" * 80 + '    """\n' + "    # why\n\n    g()\n" * 60),
        (CORE, "x = '" + "y" * 94 + "'"),
    ],
)
def test_no_rule_finds_what_is_allowed(path: str, source: str) -> None:
    assert list(tidy.check_python(path, source)) == []


@pytest.mark.parametrize(
    "line",
    [
        "# TO" + "DO: later",
        "x = 1  # FIX" + "ME",
        "good enough for " + "now.",
        "data = '/ro" + "ot/data'",
        "cp x /t" + "mp/y",
        "/opt" + "/other/bin",
        "see https://pypi" + ".org/simple",
    ],
)
def test_text_rules(line: str) -> None:
    (found,) = tidy.check_text("docs/any.md", f"fine\n{line}\n")
    assert found.startswith("docs/any.md:2: ")
