"""What every test may ask for: the shared recordings, and failures that can be reproduced."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.weeks"]

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

# In CI the same examples every time; at a desk new ones, and a blob that brings a failure back.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("desk", deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings beside the repository; skips the test where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no recordings: there is no folder {SHARED.name}/ beside the repository")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def every_run_again(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No run that any test made may come out otherwise when it is computed once more."""
    yield
    from tests.parities import different  # kernels are loaded where some test has run them

    assert different(tmp_path_factory.getbasetemp()) == []
