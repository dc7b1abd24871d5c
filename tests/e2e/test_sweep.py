"""`hfptm sweep` and `hfptm tune` as users run them, on generated weeks, and with what may die."""

import os
import re
import shlex
import signal
from html import unescape
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest

from benchmarks.planted_week import DAYS, Week, sandbox_week
from hfptm.clock import NS_MAX
from hfptm.config import load
from hfptm.errors import JobError
from hfptm.sweep_files import Sweep, sweep_ids
from replay.driver import Selection
from replay.sweep import Ask, Swept, sweep
from replay.workers import LocalWorkers
from tests.e2e.command import hfptm, in_its_own_process, must, process
from tests.weeks import MINUTES, own_data

GRID = """
[grid]
"sim.entry_latency_ms" = [0, 50, 300]
"trading.min_edge" = [0.015, 0.03, 0.06]
"trading.order_type" = ["fak", "fok"]
"""
SETS = 18


def grid_in(folder: Path, text: str = GRID) -> Path:
    path = folder / "GRID.toml"
    path.write_text(text)
    return path


def tables(data: Path, sweep_id: str) -> dict[str, Any]:
    found = Sweep(data, sweep_id)
    return {name: found.table(name).to_pydict() for name in ("sets", "days", "events")}


@pytest.fixture(scope="module")
def plain(planted_week: Week, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A sweep that nothing happened to."""
    data = own_data(planted_week, tmp_path_factory.mktemp("plain"))
    found = must("sweep", grid_in(data), "--data", data, "--workers", 2, "--check", 2, "--json")
    return data, found.json


def test_a_week_with_plants_is_an_edge_and_sets_are_as_they_are_alone(
    plain: tuple[Path, Any],
) -> None:
    data, summary = plain
    assert summary["verdict"]["word"] == "edge"
    assert summary["correction"]["tried"] == SETS
    assert [day["date"] for day in summary["walk_forward"]["days"]] == [
        f"2026-11-{day}" for day in range(23, 27)
    ]
    assert len(summary["check"]["sets"]) == 2
    assert summary["check"]["differences"] == []
    assert summary["check"]["rows"] > 1_000
    assert (summary["jobs"], summary["computed"]) == (DAYS, DAYS)
    found = Sweep(data, summary["sweep_id"])
    assert (found.head.kind, found.head.sets, len(found.head.days)) == ("grid", SETS, DAYS)
    assert found.head.from_.startswith("2026-11-20 14:00")
    assert found.summary["verdict"] == summary["verdict"]
    assert (found.path / "grid.toml").read_text() == GRID
    days = found.table("days")
    assert days.num_rows == SETS * DAYS
    best = summary["best"][0]
    of_best = [row for row in days.to_pylist() if row["set"] == best["set"]]
    assert sum(row["result_e6"] for row in of_best) == best["result_e6"]


def test_its_page_draws_it_and_says_how_to_do_it_again(
    plain: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, summary = plain
    file = tmp_path / "page.html"
    must("report", summary["sweep_id"], "--data", data, "--output", file)
    page = unescape(file.read_text(encoding="utf-8"))
    assert f'<p class="verdict">{summary["verdict"]["sentence"]}</p>' in page
    assert page.count("Not drawn: ") == page.count("Not drawn: none of these hours was verified")
    (command,) = re.findall("<code>(hfptm sweep .*?)</code>", page)
    (tmp_path / "data").symlink_to(data)
    monkeypatch.chdir(tmp_path)
    again = must(*shlex.split(command)[1:], "--data", data, "--resume", "--json").json
    assert again["computed"] == 0
    assert tables(data, again["sweep_id"]) == tables(data, summary["sweep_id"])


def test_resumed_it_takes_every_job_and_gives_the_same(plain: tuple[Path, Any]) -> None:
    data, summary = plain
    again = must("sweep", grid_in(data), "--data", data, "--resume", "--json").json
    assert (again["jobs"], again["computed"]) == (DAYS, 0)
    assert tables(data, again["sweep_id"]) == tables(data, summary["sweep_id"])


def test_ray_gives_the_same_numbers(plain: tuple[Path, Any], tmp_path: Path) -> None:
    pytest.importorskip("ray")
    data, summary = plain
    own = own_data_of(data, tmp_path)
    grid = grid_in(tmp_path)
    command = ("sweep", grid, "--data", own, "--engine", "ray", "--workers", 1, "--json")
    found = in_its_own_process(*command)
    if "timed out during startup" in found.err:  # Ray gives itself 30 s, whatever else runs here
        found = in_its_own_process(*command)
    assert found.code == 0, found.err
    assert tables(own, found.json["sweep_id"]) == tables(data, summary["sweep_id"])
    assert found.json["verdict"] == summary["verdict"]
    assert Sweep(own, found.json["sweep_id"]).head.engine == "ray"


def own_data_of(data: Path, folder: Path) -> Path:
    own = folder / "data"
    own.mkdir()
    (own / "lake").symlink_to((data / "lake").resolve())
    return own


def test_a_week_without_plants_is_no_edge(bare_week: Week, tmp_path: Path) -> None:
    data = own_data(bare_week, tmp_path)
    found = must("sweep", grid_in(data), "--data", data, "--workers", 1, "--json").json
    assert found["verdict"]["word"] == "no edge"
    shown = must("sweep", grid_in(data), "--data", data, "--resume").out
    assert "NO EDGE." in shown


@pytest.mark.soak
def test_no_week_without_plants_is_an_edge(tmp_path: Path) -> None:
    """`python -m pytest -m soak tests/e2e/test_sweep.py`"""
    for seed in range(1, 11):
        week = sandbox_week(tmp_path / str(seed), seed, MINUTES, None)
        found = must("sweep", grid_in(tmp_path), "--data", week.data, "--json").json
        assert found["verdict"]["word"] == "no edge", seed


class Killing(LocalWorkers):
    """The first worker that says something is killed, so often."""

    def __init__(self, workers: int, times: int) -> None:
        super().__init__(workers)
        self.left = times

    def progress(self, _done: int, _total: int) -> None:
        children = active_children()
        if self.left and children:  # there is none between the last one's death and the next
            self.left -= 1
            os.kill(int(children[0].pid or 0), signal.SIGKILL)


def ask(data: Path) -> Ask:
    base = load(None, [], {})
    return Ask(data, base, grid_in(data), Selection(0, NS_MAX), "local", is_resumed=False)


def swept_while_killing(data: Path, workers: int, times: int) -> Swept:
    runner = Killing(workers, times)
    return sweep(ask(data), runner, runner.progress)


def test_a_worker_that_is_killed_costs_its_job_only(
    plain: tuple[Path, Any], tmp_path: Path
) -> None:
    data, summary = plain
    own = own_data_of(data, tmp_path)
    found = swept_while_killing(own, workers=2, times=1)
    assert tables(own, found.path.name) == tables(data, summary["sweep_id"])
    assert len(list((own / "sweeps" / "jobs").iterdir())) == DAYS
    assert active_children() == []


def test_a_job_whose_workers_keep_dying_is_named_and_the_others_are_kept(
    plain: tuple[Path, Any], tmp_path: Path
) -> None:
    data, summary = plain
    own = own_data_of(data, tmp_path)
    with pytest.raises(JobError, match=r"2026-11-2\d, 18 sets of 0 to 17: its worker died 2 times"):
        swept_while_killing(own, workers=1, times=99)
    assert sweep_ids(own) == []
    assert active_children() == []
    again = must("sweep", grid_in(own), "--data", own, "--workers", 1, "--resume", "--json").json
    assert again["computed"] <= DAYS
    assert tables(own, again["sweep_id"]) == tables(data, summary["sweep_id"])


def test_a_sweep_that_is_killed_goes_on_where_it_was(
    plain: tuple[Path, Any], tmp_path: Path
) -> None:
    data, summary = plain
    own = own_data_of(data, tmp_path)
    grid, jobs = grid_in(tmp_path), own / "sweeps" / "jobs"
    with process("sweep", grid, "--data", own, "--workers", 1) as child:
        while child.poll() is None and not list(jobs.glob("*.parquet")):
            os.sched_yield()
        child.kill()
    done = len(list(jobs.glob("*.parquet")))
    assert sweep_ids(own) == []
    found = must("sweep", grid, "--data", own, "--workers", 1, "--resume", "--json").json
    assert 1 <= done <= DAYS
    assert found["computed"] <= DAYS - done
    assert tables(own, found["sweep_id"]) == tables(data, summary["sweep_id"])
    assert not list((own / "sweeps").glob("*.partial"))


def test_a_search_counts_its_trials_and_is_judged_on_days_it_did_not_see(
    planted_week: Week, tmp_path: Path
) -> None:
    pytest.importorskip("optuna")
    data = own_data(planted_week, tmp_path)
    text = """
    [random]
    count = 12
    seed = 4
    "sim.entry_latency_ms" = { low = 0, high = 400, step = 50 }
    "trading.min_edge" = { low = 0.01, high = 0.2, log = true }
    "trading.order_type" = ["fak", "fok"]
    """
    grid = grid_in(tmp_path, text)
    found = must("tune", grid, "--data", data, "--workers", 1, "--json").json
    assert found["correction"]["tried"] == found["sets"] <= 12
    days = [day["date"] for day in found["walk_forward"]["days"]]
    assert days == ["2026-11-24", "2026-11-25", "2026-11-26"]
    assert found["verdict"]["word"] == "edge"
    again = must("tune", grid, "--data", data, "--resume", "--json").json
    assert again["computed"] == 0
    assert again["best"] == found["best"]
    other = must(
        *("tune", grid, "--data", data, "--workers", 1),
        *("--seed", 5, "--trials", 3, "--json"),
    ).json
    assert other["correction"]["tried"] == 3
    assert [one["selection"] for one in (found, other)] == [
        "--trials 12 --seed 4",
        "--trials 3 --seed 5",
    ]
    assert other["best"] != found["best"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--address", "auto"), "--address: is of a Ray cluster; add --engine ray"),
        (
            ("--engine", "ray", "--address", "127.0.0.1:9"),
            "--address: nothing answers at 127.0.0.1:9 ",
        ),
        (("--from", "2026-11-22", "--to", "2026-11-21"), "is not before --to"),
        (("--from", "2030-01-01"), "nothing recorded of these markets in this time"),
        (("--event", "nowhere"), "no event 'nowhere' in the lake"),
    ],
)
def test_bad_requests_are_one_line(
    planted_week: Week, tmp_path: Path, arguments: tuple[str, ...], wanted: str
) -> None:
    data = own_data(planted_week, tmp_path)
    found = hfptm("sweep", grid_in(tmp_path), "--data", data, *arguments)
    assert found.code != 0
    assert wanted in found.err
    assert len(found.err.splitlines()) == 1
    assert not (data / "sweeps").exists()
