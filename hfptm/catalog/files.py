"""Which files a catalog reads: those of a folder of this machine, or of object storage."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import pyarrow.parquet as pq

from hfptm.errors import ConfigError
from hfptm.lake import Kind, Lake
from hfptm.segments import hidden


class Files(Protocol):
    """Names are as DuckDB opens them; all lists are sorted."""

    def found(self, pattern: str) -> list[str]:
        """Files whose path below the data folder matches, such as "runs/*/summary.json"."""

    def hourly(self, kind: Kind) -> list[str]:
        """The files of a kind of rows, without those that a merged one stands in for."""


class LocalFiles:
    def __init__(self, data: Path) -> None:
        self._data = data.absolute()

    def found(self, pattern: str) -> list[str]:
        return sorted(map(str, self._data.glob(pattern)))

    def hourly(self, kind: Kind) -> list[str]:
        return [str(path) for path in Lake(self._data).files(kind)]


class StoredFiles:
    """Of an address that fsspec knows, such as "s3://bucket/folder"; credentials are those of the
    environment. Raises ConfigError for an address that cannot be used."""

    def __init__(self, url: str) -> None:
        self.storage, folder = _storage(url)
        self._folder = folder.rstrip("/")

    def found(self, pattern: str) -> list[str]:
        return self._names(self.storage.glob(f"{self._folder}/{pattern}"))

    def hourly(self, kind: Kind) -> list[str]:
        pattern = f"{self._folder}/lake/{kind}/date=*/hour=*/*.parquet"
        paths = {Path(path) for path in self.storage.glob(pattern)}
        return self._names(map(str, paths - hidden(paths, self._opened)))

    def _opened(self, path: Path) -> pq.ParquetFile:
        return pq.ParquetFile(self.storage.open(str(path), "rb"))

    def _names(self, paths: Iterable[str]) -> list[str]:
        return sorted(self.storage.unstrip_protocol(path) for path in paths)


def is_address(data: Path | str) -> bool:
    return "://" in str(data)


def _storage(url: str) -> tuple[Any, str]:
    try:
        import fsspec

        storage, folder = fsspec.core.url_to_fs(url, skip_instance_cache=True)
    except (ImportError, ValueError) as error:
        problem = f"cannot be used ({error}); for S3, install hfptm with its extra s3"
        raise ConfigError("object storage", url, problem) from error
    return storage, str(folder)
