"""What a sweep's jobs take on Ray, over what they take on processes of this machine."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.replay import timed_ns
from benchmarks.report import Figure
from benchmarks.tape import EDGE_EVERY_ROWS, make_tape, with_ids
from hfptm.clock import NS_MAX
from hfptm.config import Config
from hfptm.lake import Lake
from replay.driver import Selection
from replay.importers.base import quiet
from replay.jobs import Job, days_of, plan
from replay.ray_workers import RayWorkers
from replay.shard import DAY_NS
from replay.workers import LocalWorkers, Runner


class Work(NamedTuple):
    markets: int = 256
    rows: int = 3_000_000
    """Of each day."""
    days: int = 6
    workers: int = 2
    runs: int = 3


def ray_over_local(work: Work, sets: Sequence[Config]) -> Iterator[Figure]:
    """They take turns. Starting Ray, and workers loading the kernels, is outside the figure."""
    with tempfile.TemporaryDirectory(prefix="hfptm-benchmark-") as folder:
        write_days(Path(folder), work)
        jobs = plan(Path(folder), days_of(Path(folder), Selection(0, NS_MAX)), sets)
        with LocalWorkers(work.workers) as local, RayWorkers(work.workers, None) as ray:
            turns = [partial(run_ns, jobs, runner) for runner in (local, ray)]
            took_ns = _in_turn(turns, work.runs)
    ratios = [on_ray / on_local for on_local, on_ray in took_ns]
    what = f"{len(jobs)} jobs of {len(sets)} sets and {work.rows:,} rows, {work.workers} workers"
    seconds = median(on_local for on_local, _ in took_ns) / 1e9
    note = f"{what}; {seconds:.1f} s on processes"
    yield Figure("ray_over_local", median(ratios), "times", (min(ratios), max(ratios)), note)


def write_days(data: Path, work: Work) -> None:
    """The same tape every day."""
    tape = make_tape(work.markets, work.rows, edge_every_rows=EDGE_EVERY_ROWS)
    rows, lake = with_ids(tape), Lake(data)
    lake.write_markets("generated", tape.markets, tape.groups)
    for day in range(work.days):
        lake.write_events(f"day{day}", rows)
        rows["ts_recv_ns"] += DAY_NS
        rows["ts_venue_ns"] += DAY_NS


def run_ns(jobs: Sequence[Job], runner: Runner) -> int:
    """All of them, computed anew."""
    for job in jobs:
        job.path.unlink(missing_ok=True)
    return timed_ns(lambda: runner.run(jobs, quiet))


def _in_turn(turns: Sequence[Callable[[], int]], runs: int) -> list[tuple[int, ...]]:
    """What each run of all of them took, after one that nobody counts."""
    return [tuple(turn() for turn in turns) for _ in range(runs + 1)][1:]
