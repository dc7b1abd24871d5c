"""The catalog on a real S3 server of this machine: the same views, and no word of a secret."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import s3fs
from moto.server import ThreadedMotoServer

from hfptm.catalog import connect
from hfptm.catalog.query import Query, lock
from hfptm.errors import ConfigError
from hfptm.lake import Lake
from recorder.archive import copy
from replay.importers.base import quiet
from tests.tapes import HOUR_NS, START_NS, make_market, make_rows
from tests.unit.test_catalog import write_merged

SECRET = "never-to-be-shown"


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """An empty bucket, whose server and credentials are said by the environment alone."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    bucket = tmp_path.name.replace("_", "-")  # of all servers of a process there is one store
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(bucket)
    yield f"s3://{bucket}/data"
    server.stop()


def test_a_copied_lake_is_read_where_it_is(tmp_path: Path, address: str) -> None:
    lake = Lake(tmp_path)
    lake.write_events("segment", make_rows([START_NS + hour * HOUR_NS for hour in range(3)]))
    lake.write_markets("segment", [make_market()])
    copy(lake, f"{address}/lake", quiet)
    with connect(address) as connection:
        lock(connection, address)
        query = "SELECT hour, count(*) FROM events_between('2026-04-29 03:00', '2026-04-29 04:00')"
        assert list(Query(connection, f"{query} GROUP BY hour").rows()) == [("3", "1")]
        settings = "SELECT count(*) FROM duckdb_settings() WHERE value LIKE '%never%'"
        assert connection.execute(settings).fetchall() == [(0,)]
        assert connection.execute("SELECT slug FROM markets").fetchall() == [("a",)]
        assert connection.execute("SELECT count(*) FROM runs").fetchall() == [(0,)]


def test_a_file_that_a_merged_one_stands_in_for_is_not_read(tmp_path: Path, address: str) -> None:
    """A copy holds both for the moment between copying the one and removing the others."""
    lake = Lake(tmp_path)
    write_merged(lake)
    storage = s3fs.S3FileSystem(skip_instance_cache=True)
    storage.put(str(lake.root), f"{address}/lake", recursive=True)
    with connect(address) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchall() == [(2,)]


def test_an_address_that_nobody_knows_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nowhere://bucket: cannot be used"):
        connect("nowhere://bucket")
