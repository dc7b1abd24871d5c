"""Old recorded hours make room: by age and by free disk, the oldest first.

What a recorder made is removed, imports stay. An hour stays while any of it is not sealed, and,
where a copy is kept in object storage, not copied and verified.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hfptm.certificate import Origin, origin_of
from hfptm.lake import Kind, Lake, hour_ns
from hfptm.parquet import HOUR_NS, sync_folder
from hfptm.wal import logs
from recorder.archive import Ledger
from recorder.compact import maintenance_lock

DAY_NS = 24 * HOUR_NS


class RetentionSettings(msgspec.Struct, frozen=True, kw_only=True):
    keep_days: int | None = None
    """Hours that ended longer ago are removed; None keeps them."""
    free_bytes: int = 0
    """The oldest hours are removed until this much of the disk is free."""
    copied_only: bool = True
    """Remove only what has a verified copy in object storage."""


def retain(lake: Lake, settings: RetentionSettings, now_ns: int) -> list[Path]:
    """Remove what may go and must; returns the files.

    Raises LakeError if another process maintains this lake.
    """
    with maintenance_lock(lake):
        removed: list[Path] = []
        for hour, paths in _removable(lake, settings, now_ns):
            is_old = settings.keep_days is not None and (
                hour + HOUR_NS <= now_ns - settings.keep_days * DAY_NS
            )
            if is_old or shutil.disk_usage(lake.root).free < settings.free_bytes:
                _remove(paths)
                removed += paths
    return removed


def _removable(
    lake: Lake, settings: RetentionSettings, now_ns: int
) -> Iterator[tuple[int, list[Path]]]:
    """Hours that ended and may go, oldest first."""
    unsealed = {log.stem for log in logs(lake.wal)}
    ledger = Ledger(lake)
    for hour, paths in sorted(_hours(lake).items()):
        is_sealed = unsealed.isdisjoint(path.stem for path in paths)
        is_copied = not settings.copied_only or all(map(ledger.has, paths))
        if hour + HOUR_NS <= now_ns and is_sealed and is_copied:
            yield hour, paths


def _hours(lake: Lake) -> dict[int, list[Path]]:
    hours: dict[int, list[Path]] = {}
    for kind in Kind:
        for path in lake.files(kind):
            if origin_of(path) is Origin.RECORDED:
                hours.setdefault(hour_ns(path), []).append(path)
    return hours


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink()
    for folder in {path.parent for path in paths}:
        sync_folder(folder)
