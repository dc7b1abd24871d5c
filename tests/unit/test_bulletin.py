"""The file in which a running program tells how it is doing."""

from pathlib import Path

import msgspec
import pytest

from hfptm import bulletin
from hfptm.bulletin import WATCHED_MAX, WATCHED_NS, Bulletin, Watched
from hfptm.errors import LakeError
from hfptm.feed_status import STARTING
from hfptm.journal import code_version

TOLD = Bulletin(
    mode="record",
    run_id="",
    pid=7,
    began_ns=1_000,
    told_ns=2_000,
    serial=3,
    code=code_version(),
    problems=["no space"],
    feed=STARTING,
    trading=None,
    latencies=[],
    books=[],
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert bulletin.read(tmp_path) is None
    bulletin.write(tmp_path, TOLD)
    assert bulletin.read(tmp_path) == TOLD
    assert [path.name for path in tmp_path.iterdir()] == ["bulletin.json"]


@pytest.mark.parametrize("content", [b'{"version":2}', b'{"version":1}', b"{", b"[]", b""])
def test_another_version_is_refused(tmp_path: Path, content: bytes) -> None:
    bulletin.bulletin_path(tmp_path).write_bytes(content)
    with pytest.raises(LakeError, match="not of this version"):
        bulletin.read(tmp_path)


def test_a_disk_that_refuses_leaves_the_last_one(tmp_path: Path) -> None:
    bulletin.write(tmp_path, TOLD)
    (tmp_path / "gone").mkdir()
    bulletin.bulletin_path(tmp_path / "gone").mkdir()
    with pytest.raises(OSError, match="directory"):
        bulletin.write(tmp_path / "gone", TOLD)
    assert bulletin.read(tmp_path) == TOLD
    assert [path.name for path in (tmp_path / "gone").iterdir()] == ["bulletin.json"]


def test_a_wish_for_books_holds_a_while(tmp_path: Path) -> None:
    assert bulletin.read_watched(tmp_path, 0) == []
    bulletin.write_watched(tmp_path, Watched(told_ns=5, markets=list(range(20))))
    assert bulletin.read_watched(tmp_path, 5) == list(range(WATCHED_MAX))
    assert bulletin.read_watched(tmp_path, 5 + WATCHED_NS) == []
    bulletin.watched_path(tmp_path).write_bytes(b"{")
    assert bulletin.read_watched(tmp_path, 5) == []


def test_a_bulletin_is_small(tmp_path: Path) -> None:
    assert len(msgspec.json.encode(TOLD)) < 2_000
