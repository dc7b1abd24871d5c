"""Sets of a sweep computed once more, each alone, and compared row by row with what they were among
the others."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.engine import Output
from hfptm.journal import ROW_KINDS, RowKind
from replay.driver import Progress
from replay.jobs import Job, result
from replay.passes import without_lane
from replay.shard import Shard, run_shard

Rows = npt.NDArray[np.void]


class Checked(msgspec.Struct, frozen=True):
    """rows: journal rows compared; differences: one line each, empty if all are alike."""

    sets: list[int]
    days: int
    rows: int
    differences: list[str]


class _Kept:
    """The journal rows of some lanes of a pass, as single replays would have written them."""

    def __init__(self, lanes: Sequence[int]) -> None:
        self._parts: dict[int, list[Output]] = {lane: [] for lane in lanes}

    def add(self, output: Output) -> None:
        for lane, parts in self._parts.items():
            parts.append(without_lane(output, lane))

    def rows(self, lane: int, kind: RowKind) -> Rows:
        return np.concatenate([getattr(part, kind) for part in self._parts[lane]])


def check(jobs: Sequence[Job], count: int, progress: Progress) -> Checked:
    """Draws `count` sets by the jobs' own keys; told (jobs done, jobs in all)."""
    drawn = draw(jobs, count)
    differences: list[str] = []
    rows = 0
    for number, job in enumerate(jobs):
        places = [job.numbers.index(one) for one in drawn if one in job.numbers]
        if places:
            for compared, problem in _check_job(job, places):
                rows += compared
                differences += [problem] if problem else []
        progress(number + 1, len(jobs))
    return Checked(drawn, len({job.day for job in jobs}), rows, differences)


def draw(jobs: Sequence[Job], count: int) -> list[int]:
    """Numbers of sets, sorted; the same for the same sweep, and known to nobody before it."""
    numbers = sorted({number for job in jobs for number in job.numbers})
    rng = np.random.default_rng([int(job.key, 16) for job in jobs])
    drawn: list[int] = rng.choice(numbers, min(count, len(numbers)), replace=False).tolist()
    return sorted(drawn)


def _check_job(job: Job, places: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Rows compared, and what differs, of each kind of row and table of each set."""
    among = _Kept(places)
    run_shard(job.data, job.configs, job.selection, _quiet, among.add)
    kept = result(job)
    for place in places:
        where = f"{job.date}, set {job.numbers[place]}"
        alone = _Kept([0])
        single, _ = run_shard(job.data, [job.configs[place]], job.selection, _quiet, alone.add)
        for kind in ROW_KINDS:
            rows, others = among.rows(place, kind), alone.rows(0, kind)
            is_same = rows.tobytes() == others.tobytes()
            yield len(others), "" if is_same else f"{where}: {kind} differ from those of it alone"
        for name in Shard._fields:
            is_same = _rows_of(kept, name, job.numbers[place]) == _rows_of(single, name, 0)
            yield 0, "" if is_same else f"{where}: its {name} differ from those of it alone"


def _rows_of(shard: Shard, name: str, number: int) -> list[dict[str, object]]:
    rows = getattr(shard, name).to_pylist()
    return [{**row, "set": 0} for row in rows if row["set"] == number]


def _quiet(_done: int, _total: int) -> None:
    """Nobody waits for it."""
