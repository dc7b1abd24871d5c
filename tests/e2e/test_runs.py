"""What a run leaves behind, what an interrupted one does not, and how errors are told."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hfptm.journal import Run, read_run, run_ids
from hfptm.opportunities import DECISION, OUTCOME
from hfptm.records import EVENT, INTENT, EventKind, IntentKind
from tests.conftest import ROOT
from tests.e2e.command import hfptm, in_its_own_process, must, process, replayed
from tests.e2e.conftest import Demo


@pytest.fixture(scope="module")
def run(demo: Demo) -> Run:
    return read_run(demo.folder, demo.result.json["run_id"])


def test_a_run_folder_holds_everything_about_the_run(run: Run, demo: Demo) -> None:
    assert sorted(path.name for path in run.path.iterdir()) == [
        "config.toml",
        "decisions.parquet",
        "intents.parquet",
        "outcomes.parquet",
        "reports.parquet",
        "summary.json",
        "version.json",
    ]
    printed = demo.result.json
    printed.pop("truth")
    assert run.summary == printed
    assert run.version.package
    assert re.fullmatch(r"[0-9a-f]{64}", printed["digest"])


def test_the_journal_is_what_the_summary_counts(run: Run, demo: Demo) -> None:
    dtypes = {"intents": INTENT, "decisions": DECISION, "outcomes": OUTCOME, "reports": EVENT}
    for kind, dtype in dtypes.items():
        assert run.rows(kind).dtype == dtype  # type: ignore[arg-type]
    summary, intents, reports = run.summary, run.rows("intents"), run.rows("reports")
    assert (reports["kind"] == EventKind.FILL).sum() == summary["fills"]
    placed = intents[intents["kind"] == IntentKind.PLACE]
    assert set(placed["plan"]) == set(range(1, summary["plans"] + 1))
    names = [fact["slug"] for fact in demo_markets(demo)]
    assert len(names) == 13
    displayed = sum(kind["displayed"] for kind in summary["opportunities"].values())
    assert len(run.rows("outcomes")) == displayed


def demo_markets(demo: Demo) -> list[dict[str, str]]:
    inventory = must("lake", "--data", demo.folder, "--json").json
    return [{"slug": slug} for event in inventory["events"] for slug in event["markets"]]


def test_the_configuration_of_a_run_repeats_it(run: Run, demo: Demo) -> None:
    config = run.path / "config.toml"
    assert replayed(demo.folder, "--config", config)["digest"] == run.summary["digest"]
    other = replayed(demo.folder, "--config", config, "--set", "trading.min_edge=0.02")
    assert other["digest"] != run.summary["digest"]
    assert "min_edge = 0.02\n" in read_run(demo.folder, other["run_id"]).config_toml


def test_importing_twice_changes_nothing(demo: Demo) -> None:
    folder = demo.folder / "recording"
    files = sorted((demo.folder / "lake").rglob("*.parquet"))
    before = [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    again = must("import", "frames-jsonl", folder, "--data", demo.folder, "--json").json
    assert again["files_changed"] == []
    assert [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before


def test_an_interrupted_run_never_looks_whole(settled: Path) -> None:
    before = run_ids(settled)
    arguments = ("replay", "--data", settled, "--set", "replay.block_rows=1")
    with process(*arguments) as child:
        while not list((settled / "runs").glob("*.partial")):
            assert child.poll() is None, child.communicate()
            wait_ms(child, 20)
        wait_ms(child, 500)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "hfptm: interrupted; nothing unfinished looks whole"
    assert "Traceback" not in err
    assert run_ids(settled) == before
    assert replayed(settled, "--to", "2026-09-28T09:00")["run_id"] in run_ids(settled)


def wait_ms(child: "subprocess.Popen[str]", ms: int) -> None:
    try:
        child.wait(ms / 1_000)
    except subprocess.TimeoutExpired:
        return


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("replay", "--data", "NONE"), 4, "bring a recording in with `hfptm import`"),
        (("lake", "--data", "NONE"), 4, "empty; bring a recording in"),
        (("replay", "--data", "LAKE", "--market", "x"), 4, "no market 'x' in the lake"),
        (("replay", "--data", "LAKE", "--event", "x"), 4, "no event 'x' in the lake"),
        (("replay", "--data", "LAKE", "--from", "2030-01-01"), 4, "nothing recorded of these"),
        (("replay", "--data", "LAKE", "--from", "noon"), 2, "--from: not a time: 'noon'"),
        (("replay", "--data", "LAKE", "--from", ""), 2, "--from: not a time: ''"),
        (
            ("replay", "--data", "LAKE", "--from", "2026-01-02", "--to", "2026-01-01"),
            2,
            "--from: 2026-01-02 is not before --to 2026-01-01",
        ),
        (
            ("replay", "--data", "LAKE", "--set", "trading.min_edges=1"),
            2,
            "trading.min_edges: is unknown; did you mean min_edge?",
        ),
        (("replay", "--data", "LAKE", "--config", "x.toml"), 2, "x.toml: cannot be read"),
        (("import", "csv", "x", "--data", "NONE"), 2, "csv: expected one of frames-jsonl"),
        (("import", "frames-jsonl", "x", "--data", "NONE"), 3, "x: no such file"),
        (
            ("import", "quotes", "x", "--default-size", "ten", "--data", "NONE"),
            2,
            "--default-size: 'ten' is no number",
        ),
        (
            ("import", "frames-jsonl", "x", "--field", "ts", "--data", "NONE"),
            2,
            "'ts': expected NAME=FIELD",
        ),
        (
            ("import", "frames-jsonl", "RECORDING", "--data", "FILE"),
            1,
            "Not a directory",
        ),
    ],
)
def test_an_error_is_one_clear_line(
    arguments: tuple[str, ...], code: int, message: str, demo: Demo, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    places = {
        "NONE": tmp_path / "none",
        "LAKE": demo.folder,
        "FILE": file,
        "RECORDING": demo.folder / "recording",
    }
    runs = sorted((demo.folder / "runs").iterdir())
    result = hfptm(*(places.get(argument, argument) for argument in arguments))
    assert result.code == code
    assert result.out == ""
    assert message in result.err
    assert result.err.startswith("hfptm: ")
    assert result.err.count("\n") == 1
    assert sorted((demo.folder / "runs").iterdir()) == runs
    assert sorted(tmp_path.iterdir()) == [file]


def test_json_is_one_object_and_nothing_else(demo: Demo) -> None:
    """`Result.json` fails on a second object; a process of its own has real streams."""
    result = in_its_own_process("lake", "--data", demo.folder, "--json")
    assert (result.code, result.err) == (0, "")
    assert result.json["event_rows"] == demo.result.json["events"]
    assert result.out.count("\n") == 1


def test_help_loads_nothing_heavy() -> None:
    """`hfptm --help` answers in a tenth of a second, because nothing is imported for it."""
    heavy = ("numba", "numpy", "pyarrow", "duckdb", "polars", "rich.console")
    program = f"""
import sys
from hfptm.cli import main
try:
    main(["--help"])
except SystemExit as stop:
    sys.exit(stop.code or [name for name in {heavy} if name in sys.modules] or 0)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        out, err = child.communicate()
    assert (err, child.returncode) == ("", 0)
    assert "Usage: hfptm [OPTIONS] COMMAND [ARGS]..." in out
