"""What a recorder that was killed left behind, set right without starting one."""

from pathlib import Path

from hfptm.lake import Lake
from hfptm.wal import logs
from recorder.seal import seal
from recorder.storage import recording_lock


def recover(data: Path) -> list[Path]:
    """Seal every log; returns the files that are new.

    Raises LakeError while a recorder runs, which does this itself, and for a damaged log.
    """
    lake = Lake(data)
    with recording_lock(data):
        return [path for log in logs(lake.wal) for path in seal(lake, log)]
