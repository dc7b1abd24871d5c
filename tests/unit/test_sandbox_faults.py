"""When faults act and whom they hit; fault files and the log of what was done."""

from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.errors import ConfigError
from hfptm.sandbox.faults import Faults
from hfptm.sandbox.faults_file import load_faults
from hfptm.sandbox.faults_kinds import KINDS, ClockSkew, Drop, Fault, Freeze
from hfptm.sandbox.faults_log import Deed, FaultLog, read_deeds
from hfptm.units import NS_PER_MS, NS_PER_S

BEGIN_NS = 1_000 * NS_PER_S


def started(*faults: Fault, seed: int = 1) -> Faults:
    """Faults in force from the start of a server at BEGIN_NS."""
    all_faults = Faults(seed)
    for fault in faults:
        all_faults.start(fault)
    all_faults.advance(BEGIN_NS)
    return all_faults


def active_at(faults: Faults, ms: int) -> bool:
    faults.advance(BEGIN_NS + ms * NS_PER_MS)
    return bool(faults.active(Drop))


def test_a_fault_without_times_acts_from_start_to_end() -> None:
    faults = started(Drop())
    assert active_at(faults, 0)
    assert active_at(faults, 10**9)
    assert not faults.active(Freeze)


def test_nothing_acts_before_the_server_starts() -> None:
    faults = Faults(1)
    faults.start(Drop())
    assert not faults.active(Drop)


def test_a_window_has_its_first_moment_and_not_its_last() -> None:
    faults = started(Drop(start_s=Decimal("0.5"), duration_s=1))
    found = [active_at(faults, ms) for ms in (0, 499, 500, 1_499, 1_500)]
    assert found == [False, False, True, True, False]


