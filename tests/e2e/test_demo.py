"""`hfptm demo`: everything planted is found as planted, and a contradiction is not kept quiet."""

import shutil
from pathlib import Path

import msgspec
import pytest

from hfptm.journal import read_run
from hfptm.lake import Lake
from hfptm.sandbox.planted import Expected
from hfptm.sandbox.recording import Truth
from replay.truth import compare
from tests.e2e.command import Result, hfptm, must, replayed
from tests.e2e.conftest import Demo


def truth_of(demo: Demo) -> Truth:
    return msgspec.json.decode((demo.folder / "recording" / "truth.json").read_bytes(), type=Truth)


def test_everything_is_found_as_planted(demo: Demo) -> None:
    assert demo.result.code == 0, demo.result.err
    found = demo.result.json["truth"]
    assert found["is_as_planted"]
    assert found["unplanted"] == []
    assert len(found["verdicts"]) == len(truth_of(demo).planted) == 18
    assert {verdict["planted"]["expected"] for verdict in found["verdicts"]} == set(Expected)


def test_the_summary_counts_what_was_planted(demo: Demo) -> None:
    planted, kinds = truth_of(demo).planted, demo.result.json["opportunities"]
    caught, short = (
        [p.kind.lower() for p in planted if p.expected is expected]
        for expected in (Expected.CATCHABLE, Expected.TOO_SHORT)
    )
    for kind, counts in kinds.items():
        assert counts["arrived"] == caught.count(kind)
        assert counts["displayed"] == caught.count(kind) + short.count(kind)
        assert counts["answers"].get("taken", 0) == counts["displayed"]
    assert kinds["binary"]["artefacts"] == {"half_batch": 2, "bad_book": 2}


@pytest.fixture(scope="module")
def seed_8(demo: Demo) -> Result:
    return must("demo", "--data", demo.folder.parents[1], "--seed", 8)


def test_another_seed_has_a_lake_of_its_own(demo: Demo, seed_8: Result) -> None:
    assert "All 18 planted things were found as planted, and nothing else." in seed_8.out
    assert demo.result.json["digest"] not in seed_8.out
    assert replayed(demo.folder)["digest"] == demo.result.json["digest"]


def test_tables_fit_a_narrow_terminal(seed_8: Result) -> None:
    assert max(map(len, seed_8.out.splitlines())) <= 80
    assert "…" not in seed_8.out


def test_a_contradiction_is_an_error(tmp_path: Path, demo: Demo, seed_8: Result) -> None:
    """Another recording in the same lake holds much that was not planted in this one."""
    other, folder = demo.folder.parent / "seed-8", tmp_path / "demo" / "seed-7"
    shutil.copytree(other / "lake", folder / "lake")
    result = hfptm("demo", "--data", tmp_path)
    assert result.code == 1
    assert "the run contradicts the truth." in " ".join(result.out.split())


@pytest.mark.parametrize(
    ("settings", "contradicted"),
    [
        (["trading.min_edge=0"], "below_minimum"),
        (["trading.min_edge=0", "fees.model=none"], "below_fees"),
        (["sim.entry_latency_ms=0"], "too_short"),
        (["sim.entry_latency_ms=900"], "catchable"),
    ],
)
def test_a_run_under_other_settings_contradicts_the_truth(
    demo: Demo, settings: list[str], contradicted: str
) -> None:
    summary = replayed(demo.folder, *(f"--set={setting}" for setting in settings))
    run, lake = read_run(demo.folder, summary["run_id"]), Lake(demo.folder)
    compared = compare(truth_of(demo), run, lake)
    assert not compared.is_as_planted
    assert contradicted in [
        judged.planted.expected for judged in compared.verdicts if not judged.is_as_planted
    ]
