from pathlib import Path

import numpy as np
import pytest

from hfptm.errors import LakeError
from hfptm.journal import DTYPES, ROW_KINDS, Digest, RowKind, RunJournal, code_version, read_run
from hfptm.journal import run_ids as list_runs
from tests.tapes import Rows


def noise(kind: RowKind, count: int, seed: int = 1) -> Rows:
    dtype = DTYPES[kind]
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, count * dtype.itemsize, np.uint8).view(dtype)


def fill(journal: RunJournal, cut: int) -> None:
    for kind in ROW_KINDS:
        rows = noise(kind, 23)
        for start in range(0, len(rows), cut):
            journal.append(kind, rows[start : start + cut])


def test_a_run_comes_back_as_it_was(tmp_path: Path) -> None:
    with RunJournal(tmp_path, "20260429-ab", "a = 1\n") as journal:
        fill(journal, 5)
        digest = journal.digest()
        folder = journal.close({"digest": digest, "fills": 3})
    assert folder == tmp_path / "runs" / "20260429-ab"
    run = read_run(tmp_path, "20260429-ab")
    assert run.config_toml == "a = 1\n"
    assert run.summary == {"digest": digest, "fills": 3}
    assert run.version == code_version()
    assert run.digest() == digest
    for kind in ROW_KINDS:
        assert np.array_equal(run.rows(kind), noise(kind, 23))
    assert list_runs(tmp_path) == ["20260429-ab"]


@pytest.mark.parametrize("cut", [1, 7, 23])
def test_the_digest_does_not_depend_on_how_rows_were_cut(tmp_path: Path, cut: int) -> None:
    whole = Digest()
    for kind in ROW_KINDS:
        whole.update(kind, noise(kind, 23))
    with RunJournal(tmp_path, "r", "") as journal:
        fill(journal, cut)
        assert journal.digest() == whole.hex()


def test_the_digest_tells_kinds_and_order_apart() -> None:
    digests = set()
    for kind in ("intents", "decisions"):
        for rows in (noise(kind, 2), noise(kind, 2)[::-1]):
            digest = Digest()
            digest.update(kind, rows)
            digests.add(digest.hex())
    assert len(digests) == 4
    assert Digest().hex() not in digests


def test_rows_may_be_reused_by_the_caller(tmp_path: Path) -> None:
    rows = noise("intents", 4)
    kept = rows.copy()
    with RunJournal(tmp_path, "r", "") as journal:
        journal.append("intents", rows)
        rows["order"] = 0
        journal.close({})
    assert np.array_equal(read_run(tmp_path, "r").rows("intents"), kept)


def test_a_half_run_is_never_taken_for_a_whole_one(tmp_path: Path) -> None:
    journal = RunJournal(tmp_path, "r", "")
    assert list_runs(tmp_path) == []
    with journal:
        journal.append("intents", noise("intents", 3))
    assert list_runs(tmp_path) == []
    with pytest.raises(LakeError, match="never finished"):
        read_run(tmp_path, "r")
    assert (tmp_path / "runs" / "r.partial" / "intents.parquet").exists()


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    RunJournal(tmp_path, "r", "").close({})
    with pytest.raises(LakeError, match="run r exists"):
        RunJournal(tmp_path, "r", "")


def test_an_unknown_run_names_the_latest(tmp_path: Path) -> None:
    RunJournal(tmp_path, "one", "").close({})
    with pytest.raises(LakeError, match=r"no run two .*: one"):
        read_run(tmp_path, "two")
