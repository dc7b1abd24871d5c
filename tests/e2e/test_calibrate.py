"""`hfptm calibrate` on what really traded, and on a sandbox, whose books explain every trade."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import hfptm, must, replayed
from tests.e2e.conftest import Demo


def calibrated(data: Path, *arguments: object) -> Any:
    return must("calibrate", "--data", data, "--json", *arguments).json


def test_every_trade_of_a_sandbox_is_repeated_at_its_price(demo: Demo) -> None:
    """Two came while the line was down."""
    fills = calibrated(demo.folder)["fills"]
    assert (fills["orders"], fills["prints"], fills["unseen"], fills["turned"]) == (621, 669, 2, 0)
    assert fills["whole"] == 619
    assert fills["filled_share"]["value"] == pytest.approx(1, abs=1e-8)  # dollars are whole
    assert fills["extra_e4"]["value"] == 0
    assert fills["missed"] == {"unseen": 2}


def test_later_runs_show_it(demo: Demo) -> None:
    calibrated(demo.folder)
    before = replayed(demo.folder)["calibration"]
    assert (before["hours"], before["calibrated"], before["fills"]["whole"]) == (1, 1, 619)
    assert "100.0% of 619" in must("replay", "--data", demo.folder).out


@pytest.fixture(scope="module")
def sol(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("sol")
    folder = shared / "recordings" / "l2-updown-15m-sol"
    must("import", "l2-json", folder, "--data", data)
    return data


def test_real_trades_are_stamped_after_the_book_that_they_changed(sol: Path) -> None:
    """docs/calibrate.md explains these figures."""
    as_stamped = calibrated(sol)["fills"]
    assert (as_stamped["orders"], as_stamped["unseen"], as_stamped["turned"]) == (247, 4, 16)
    assert as_stamped["filled_share"]["value"] == pytest.approx(0.444, abs=5e-4)
    assert as_stamped["missed"]["moved"] == 93
    earlier = calibrated(sol, "--print-lag-ms", 60)["fills"]
    assert (earlier["orders"], earlier["unseen"]) == (247, 45)
    assert earlier["filled_share"]["value"] == pytest.approx(0.838, abs=5e-4)
    assert earlier["whole_share"]["low"] is None  # one event: nothing can be said


def test_a_stretch_that_is_none_is_refused(demo: Demo) -> None:
    chosen = ("--from", "2026-11-21", "--to", "2026-11-20")
    result = hfptm("calibrate", "--data", demo.folder, *chosen)
    assert (result.code, result.out) == (2, "")
    assert "--from" in result.err
    assert "hfptm lake" in hfptm("calibrate", "--data", demo.folder, "--from", "2030-01-01").err