def test_windows_come_again_and_know_their_number() -> None:
    faults = started(Drop(start_s=1, duration_s=2, every_s=10))
    found = []
    for second in (0, 1, 2, 3, 10, 11, 12, 13, 21):
        faults.advance(BEGIN_NS + second * NS_PER_S)
        found += [(a.window, (a.since_ns - BEGIN_NS) // NS_PER_S) for a in faults.active(Drop)]
    assert found == [(0, 1), (0, 1), (1, 11), (1, 11), (2, 21)]


def test_a_fault_started_late_has_a_window_that_begins_then() -> None:
    faults = started()
    faults.advance(BEGIN_NS + 5 * NS_PER_S)
    number = faults.start(Drop(duration_s=60))
    (active,) = faults.active(Drop)
    assert (active.number, active.since_ns - BEGIN_NS) == (number, 5 * NS_PER_S)


def test_a_stopped_fault_acts_no_more_and_others_keep_their_numbers() -> None:
    faults = started(Drop(), Drop())
    faults.stop(1)
    assert [active.number for active in faults.active(Drop)] == [2]
    assert faults.start(Drop()) == 3
    with pytest.raises(ValueError, match="no fault 1 is in force"):
        faults.stop(1)


def test_time_that_goes_back_stands_still() -> None:
    faults = started(Drop(start_s=1))
    assert active_at(faults, 1_000)
    assert active_at(faults, 0)


@given(st.integers(0, 100), st.integers(0, 2**32))
def test_a_share_is_hit_that_often(percent: int, seed: int) -> None:
    faults = started(Drop(share=Decimal(percent) / 100), seed=seed)
    (active,) = faults.active(Drop)
    hits = sum(faults.hits(active, number) for number in range(400))
    assert abs(hits - 4 * percent) <= 60
    assert percent not in (0, 100) or hits == 4 * percent


def test_whom_it_hits_follows_from_seed_kind_number_and_numbers() -> None:
    def hits(seed: int, place: int, kind: type[Fault]) -> list[bool]:
        faults = started(*[Drop()] * place, kind(share=Decimal("0.5")), seed=seed)
        active = faults.active(kind)[-1]
        return [faults.hits(active, number) for number in range(64)]

    same = hits(1, 0, Freeze)
    assert hits(1, 0, Freeze) == same
    for other in (hits(2, 0, Freeze), hits(1, 1, Freeze), hits(1, 0, Drop)):
        assert other != same


def test_requests_are_counted_for_each_fault() -> None:
    faults = started(Drop(share=Decimal("0.5")), Drop())
    half, all_ = faults.active(Drop)
    assert [faults.hits_next(all_) for _ in range(3)] == [1, 2, 3]
    found = [faults.hits_next(half) for _ in range(64)]
    assert [n for n in found if n] == [n for n in range(1, 65) if faults.hits(half, n)]


def test_draws_of_a_span_reach_both_ends() -> None:
    faults = started(Drop())
    (active,) = faults.active(Drop)
    assert {faults.draw_between(active, (3, 5), number) for number in range(64)} == {3, 4, 5}


def test_a_skewed_clock_steps_and_drifts() -> None:
    faults = Faults(1)
    deeds: list[Deed] = []
    faults.tell = deeds.append
    faults.start(ClockSkew(start_s=1, duration_s=10, skew_ms=-500, drift_ppm=200))
    skews_ms = []
    for second in (0, 1, 6, 11):
        faults.advance(BEGIN_NS + second * NS_PER_S)
        faults.start(Drop())
        skews_ms.append(faults.skew_ns / NS_PER_MS)
    assert skews_ms == [0, -500, -499, 0]
    assert [(deed.fault, deed.detail) for deed in deeds] == [(1, "skew_ms=-500 drift_ppm=200")]


def test_a_file_of_every_kind_is_read(tmp_path: Path) -> None:
    own = {
        "delay": "delay_ms = [5, 50]",
        "reorder": "delay_ms = [1, 1]",
        "slow": "delay_ms = [0, 9]",
        "clock_skew": "drift_ppm = 20",
    }
    text = [f'[[fault]]\nkind = "{kind}"\n{own.get(kind, "")}' for kind in KINDS]
    (tmp_path / "faults.toml").write_text("\n".join(text))
    faults = load_faults(tmp_path / "faults.toml")
    assert [fault.kind for fault in faults] == list(KINDS)
    assert [type(fault) for fault in faults] == list(KINDS.values())


def test_decimals_of_a_file_are_exact(tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text(
        '[[fault]]\nkind = "drop"\nstart_s = 0.1\nduration_s = 0.2\nshare = 0.001\n'
    )
    (fault,) = load_faults(tmp_path / "faults.toml")
    assert fault == Drop(start_s=Decimal("0.1"), duration_s=Decimal("0.2"), share=Decimal("0.001"))
    faults = started(fault)
    faults.advance(BEGIN_NS + 100 * NS_PER_MS)
    (active,) = faults.active(Drop)
    assert (active.share_e6, active.since_ns) == (1_000, BEGIN_NS + 100 * NS_PER_MS)


def test_an_empty_file_has_no_faults(tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text("")
    assert load_faults(tmp_path / "faults.toml") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x", "the whole file: is not TOML"),
        ("faults = 1", "faults: is unknown; write every fault as [[fault]]"),
        ("[fault]\nkind = 'drop'", "fault: is a list; write every fault as [[fault]]"),
        ("[[fault]]\nshare = 1", "fault 1: has no kind; known: drop, duplicate,"),
        ("[[fault]]\nkind = 'drap'", "fault 1 (drap): is of an unknown kind; known: drop,"),
        ("[[fault]]\nkind = ['drop']", "is of an unknown kind"),
        (
            "[[fault]]\nkind = 'drop'\n[[fault]]\nkind = 'drop'\ndelay_ms = 1",
            "fault 2 (drop): delay_ms is unknown; known: start_s, duration_s, every_s, share, chan",
        ),
        ("[[fault]]\nkind = 'drop'\nshare = 1.01", "share 1.01 is not within 0 and 1"),
        ("[[fault]]\nkind = 'drop'\nshare = nan", "share NaN is not within 0 and 1"),
        ("[[fault]]\nkind = 'drop'\nshare = 0.0000001", "has more than 6 decimals"),
        ("[[fault]]\nkind = 'drop'\nshare = 'all'", "Expected `int | decimal`, got `str`"),
        ("[[fault]]\nkind = 'drop'\nstart_s = -1", "start_s -1 is not within 0 and"),
        ("[[fault]]\nkind = 'drop'\nduration_s = -1", "duration_s -1 is not within 0 and"),
        ("[[fault]]\nkind = 'drop'\nevery_s = 1", "every_s needs a duration_s above 0"),
        ("[[fault]]\nkind = 'drop'\nevery_s = 1\nduration_s = 2", "that is not longer"),
        ("[[fault]]\nkind = 'drop'\nchannel = 'rest'", "allowed: market, user"),
        ("[[fault]]\nkind = 'delay'", "missing required field `delay_ms`"),
        ("[[fault]]\nkind = 'delay'\ndelay_ms = [5, 1]", "delay_ms [5, 1] is not [least, most]"),
        ("[[fault]]\nkind = 'slow'\ndelay_ms = [-5, 1]", "Expected `int` >= 0"),
        ("[[fault]]\nkind = 'reorder'\ndelay_ms = [2, 1]", "is not [least, most]"),
        ("[[fault]]\nkind = 'disconnect'\ncode = 99", "Expected `int` >= 1000"),
        ("[[fault]]\nkind = 'refuse'\nstatus = 400", "allowed: 429, 503"),
        ("[[fault]]\nkind = 'refuse'\nshare = 0.5", "refuse without a status refuses all"),
        ("[[fault]]\nkind = 'malformed'\nform = 'odd'", "allowed: cut, types, junk, unknown"),
        ("[[fault]]\nkind = 'lose'\nchannel = 'user'", "lose is of the market channel only"),
        ("[[fault]]\nkind = 'clock_skew'", "needs skew_ms or drift_ppm"),
    ],
)
def test_a_file_with_a_mistake_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_faults(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert problem in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--faults: .*missing\.toml: cannot be read"):
        load_faults(tmp_path / "missing.toml")


def test_the_log_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "faults.log.jsonl"
    faults = started(Drop())
    (active,) = faults.active(Drop)
    with closing(FaultLog(path)) as log:
        faults.tell = log.write
        faults.note(active, connection=3, frame=7)
        assert path.read_text() == (
            f'{{"ts_ns":{BEGIN_NS},"kind":"drop","fault":1,"connection":3,"frame":7}}\n'
        )
        faults.note(active, connection=3, frame=8, n=9, market="0x12")
    expected = Deed(ts_ns=BEGIN_NS, kind="drop", fault=1, connection=3, frame=8, n=9, market="0x12")
    assert read_deeds(path)[1:] == [expected]
