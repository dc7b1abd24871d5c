"""Old recorded hours make room: by age and by free disk, the oldest first.

What a recorder made is removed, imports stay. An hour stays while any of it is not sealed, or,
where a copy is kept in object storage, not copied and verified; and then every later hour stays,
too: the lake has a beginning, and no holes.
"""

import shutil
from pathlib import Path

import msgspec

from hfptm import sections
from hfptm.certificate import Origin, origin_of, path_of
from hfptm.clock import format_utc
from hfptm.errors import ConfigError
from hfptm.lake import Kind, Lake, hour_ns
from hfptm.parquet import HOUR_NS
from hfptm.presence import unread
from hfptm.segments import hidden
from hfptm.units import BYTES_PER_MIB
from hfptm.wal import logs
from recorder.archive import Ledger
from recorder.compact import maintenance_lock, remove
from recorder.derivation import derivation_lock
from recorder.log import segment_stamp
from recorder.manifest import manifest_path

DAY_NS = 24 * HOUR_NS

BLOCK_BYTES = 512
"""Of `st_blocks`, on any file system."""


class RetentionSettings(msgspec.Struct, frozen=True, kw_only=True):
    keep_days: int = 0
    """Hours that ended longer ago are removed; 0 keeps them."""
    min_free_bytes: int = 0
    """The oldest hours are removed until this much of the disk is free."""
    copy_url: str = ""
    """Only what has a verified copy there is removed; empty where no copy is kept."""


def settings_of(section: sections.Storage) -> RetentionSettings:
    return RetentionSettings(
        keep_days=section.keep_days,
        min_free_bytes=section.min_free_mib * BYTES_PER_MIB,
        copy_url=section.copy_url,
    )


class RemovedHour(msgspec.Struct, frozen=True, kw_only=True):
    hour: str
    """Its start, UTC."""
    files: list[str]
    """Relative to the lake."""
    size_bytes: int


class Report(msgspec.Struct, kw_only=True):
    removed: list[RemovedHour]
    held_back: str
    """Why the oldest hour that is left stays although it had to go; empty if none has to."""
    free_bytes: int
    is_enough: bool
    """Whether what had to go could."""


def retain(
    lake: Lake,
    settings: RetentionSettings,
    now_ns: int,
    *,
    dry_run: bool = False,
    wait_s: float = 0.0,
) -> Report:
    """Remove what must and may go; with `dry_run`, say what that would be.

    Raises ConfigError if the settings keep everything, HeldError if another process maintains this
    lake, or normalises it and still does after `wait_s`.
    """
    if not settings.keep_days and not settings.min_free_bytes:
        problem = "is 0 and keeps everything, as storage.min_free_mib does; set one of them"
        raise ConfigError("hfptm retain", "storage.keep_days", problem)
    with maintenance_lock(lake), derivation_lock(lake, wait_s):
        return _Retention(lake, settings, now_ns, dry_run).run()


class _Retention:
    def __init__(self, lake: Lake, settings: RetentionSettings, now_ns: int, dry_run: bool) -> None:
        self._lake = lake
        self._settings = settings
        self._now_ns = now_ns
        self._dry_run = dry_run
        self._spared_bytes = 0
        self._unsealed = [log.stem for log in logs(lake.wal)]
        self._ledger = Ledger(lake, settings.copy_url)

    def run(self) -> Report:
        removed: list[RemovedHour] = []
        held_back = ""
        for hour, paths in sorted(self._hours().items()):
            if not self._must_go(hour):
                break
            found = self._found(hour, paths)
            if held_back := self._held_back(hour, paths) or self._remove(hour, paths):
                break
            removed.append(found)
        free_bytes = self._free_bytes()
        is_enough = not held_back and free_bytes >= self._settings.min_free_bytes
        return Report(
            removed=removed, held_back=held_back, free_bytes=free_bytes, is_enough=is_enough
        )

    def _hours(self) -> dict[int, list[Path]]:
        hours: dict[int, list[Path]] = {}
        for kind in Kind:
            for path in self._lake.files(kind):
                if origin_of(path) is Origin.RECORDED:
                    hours.setdefault(hour_ns(path), []).append(path)
        return hours

    def _must_go(self, hour: int) -> bool:
        keep_days = self._settings.keep_days
        is_old = keep_days > 0 and hour + HOUR_NS <= self._now_ns - keep_days * DAY_NS
        return is_old or self._free_bytes() < self._settings.min_free_bytes

    def _held_back(self, hour: int, paths: list[Path]) -> str:
        name = format_utc(hour)[:13]
        if hour + HOUR_NS > self._now_ns:
            return f"{name}h goes on"
        if any(log < segment_stamp(hour + HOUR_NS) for log in self._unsealed):
            return f"{name}h has a log that is not sealed; a recorder does it when it starts"
        if self._settings.copy_url and not all(map(self._ledger.has, paths)):
            return f"{name}h is not copied to {self._settings.copy_url}; run `hfptm copy` first"
        return ""

    def _found(self, hour: int, paths: list[Path]) -> RemovedHour:
        names = [path.relative_to(self._lake.root).as_posix() for path in paths]
        size_bytes = sum(path.stat().st_size for path in paths)
        return RemovedHour(hour=format_utc(hour), files=names, size_bytes=size_bytes)

    def _remove(self, hour: int, paths: list[Path]) -> str:
        """Why it cannot; empty if it is done, or would be.

        The hour's manifest stays: the next hour goes on from its state.
        """
        if self._dry_run:
            self._spared_bytes += sum(path.stat().st_blocks for path in paths) * BLOCK_BYTES
            return ""
        with unread(self._lake.root) as is_unread:
            if not is_unread:
                return f"{format_utc(hour)[:13]}h may be in use: a process reads in this lake"
            for folder in {path.parent for path in paths}:  # or they would be seen again
                remove(hidden(folder.glob("*.parquet")))
            remove(paths)
            path_of(self._lake, hour, Origin.RECORDED).unlink(missing_ok=True)
            last = manifest_path(self._lake, hour)
            manifests = self._lake.root.glob("manifests/date=*/hour=*.manifest")
            remove(path for path in manifests if path < last)
        return ""

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._lake.root).free + self._spared_bytes
