"""A copy of the sealed lake in object storage, of which every byte was read back and compared.

`<lake>/copied.jsonl` says what was copied where; a file counts as copied there while it is the same
file. The copy holds no file that a merged one replaced, like the lake itself.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from hfptm.errors import ConfigError, LakeError
from hfptm.lake import Lake
from hfptm.parquet import sync_folder
from hfptm.segments import hidden, merger_of
from recorder.compact import maintenance_lock

LEDGER = "copied.jsonl"

Progress = Callable[[int, int], None]
"""Told (bytes of files looked at, bytes in all)."""

_CHUNK_BYTES = 1 << 22


class Copied(msgspec.Struct, frozen=True):
    """One file as it was when its copy was found equal. `path` is relative to the lake."""

    url: str
    path: str
    size_bytes: int
    modified_ns: int
    sha256: str


class Ledger:
    """What was copied to one place, by path. A line that a crash cut off was not said."""

    def __init__(self, lake: Lake, url: str) -> None:
        self._root = lake.root
        self._file = lake.root / LEDGER
        lines = self._file.read_bytes().splitlines(keepends=True) if self._file.exists() else []
        whole = [line for line in lines if line.endswith(b"\n")]
        self._whole_bytes = sum(map(len, whole))
        entries = [msgspec.json.decode(line, type=Copied) for line in whole]
        self._entries = {entry.path: entry for entry in entries if entry.url == url}

    def has(self, path: Path) -> bool:
        """Whether a copy of the file as it is now was verified."""
        entry = self._entries.get(path.relative_to(self._root).as_posix())
        return entry is not None and (entry.size_bytes, entry.modified_ns) == _identity(path)

    def add(self, entry: Copied) -> None:
        """Durable on return."""
        self._entries[entry.path] = entry
        line = msgspec.json.encode(entry) + b"\n"
        with self._file.open("ab") as file:
            file.truncate(self._whole_bytes)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._whole_bytes += len(line)
        sync_folder(self._root)


class Report(msgspec.Struct):
    files: int = 0
    size_bytes: int = 0
    already: int = 0
    """Files whose copy was verified before."""


def copy(lake: Lake, url: str, progress: Progress, **options: object) -> Report:
    """Copy every sealed file that has no verified copy; run again, it goes on where it ended.

    `url`: a folder as fsspec names it, "s3://bucket/folder"; `options` are those of its file
    system, which else takes them from the environment. Raises ConfigError for an address that
    cannot be used, LakeError if the storage fails, gives back other bytes than it was given, or
    another process maintains this lake.
    """
    with maintenance_lock(lake), lake.reading():
        try:
            copies = _Copies(lake, url, options)
            return copies.bring_up(progress)
        except _storage_errors() as error:
            problem = f"{url}: {error}; nothing is lost: copy again to go on where this ended"
            raise LakeError(problem) from error


class _Copies:
    def __init__(self, lake: Lake, url: str, options: dict[str, object]) -> None:
        self._root = lake.root
        self._url = url
        self._storage, self._folder = _storage(url, options)
        self._ledger = Ledger(lake, url)

    def bring_up(self, progress: Progress) -> Report:
        found = sorted(self._root.glob("**/*.parquet"))
        gone = hidden(found)
        files = [path for path in found if path not in gone]
        all_bytes, done_bytes, report = sum(map(_size, files)), 0, Report()
        for path in files:
            if self._ledger.has(path):
                report.already += 1
            else:
                self._ledger.add(self._copy(path))
                self._remove_replaced(path)
                report.files += 1
                report.size_bytes += _size(path)
            done_bytes += _size(path)
            progress(done_bytes, all_bytes)
        return report

    def _copy(self, path: Path) -> Copied:
        """Once more if it was written anew meanwhile, as the newest markets are."""
        while True:
            before = _identity(path)
            copied = self._copy_once(path, *before)
            if copied is not None:
                return copied
            if _identity(path) == before:
                raise LakeError(f"{self._remote(path)}: holds other bytes than {path}; copy again")

    def _copy_once(self, path: Path, size_bytes: int, modified_ns: int) -> Copied | None:
        """None if the copy holds other bytes."""
        with path.open("rb") as file:
            sha256 = _sha256(file)
        remote = self._remote(path)
        self._storage.makedirs(remote.rpartition("/")[0], exist_ok=True)
        self._storage.put_file(str(path), remote)
        with self._storage.open(remote, "rb") as file:
            if _sha256(file) != sha256:
                return None
        return Copied(self._url, self._name(path), size_bytes, modified_ns, sha256)

    def _remove_replaced(self, path: Path) -> None:
        merger = merger_of(path)
        for name in merger.replaced if merger else ():
            old = self._remote(path.with_name(name))
            if self._storage.exists(old):
                self._storage.rm_file(old)

    def _remote(self, path: Path) -> str:
        return f"{self._folder}/{self._name(path)}"

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


def _storage(url: str, options: dict[str, object]) -> tuple[Any, str]:
    try:
        import fsspec

        storage, folder = fsspec.core.url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        problem = f"cannot be used ({error}); for S3, install hfptm with its extra s3"
        raise ConfigError("object storage", url, problem) from error
    return storage, folder.rstrip("/")


def _size(path: Path) -> int:
    return path.stat().st_size


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _storage_errors() -> tuple[type[Exception], ...]:
    """What a storage raises: S3's own errors are known once it is in use."""
    s3 = sys.modules.get("botocore.exceptions")
    return (OSError, s3.BotoCoreError, s3.ClientError) if s3 else (OSError,)
