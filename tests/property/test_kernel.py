"""The whole of kernel and venue: the same for every cut, compiled or not, alone or among lanes."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from hfptm.opportunities import OpportunityKind, Phase, Reason
from hfptm.records import EventFlag, EventKind, IntentKind
from tests.conftest import ROOT
from tests.kernels import Record, Venue, tape
from tests.property.books import Ledger, Limits
from tests.property.kernel_tape import LANES, SEED, Maker, digest, new_venue, run


@pytest.fixture(scope="module")
def straight() -> Venue:
    """All rows in one block."""
    return run(new_venue(*LANES), tape(Maker(SEED).rows()), 1_000_000)


def test_the_tape_holds_what_it_is_for(straight: Venue) -> None:
    """Otherwise the equalities below would be empty."""
    taken = [d for d in straight.decisions if d["reason"] == Reason.TAKEN]
    assert {d["kind"] for d in taken} == set(OpportunityKind)
    assert sum(d["artefact"] != 0 for d in straight.decisions if d["phase"] == Phase.BEGIN) > 5
    intents = Counter(i["kind"] for i in straight.intents)
    for kind in IntentKind:
        assert intents[kind] > 3 or kind == IntentKind.REDEEM
    reports = Counter(r["kind"] for r in straight.reports)
    over = (EventKind.DONE, EventKind.REJECT, EventKind.SETTLED)
    waiting = (EventKind.ACK, EventKind.DELAYED, EventKind.UNKNOWN)
    fills = (EventKind.FILL, EventKind.FILL_CONFIRMED, EventKind.FILL_FAILED)
    for event in (*over, *waiting, *fills):
        assert reports[event] > 5
    rested = [r for r in straight.reports if r["flags"] & EventFlag.MAKER]
    assert sum(r["kind"] == EventKind.FILL for r in rested) > 5
    assert {o["arrived"] for o in straight.outcomes} == {0, 1}
    refused = {d["reason"] for d in straight.decisions}
    assert {Reason.CONCURRENT_PLANS, Reason.EVENT_EXPOSURE, Reason.TOTAL_EXPOSURE} <= refused
    for lane in range(len(LANES)):
        account = straight.lane(lane)
        for count in ("completed", "partial", "missed", "unwinds"):
            assert account[count] > 0, (lane, count)


def test_accounts_balance_after_every_row() -> None:
    venue = new_venue(*LANES)
    ledger = Ledger(venue)
    limits = Limits(venue, ledger)
    events = tape(Maker(SEED).rows())
    for index in range(len(events)):
        assert venue.run(events, index, index + 1) == index + 1
        venue.collect()
        venue.check_accounts()
        ledger.read()
        limits.check()
    assert not venue.state.plans["stage"].any()
    assert venue.state.lanes["realised_e6"].any()


@pytest.mark.parametrize("block", [1, 7, 777])
def test_how_the_tape_is_cut_changes_nothing(straight: Venue, block: int) -> None:
    cut = run(new_venue(*LANES), tape(Maker(SEED).rows()), block)
    assert digest(cut) == digest(straight)


def test_without_compiling_the_same(straight: Venue) -> None:
    """Warnings are errors there: an overflow would be one."""
    command = ["env", "NUMBA_DISABLE_JIT=1", sys.executable, "-W", "error", "-m"]
    command += ["tests.property.kernel_tape", "777"]
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert result.stderr == ""
    assert json.loads(result.stdout) == digest(straight)


def of_lane(rows: list[Record], lane: int) -> list[Record]:
    """A lane's rows as if it were the only one; a timer is no lane's."""
    own = []
    for item in rows:
        if item["kind"] == EventKind.TIMER and "aux" in item:
            continue
        if item.get("lane", item.get("aux", 0) >> 40) == lane:
            shifted = {name: item[name] & ((1 << 40) - 1) for name in IDS if name in item}
            own.append({**item, **shifted, "lane": 0})
    return own


IDS = ("aux", "order", "decision")


def test_lanes_do_not_see_each_other(straight: Venue) -> None:
    for lane, parameters in enumerate(LANES):
        alone = run(new_venue(parameters), tape(Maker(SEED).rows()), 1_000_000)
        for name in ("intents", "decisions", "reports", "outcomes"):
            among, single = getattr(straight, name), getattr(alone, name)
            assert of_lane(among, lane) == of_lane(single, 0), (lane, name)
        assert str(alone.lane(0)) == str(straight.lane(lane))
