"""Sets of a sweep computed once more, each alone, and compared with what they were among others."""

from collections.abc import Sequence

import msgspec
import numpy as np

from replay.driver import Progress
from replay.jobs import Job, journals, result
from replay.lane_digests import LaneDigests
from replay.shard import Shard, run_shard


class Checked(msgspec.Struct, frozen=True):
    """rows: journal rows compared; differences: one line each, empty if all are alike."""

    sets: list[int]
    days: int
    rows: int
    differences: list[str]


def check(jobs: Sequence[Job], count: int, progress: Progress) -> Checked:
    """Draws `count` sets by the jobs' own keys; told (jobs done, jobs in all)."""
    drawn = draw(jobs, count)
    differences: list[str] = []
    rows = 0
    for number, job in enumerate(jobs):
        for one in set(drawn) & set(job.numbers):
            compared, problems = _compare(job, one)
            rows += compared
            differences += problems
        progress(number + 1, len(jobs))
    return Checked(drawn, len({job.day for job in jobs}), rows, sorted(differences))


def draw(jobs: Sequence[Job], count: int) -> list[int]:
    """Numbers of sets, sorted; the same for the same sweep, and known to nobody before it."""
    numbers = sorted({number for job in jobs for number in job.numbers})
    rng = np.random.default_rng([int(job.key, 16) for job in jobs])
    drawn: list[int] = rng.choice(numbers, min(count, len(numbers)), replace=False).tolist()
    return sorted(drawn)


def _compare(job: Job, number: int) -> tuple[int, list[str]]:
    """How many rows a set's replay alone wrote, and what of it the job has otherwise."""
    place = job.numbers.index(number)
    alone = LaneDigests(1)
    single, _ = run_shard(job.data, [job.configs[place]], job.selection, _quiet, alone.add)
    kept = result(job)
    found = ["journal"] if journals(job)[place] != alone.hex()[0] else []
    found += [
        name for name in Shard._fields if _rows_of(kept, name, number) != _rows_of(single, name, 0)
    ]
    return alone.rows, [f"{job.date}, set {number}: its {name} is another alone" for name in found]


def _rows_of(shard: Shard, name: str, number: int) -> list[dict[str, object]]:
    rows = getattr(shard, name).to_pylist()
    return [{**row, "set": 0} for row in rows if row["set"] == number]


def _quiet(_done: int, _total: int) -> None:
    """Nobody waits for it."""
