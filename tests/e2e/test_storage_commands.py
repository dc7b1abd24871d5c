"""`compact`, `copy`, `retain` and `lake` on what was recorded, with an import beside it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from hfptm.lake import Kind, Lake, hour_ns
from hfptm.parquet import HOUR_NS
from hfptm.sandbox.recording import write_recording
from tests.e2e.command import hfptm, in_its_own_process, must, replayed
from tests.e2e.test_recorded import frames_of, one_line, record

HOURS = 3
YEAR_NS = 365 * 24 * HOUR_NS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made")
    write_recording(made, 11, rate=60)
    return made


@pytest.fixture
def data(folder: Path, tmp_path: Path) -> Path:
    """The recording as hfptm records it, a third of it in each of three hours, normalised."""
    made = tmp_path / "data"
    must("import", "frames-jsonl", folder, "--data", tmp_path / "imported")
    lake, imported = Lake(made), Lake(tmp_path / "imported")
    lake.write_markets("markets", imported.markets(), imported.groups())
    rows = one_line(frames_of(folder), 0, np.random.default_rng(11))
    third = len(rows) // HOURS + 1
    # A year before the sandbox's time: hours that are over on any machine.
    moved_ns = [n // third * HOUR_NS - YEAR_NS for n in range(len(rows))]
    record(made, [(row[0] + by_ns, *row[1:]) for row, by_ns in zip(rows, moved_ns, strict=True)])
    must("normalize", "--data", made)
    return made


def raw_files(data: Path) -> list[str]:
    return [path.stem for path in Lake(data).files(Kind.RAW)]


def files(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*.parquet"))


def run_digest(data: Path) -> Any:
    return replayed(data, "--set", "replay.min_grade=F")["digest"]


def test_merging_changes_nothing_but_the_files(data: Path) -> None:
    digest, before = run_digest(data), len(raw_files(data))
    merged = must("compact", "--data", data, "--json").json
    assert sum(file["parts"] for file in merged) == before
    assert len(raw_files(data)) == len(merged) == HOURS
    report = must("normalize", "--data", data, "--json").json
    assert (report["hours"], report["segments"]) == (0, 0)
    assert run_digest(data) == digest
    for certificate in must("verify", "--data", data, "--json").json:
        assert certificate["checksums"]["wrong"] == certificate["checksums"]["not_derivable"] == []
    assert must("compact", "--data", data, "--json").json == []


def test_only_hours_that_ended_by_then_are_merged(data: Path) -> None:
    first = hour_ns(Lake(data).files(Kind.RAW)[0])
    (merged,) = must("compact", "--before", first + HOUR_NS, "--data", data, "--json").json
    assert hour_ns(Lake(data).root / merged["path"]) == first


def test_a_copy_and_what_may_go_after_it(data: Path, folder: Path, tmp_path: Path) -> None:
    must("import", "frames-jsonl", folder, "--data", data)
    imports = [path for path in files(data) if "frames-jsonl" in path.stem]
    there = ("--set", f"storage.copy_url=file://{tmp_path / 'copy'}", "--data", data)
    old = ("--set", "storage.keep_days=1", *there)
    refused = hfptm("retain", *old)
    assert refused.code == 1
    assert "run`hfptmcopy`first" in "".join(refused.out.split())
    everything = files(data)
    report = must("copy", *there, "--json").json
    assert (report["files"], report["already"]) == (len(everything), 0)
    copied = sorted(path.name for path in (tmp_path / "copy").rglob("*.parquet"))
    assert copied == sorted(path.name for path in everything)
    assert must("copy", *there, "--json").json["files"] == 0
    planned = must("retain", *old, "--dry-run", "--json").json
    assert files(data) == everything
    removed = must("retain", *old, "--json").json
    assert removed["removed"] == planned["removed"]
    assert len(removed["removed"]) == HOURS
    markets = [path for path in everything if path.parent.name == "markets"]
    assert files(data) == sorted({*imports, *markets})
    report = must("normalize", "--data", data, "--json").json
    assert report["hours"] == 0


def test_what_is_kept_goes_on_where_the_removed_hours_ended(data: Path) -> None:
    """As after a day: the oldest hour goes, the next is neither made again nor less worth."""
    must("verify", "--data", data)
    lake = Lake(data)
    first = hour_ns(lake.files(Kind.RAW)[0])
    for path in (path for kind in Kind for path in lake.files(kind)):
        if hour_ns(path) > first:  # not old yet
            path.rename(path.with_suffix(".later"))
    must("retain", "--set", "storage.keep_days=1", "--data", data)
    for path in lake.root.rglob("*.later"):
        path.rename(path.with_suffix(".parquet"))
    assert must("normalize", "--data", data, "--json").json["hours"] == 0
    for certificate in must("verify", "--data", data, "--json").json:
        assert certificate["checksums"]["wrong"] == certificate["checksums"]["not_derivable"] == []


def test_tables_for_people(data: Path, tmp_path: Path) -> None:
    there = ("--set", f"storage.copy_url=file://{tmp_path / 'copy'}", "--data", data)
    shown = [
        must("compact", "--data", data).out,
        must("copy", *there).out,
        must("retain", "--set", "storage.keep_days=1", "--dry-run", "--data", data).out,
        must("lake", "--data", data).out,
    ]
    heads = ("Merged", "Copied, read back and compared", "Would be removed", "Lake")
    for text, head in zip(shown, heads, strict=True):
        assert text.startswith(head)
        assert max(map(len, text.splitlines())) <= 80, text


def test_the_lake_lists_days_and_sizes(data: Path) -> None:
    must("verify", "--data", data)
    found = must("lake", "--data", data, "--json").json
    assert (found["hours"], found["hours_between"]) == (HOURS, HOURS)
    assert sum(day["event_rows"] for day in found["days"]) == found["event_rows"] > 0
    assert sum(day["verified"] for day in found["days"]) == HOURS
    assert {"certificates", "events", "manifests", "raw"} <= set(found["size_bytes"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("compact",), 4, "no lake there; name the data folder with --data"),
        (("copy",), 2, "storage.copy_url: is empty; name a folder for the copy"),
        (("copy", "--set", "storage.copy_url=s3://key:secret@b/c"), 2, "without credentials"),
        (("copy", "--set", "storage.copy_url=nosuch://b/c"), 2, "cannot be used"),
        (("retain",), 2, "storage.keep_days: is 0 and keeps everything"),
        (("retain", "--set", "storage.keep_days=-1"), 2, "allowed: a whole number, 0 to 36500"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    if code == 2:
        (tmp_path / "lake").mkdir()
    result = hfptm(*arguments, "--data", tmp_path)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert len(result.err.splitlines()) == 1


@pytest.fixture
def server() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_credentials_come_from_the_environment(data: Path, server: str) -> None:
    bucket = s3fs.S3FileSystem(
        key="any", secret="any", endpoint_url=server, skip_instance_cache=True
    )
    bucket.mkdir("of-the-environment")
    result = in_its_own_process(
        *(
            "copy",
            "--set",
            "storage.copy_url=s3://of-the-environment/lake",
            "--data",
            data,
            "--json",
        ),
        AWS_ACCESS_KEY_ID="any",
        AWS_SECRET_ACCESS_KEY="any",
        AWS_ENDPOINT_URL=server,
    )
    assert result.code == 0, result.err
    assert result.json["files"] == len(files(data)) == len(bucket.find("of-the-environment/lake"))
