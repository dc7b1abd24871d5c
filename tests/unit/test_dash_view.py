"""What a dashboard tells of a bulletin, and of what was before it."""

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.bulletin import Bulletin
from hfptm.dash.history import COARSE_MAX, COLUMNS, FINE_MAX, History
from hfptm.dash.view import SILENT_NS, Around, Seen, state
from hfptm.units import NS_PER_S
from tests.bulletins import PAPER, RECORDING, TOLD_NS, later

AROUND = Around(history_until_ns=0, alerts=[], is_alive=True, age_ns=1, killed=None, can_kill=True)


def seen(bulletin: Bulletin | None, age_ns: int = 0, problem: str = "") -> Seen:
    return Seen(bulletin=bulletin, problem=problem, now_ns=TOLD_NS + age_ns)


def test_a_state_is_the_bulletin_and_what_stands_around_it_in_one_line() -> None:
    told = state(seen(PAPER), AROUND)
    assert b"\n" not in told
    fields = json.loads(told)
    around = {name: fields.pop(name) for name in Around.__struct_fields__}
    assert msgspec.convert(fields, Bulletin) == PAPER
    assert around == msgspec.to_builtins(AROUND)


def test_where_nothing_ever_ran_a_state_has_the_same_fields() -> None:
    fields = json.loads(state(seen(None), AROUND))
    told = json.loads(state(seen(PAPER), AROUND))
    assert fields.keys() == told.keys() - {"version"}
    assert (fields["mode"], fields["feed"], fields["trading"]) == ("", None, None)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (seen(PAPER), []),
        (seen(PAPER, SILENT_NS - 1), []),
        (seen(None), ["nothing has run here yet"]),
        (seen(None, problem="not of this version"), ["not of this version"]),
        (seen(msgspec.structs.replace(PAPER, problems=["no space"])), ["no space"]),
        (
            seen(msgspec.structs.replace(PAPER, ended="stopped"), 90 * NS_PER_S),
            ["hfptm paper (process 1) has ended: stopped"],
        ),
        (
            seen(PAPER, 40 * NS_PER_S),
            ["hfptm paper (process 1) has said nothing for 40 s: it was killed, or hangs"],
        ),
    ],
)
def test_it_is_well_only_while_it_lives_and_has_no_problem(found: Seen, said: list[str]) -> None:
    assert found.problems() == said


def test_a_clock_that_was_set_back_makes_nobody_dead() -> None:
    found = seen(PAPER, -3_600 * NS_PER_S)
    assert (found.is_alive, found.age_ns) == (True, 0)


def test_a_point_a_second_then_one_in_15_and_never_more() -> None:
    history, told = History(), RECORDING
    for _ in range(4_000):  # 2,000 s
        history.note(told)
        told = later(told, NS_PER_S // 2)
    columns = history.columns(0)
    assert set(columns) == set(COLUMNS)
    times = [int(ns or 0) for ns in columns["told_ns"]]
    assert {len(column) for column in columns.values()} == {len(times)}
    steps = [(after - before) // NS_PER_S for before, after in pairwise(times)]
    assert steps[-FINE_MAX + 1 :] == [1] * (FINE_MAX - 1)
    assert set(steps[1:-FINE_MAX]) == {15}
    assert history.until_ns == times[-1]
    assert len(history.columns(times[-3])["told_ns"]) == 2
    assert len(times) < FINE_MAX + COARSE_MAX


def test_history_tells_what_is_known_and_nothing_else() -> None:
    history = History()
    history.note(RECORDING)
    recorded = {name: column[0] for name, column in history.columns(0).items()}
    assert recorded["feed_p99_ns"] == 2_000_000
    assert (recorded["result_e6"], recorded["exposure_e6"]) == (None, None)
    silent = msgspec.structs.replace(RECORDING.latencies[0], minute_count=0)
    history.note(later(PAPER, NS_PER_S, latencies=[silent]))
    traded = {name: column[1] for name, column in history.columns(0).items()}
    assert (traded["locked_e6"], traded["exposure_e6"]) == (1_000_000, 7)
    assert traded["feed_p50_ns"] is None


@given(st.lists(st.integers(-100 * NS_PER_S, 100 * NS_PER_S), max_size=60))
def test_history_is_in_order_however_the_clock_is_set(steps: list[int]) -> None:
    history, told = History(), RECORDING
    for step in steps:
        told = later(told, step)
        history.note(told)
        times = history.columns(0)["told_ns"]
        assert times == sorted(set(times), key=lambda ns: ns or 0)
        assert history.until_ns <= told.told_ns
        assert told.told_ns - history.until_ns < NS_PER_S
