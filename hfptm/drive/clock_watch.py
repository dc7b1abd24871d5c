"""Whether the machine's clock was set: orders are dated by it, and a plan's times are its times."""

from hfptm.errors import HfptmError
from hfptm.units import NS_PER_MS, NS_PER_S

STEP_NS_MAX = 500 * NS_PER_MS
"""Between two looks. NTP moves a clock that is a little off by less, and slowly."""


class ClockWatch:
    """Takes `clock.wall_offset_ns` again and again."""

    def __init__(self, offset_ns: int) -> None:
        self._offset_ns = offset_ns

    def look(self, offset_ns: int) -> None:
        """Raises HfptmError if it was set since the last look."""
        step_ns, self._offset_ns = offset_ns - self._offset_ns, offset_ns
        if abs(step_ns) > STEP_NS_MAX:
            problem = f"this machine's clock was set by {step_ns / NS_PER_S:+.1f} s, or it slept"
            raise HfptmError(f"{problem}, in the middle of trading; look to it, and begin again")
