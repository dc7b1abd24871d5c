"""Generated weeks, small, for every test that asks: two minutes of each of seven days.

Made once a session, also where several processes share it: the lake is read only. Whoever runs or
sweeps takes a data folder of his own, `own_data`.
"""

import fcntl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

if TYPE_CHECKING:
    from benchmarks.planted_week import Week

MINUTES, EVERY_S, SEED = 2, 20, 7


@pytest.fixture(scope="session")
def planted_week(tmp_path_factory: pytest.TempPathFactory) -> "Week":
    """Baskets planted in every event, every 20 seconds."""
    return _week(tmp_path_factory, "planted", EVERY_S)


@pytest.fixture(scope="session")
def bare_week(tmp_path_factory: pytest.TempPathFactory) -> "Week":
    """Nothing planted."""
    return _week(tmp_path_factory, "bare", None)


def own_data(week: "Week", folder: Path) -> Path:
    """A data folder with the week's lake and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lake").symlink_to(week.data / "lake")
    return folder


def _week(factory: pytest.TempPathFactory, name: str, every_s: int | None) -> "Week":
    from benchmarks.planted_week import Week, sandbox_week  # kernels take seconds to load

    shared = factory.getbasetemp()
    if shared.name.startswith("popen-"):  # of one of several processes
        shared = shared.parent
    made = shared / f"week-{name}.made"
    with (shared / f"week-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            week = sandbox_week(shared / f"week-{name}", SEED, MINUTES, every_s)
            made.write_bytes(msgspec.json.encode(week, enc_hook=str))
    return msgspec.json.decode(made.read_bytes(), type=Week, dec_hook=_path)


def _path(_: type, text: Any) -> Path:
    return Path(text)
