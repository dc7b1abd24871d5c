"""The kill switch: a file in the data folder, so that anybody can throw it, with any tool.

As long as it is there nothing leaves but cancellations. Only a human takes it away.
"""

from pathlib import Path

from hfptm.records import Control
from hfptm.units import NS_PER_MS

LOOK_NS = 50 * NS_PER_MS
"""A stop takes effect within so long, and the length of a tick."""


def switch_path(data: Path) -> Path:
    return data / "HALTED"


def throw(data: Path, reason: str) -> None:
    """Throw it; a reason that is there already stays."""
    data.mkdir(parents=True, exist_ok=True)
    path = switch_path(data)
    if not path.exists():
        path.write_text(f"{reason}\n")


def lift(data: Path) -> bool:
    """Whether it was thrown. A run under way is told, thrown or not: a limit may have latched."""
    path = switch_path(data)
    was_thrown = path.exists()
    if data.exists():
        _lifted_path(data).touch()  # before it is away, or a run would hear of it twice
    path.unlink(missing_ok=True)
    return was_thrown


def reason_of(data: Path) -> str | None:
    """None if it is not thrown."""
    path = switch_path(data)
    return path.read_text(errors="replace").strip() if path.exists() else None


def _lifted_path(data: Path) -> Path:
    """Empty; its time is that of the last word."""
    return data / "RESUMED"


def _lifted_ns(data: Path) -> int:
    path = _lifted_path(data)
    return path.stat().st_mtime_ns if path.exists() else 0


class KillSwitch:
    """What a loop has to be told of it; it was not thrown when this is made."""

    def __init__(self, data: Path) -> None:
        self._path = switch_path(data)
        self._is_thrown = False
        self._lifted_ns = _lifted_ns(data)
        self._looked_ns = 0

    def throw(self, reason: str) -> None:
        """Throw it, and look at it at once."""
        throw(self._path.parent, reason)
        self._looked_ns = 0

    def look(self, now_ns: int) -> Control | None:
        """HALT when it is thrown, RESUME when somebody lifts it, once each; call it often."""
        if now_ns - self._looked_ns < LOOK_NS:
            return None
        self._looked_ns = now_ns
        was_lifted_ns, self._lifted_ns = self._lifted_ns, _lifted_ns(self._path.parent)
        was_thrown, self._is_thrown = self._is_thrown, self._path.exists()
        if self._is_thrown:
            return None if was_thrown else Control.HALT
        return Control.RESUME if was_thrown or self._lifted_ns != was_lifted_ns else None
