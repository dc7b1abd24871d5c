"""A losing day: its limit ends trading, and neither a restart nor a better day lifts that."""

import pytest

from hfptm.journal import read_run
from hfptm.opportunities import Reason
from tests.e2e.command import hfptm, replayed
from tests.e2e.conftest import Demo

LOSING = ("--set", "sim.settlement_failure=0.3", "--set", "sim.seed=2")
"""Trades fail on the chain, so that legs are left without their partners and sold at a loss."""

LIMIT = ("--set", "risk.daily_loss_limit_usd=5")


def test_a_losing_day_latches_until_a_human_lifts_it(demo: Demo) -> None:
    lost = replayed(demo.folder, *LOSING, *LIMIT)
    assert lost["risk"]["latch"] == "daily_loss"
    assert lost["risk"]["latch_limit"] == 5_000_000 <= lost["risk"]["latch_value"]
    decisions = read_run(demo.folder, lost["run_id"]).rows("decisions")
    [latched_ns] = decisions["ts_ns"][decisions["reason"] == Reason.DAILY_LOSS][:1]
    bought = decisions[(decisions["reason"] == Reason.TAKEN) & (decisions["plan"] > 0)]
    assert len(bought) == lost["plans"] > 0
    assert bought["ts_ns"].max() < latched_ns
    assert replayed(demo.folder, *LOSING)["plans"] > lost["plans"], "there was more to buy"

    again = replayed(demo.folder, "--after", lost["run_id"])
    assert (again["plans"], again["after"]) == (0, lost["run_id"])
    assert again["risk"]["latch"] == "daily_loss"
    third = replayed(demo.folder, "--after", again["run_id"])
    assert (third["plans"], third["risk"]["latch"]) == (0, "daily_loss")

    lifted = replayed(demo.folder, "--after", third["run_id"], "--resume")
    assert lifted["plans"] > 0
    assert lifted["risk"]["latch"] == ""
    assert lifted["plans"] == replayed(demo.folder)["plans"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--resume",), 2, "--resume: lifts the latch of a run: name it, --after"),
        (("--after", "yesterday"), 4, "no run yesterday in"),
    ],
)
def test_what_cannot_be_gone_on_with(
    demo: Demo, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = hfptm("replay", "--data", demo.folder, *arguments)
    assert result.code == code
    assert message in result.err
    assert result.out == ""
