"""The copy in object storage, on a real S3 server of this machine, and what may go after it."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
import s3fs
from fsspec.implementations.local import LocalFileSystem
from moto.server import ThreadedMotoServer

from hfptm.errors import ConfigError, LakeError
from hfptm.lake import Gap, Lake
from hfptm.records import GapReason
from recorder.archive import LEDGER, Ledger, copy
from replay.importers.base import quiet
from tests.recordings import START_NS
from tests.unit.test_recorder_compact import merge, sealed

HOUR_MS = 3_600_000
END_NS = START_NS + 24 * HOUR_MS * 1_000_000
URL = "s3://bucket/hfptm"


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedMotoServer]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    yield server
    server.stop()


class Bucket:
    """An empty bucket on the server, and how fsspec reaches it."""

    def __init__(self, server: ThreadedMotoServer) -> None:
        host, port = server.get_host_and_port()
        self.options = {
            "key": "any",
            "secret": "any",
            "endpoint_url": f"http://{host}:{port}",
            "skip_instance_cache": True,
        }
        self.files = s3fs.S3FileSystem(**self.options)
        if self.files.exists("bucket"):
            self.files.rm("bucket", recursive=True)
        self.files.mkdir("bucket")

    def copy(self, lake: Lake) -> tuple[int, int]:
        report = copy(lake, URL, quiet, **self.options)
        return report.files, report.already

    def names(self) -> list[str]:
        self.files.invalidate_cache()
        return sorted(name.removeprefix("bucket/hfptm/") for name in self.files.find("bucket"))


@pytest.fixture
def bucket(server: ThreadedMotoServer) -> Bucket:
    return Bucket(server)


def names(lake: Lake) -> list[str]:
    return sorted(path.relative_to(lake.root).as_posix() for path in lake.root.rglob("*.parquet"))


def test_every_sealed_file_is_copied_once(tmp_path: Path, bucket: Bucket) -> None:
    lake = Lake(tmp_path)
    paths = [sealed(tmp_path, [0]), sealed(tmp_path, [HOUR_MS])]
    lake.write_gaps("recorded", [Gap(START_NS, 7, 0, GapReason.SILENCE)])
    assert bucket.copy(lake) == (3, 0)
    assert bucket.names() == names(lake)
    assert bucket.copy(lake) == (0, 3)
    assert all(map(Ledger(lake, URL).has, paths))
    remote = bucket.files.cat_file(f"bucket/hfptm/{paths[0].relative_to(lake.root).as_posix()}")
    assert remote == paths[0].read_bytes()


def test_a_copy_goes_on_where_it_ended(tmp_path: Path, bucket: Bucket) -> None:
    lake = Lake(tmp_path)
    first, second = sealed(tmp_path, [0]), sealed(tmp_path, [1])
    bucket.copy(lake)
    ledger = lake.root / LEDGER
    ledger.write_bytes(ledger.read_bytes()[:-10])  # killed while it wrote the last line
    assert [Ledger(lake, URL).has(path) for path in (first, second)] == [True, False]
    assert bucket.copy(lake) == (1, 1)
    assert all(map(Ledger(lake, URL).has, (first, second)))


def test_a_file_that_changed_is_copied_again(tmp_path: Path, bucket: Bucket) -> None:
    lake = Lake(tmp_path)
    lake.write_gaps("recorded", [Gap(START_NS, 7, 0, GapReason.SILENCE)])
    bucket.copy(lake)
    lake.write_gaps("recorded", [Gap(START_NS, 7, START_NS + 5, GapReason.SILENCE)])
    assert bucket.copy(lake) == (1, 0)


def test_a_merged_file_takes_the_place_of_its_parts(tmp_path: Path, bucket: Bucket) -> None:
    lake = Lake(tmp_path)
    sealed(tmp_path, [0])
    sealed(tmp_path, [1])
    bucket.copy(lake)
    (merged,) = merge(lake)
    assert bucket.copy(lake) == (1, 0)
    assert bucket.names() == [merged.relative_to(lake.root).as_posix()]


class Lossy(LocalFileSystem):  # type: ignore[misc]
    """A folder as a storage that says it took everything and keeps one byte less."""

    protocol = "lossy"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("lossy://")

    def put_file(self, lpath: str, rpath: str, **_: object) -> None:
        Path(rpath).write_bytes(Path(lpath).read_bytes()[:-1])


def test_storage_that_keeps_other_bytes_than_it_was_given(tmp_path: Path) -> None:
    fsspec.register_implementation("lossy", Lossy, clobber=True)
    lake = Lake(tmp_path)
    path = sealed(tmp_path, [0])
    url = f"lossy://{tmp_path / 'copies'}"
    with pytest.raises(LakeError, match=r"holds other bytes.*copy again"):
        copy(lake, url, quiet)
    assert not Ledger(lake, url).has(path)


def test_a_server_that_is_not_there(tmp_path: Path, bucket: Bucket) -> None:
    sealed(tmp_path, [0])
    options = bucket.options | {"endpoint_url": "http://127.0.0.1:9", "max_concurrency": 1}
    retries = {"retries": {"max_attempts": 0}}
    with pytest.raises(LakeError, match="nothing is lost"):
        copy(Lake(tmp_path), URL, quiet, **options, config_kwargs=retries)
    with pytest.raises(ConfigError, match="extra s3"):
        copy(Lake(tmp_path), "nosuch://bucket", quiet)


def test_a_copy_elsewhere_is_another_copy(tmp_path: Path, bucket: Bucket) -> None:
    lake = Lake(tmp_path)
    path = sealed(tmp_path, [0])
    bucket.copy(lake)
    assert not Ledger(lake, f"{URL}/elsewhere").has(path)
    assert copy(lake, f"{URL}/elsewhere", quiet, **bucket.options).files == 1
    assert bucket.names() == [*names(lake), *(f"elsewhere/{name}" for name in names(lake))][::-1]
    assert bucket.copy(lake) == (0, 1)


def test_it_says_how_far_it_is(tmp_path: Path) -> None:
    sizes = [sealed(tmp_path, [n]).stat().st_size for n in range(2)]
    told: list[tuple[int, int]] = []
    copy(Lake(tmp_path), f"file://{tmp_path / 'c'}", lambda *progress: told.append(progress))
    assert told == [(sizes[0], sum(sizes)), (sum(sizes), sum(sizes))]
