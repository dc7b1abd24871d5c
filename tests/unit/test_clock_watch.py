"""A clock that is set stops a run; one that is moved slowly does not."""

import pytest

from hfptm.clock import monotonic_ns, wall_ns, wall_offset_ns
from hfptm.drive.clock_watch import STEP_NS_MAX, ClockWatch
from hfptm.errors import HfptmError
from hfptm.units import NS_PER_MS, NS_PER_S


def test_the_offset_is_the_difference_of_both_clocks() -> None:
    offset_ns = wall_offset_ns()
    assert abs(wall_ns() - monotonic_ns() - offset_ns) < NS_PER_S
    assert abs(wall_offset_ns() - offset_ns) < 100 * NS_PER_MS


@pytest.mark.parametrize(
    ("step_ns", "text"), [(3 * NS_PER_S, r"\+3\.0 s"), (-3_600 * NS_PER_S, r"-3600\.0 s")]
)
def test_a_step_is_told(step_ns: int, text: str) -> None:
    watch = ClockWatch(0)
    watch.look(10 * NS_PER_MS)
    with pytest.raises(HfptmError, match=f"clock was set by {text}.*begin again"):
        watch.look(10 * NS_PER_MS + step_ns)


def test_slow_corrections_are_not() -> None:
    watch = ClockWatch(0)
    for look in range(10):
        watch.look(look * STEP_NS_MAX)
