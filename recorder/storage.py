"""The recorder's disk: one lock, the write-ahead log, and the sealer behind it."""

import shutil
from pathlib import Path

import msgspec

from hfptm.config import Config
from hfptm.lake import Lake
from hfptm.units import BYTES_PER_MIB
from hfptm.wal import logs
from recorder.lock import ProcessLock
from recorder.sealer import Sealer, SealerStatus
from recorder.writer import RawWriter, WriterSettings, WriterStatus

SEAL_TIMEOUT_S = 1.5
"""What a stop waits for sealing; what takes longer goes on without the recorder."""


def writer_settings(config: Config) -> WriterSettings:
    """Those of the section [storage]."""
    section = config.storage
    return WriterSettings(
        flush_interval_ms=section.flush_interval_ms,
        queue_bytes=section.queue_mib * BYTES_PER_MIB,
        log_bytes=section.log_mib * BYTES_PER_MIB,
        log_interval_s=section.log_interval_s,
    )


class StorageStatus(msgspec.Struct, frozen=True, kw_only=True):
    writer: WriterStatus
    sealer: SealerStatus
    free_bytes: int


class Storage:
    """Open for recording from its making to `close`.

    Logs that an earlier recorder left are sealed in the background. Raises LakeError if another
    recorder writes into this data folder.
    """

    def __init__(self, data: Path, settings: WriterSettings) -> None:
        self._folder = Lake(data).wal
        self._lock = recording_lock(data)
        self._sealer = Sealer(data, logs(self._folder))
        self._writer = RawWriter(self._folder, settings, self._sealer.add)
        self.append = self._writer.append
        """The receive path's one call: `RawWriter.append`."""

    def status(self) -> StorageStatus:
        return StorageStatus(
            writer=self._writer.status(),
            sealer=self._sealer.status(),
            free_bytes=shutil.disk_usage(self._folder).free,
        )

    def close(self) -> bool:
        """Write and seal what waits; False if sealing goes on after this process has ended.

        Raises LakeError if the disk refuses rows that were received.
        """
        try:
            self._writer.close()
        finally:
            sealed = self._sealer.close(SEAL_TIMEOUT_S)
            self._lock.close()
        return sealed


def recording_lock(data: Path) -> ProcessLock:
    """Held while logs are written, and while they are recovered."""
    return ProcessLock(Lake(data).wal / "lock", "recording")
