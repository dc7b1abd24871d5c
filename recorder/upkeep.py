"""What a recorder that is left alone for months needs done with its sealed files, by itself.

The tape is made of what is new, hours that are over are merged, what is new is copied, and old
hours make room: one after the other; a failure of one ends neither the others nor the recording.
"""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from hfptm import sections
from hfptm.clock import wall_ns
from hfptm.errors import HfptmError
from hfptm.lake import Lake
from hfptm.units import NS_PER_S
from recorder import archive
from recorder.compact import compact
from recorder.derivation import derivation_lock, derive, derive_held
from recorder.lock import HeldError
from recorder.retention import retain, settings_of
from recorder.talk import UpkeepStatus

HOURLY_S = 300
"""Between two looks for what is to be merged, copied or removed."""

GRACE_NS = 120 * NS_PER_S
"""An hour is merged so long after its end: its last log has been sealed by then."""


class Upkeep:
    """`tape` and `files` now and then, on one thread."""

    def __init__(self, data: Path, section: sections.Storage) -> None:
        self.status = UpkeepStatus()
        self._data = data
        self._lake = Lake(data)
        self._section = section

    def tape(self) -> None:
        """Bring the events up to what is sealed."""
        self._try("normalise", self._derive)

    def files(self) -> None:
        """Merge, copy, make room, as far as the settings ask for it."""
        self._try("compact", self._compact)
        if self._section.copy_url:
            self._try("copy", self._copy)
        if self._section.keep_days or self._section.min_free_mib:
            self._try("retain", self._retain)

    def _try(self, name: str, work: Callable[[], str]) -> None:
        """`work` says what is wrong although it has done what it could."""
        try:
            problem = work()
        except HeldError:  # somebody does it by hand, or verifies: the next time, then
            return
        except (HfptmError, OSError, pa.ArrowException) as error:
            problem = str(error)
        if problem:
            self.status.problems[name] = f"{name}: {problem}"
        else:
            self.status.problems.pop(name, None)

    def _derive(self) -> str:
        self.status.derived_segments += derive(self._data, _untold).segments
        return ""

    def _compact(self) -> str:
        """With the tape's own merging, so that nobody finds the one without the other."""
        with derivation_lock(self._lake, 0.0):
            merged = compact(self._lake, wall_ns() - GRACE_NS, _untold)
            self.status.merged_hours += len(merged)
            self.status.derived_segments += derive_held(self._lake, _untold).segments
        return ""

    def _copy(self) -> str:
        self.status.copied_files += archive.copy(self._lake, self._section.copy_url, _untold).files
        return ""

    def _retain(self) -> str:
        report = retain(self._lake, settings_of(self._section), wall_ns())
        self.status.removed_hours += len(report.removed)
        if report.is_enough:
            return ""
        few = f"{report.free_bytes >> 20:,} MiB are free, storage.min_free_mib asks for more"
        return report.held_back or few


def _untold(_done: int, _all: int) -> None:
    """Progress of what nobody watches."""
