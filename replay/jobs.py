"""A sweep in parts that are computed apart: a UTC day of the lake under a block of sets each.

A job's result is one file, `<data>/sweeps/jobs/<key>.parquet`, there as a whole or not at all. Its
name is a hash of everything that it depends on: the code, the day's recorded events, what was
known of their markets, and every setting that a replay goes by. So a result that is there is the
result, whichever sweep asked for it; the folder may be removed at any time.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hfptm import __version__
from hfptm.clock import format_utc
from hfptm.config import Config, limits
from hfptm.errors import LakeError
from hfptm.lake import Kind, Lake, hour_ns, process_runs
from hfptm.parquet import TableFile, open_table
from hfptm.sweep_files import DAYS, EVENTS
from replay.definitions import definitions_at
from replay.driver import Progress, Selection, choose
from replay.lane_digests import LaneDigests
from replay.passes import shared_key
from replay.shard import DAY_NS, Shard, run_shard

BLOCK_SETS = 500
"""Most sets of a job. Of a planted day one set took 0.08 s of processor time, 100 took 0.3 s, 300
1.0 s and 1,000 3.3 s, and about 1 MB each: larger blocks only leave workers without a job."""

RESULT = pa.schema(
    [
        field.with_nullable(field.name not in ("set", "date"))
        for field in (*DAYS, *(field for field in EVENTS if field.name not in DAYS.names))
    ]
    + [pa.field("journal", pa.string())],
    DAYS.metadata,
)
"""Rows of both tables: those of days have no event, and the digest of the set's journal rows."""


class Job(NamedTuple):
    """`key` is the hash, `day` since 1970, `rows` those of the day's files; `numbers` are the
    sets' places in the sweep."""

    key: str
    data: Path
    day: int
    selection: Selection
    rows: int
    numbers: tuple[int, ...]
    configs: tuple[Config, ...]

    @property
    def path(self) -> Path:
        return self.data / "sweeps" / "jobs" / f"{self.key}.parquet"

    @property
    def date(self) -> str:
        return format_utc(self.day * DAY_NS)[:10]

    def __str__(self) -> str:
        first, last = min(self.numbers), max(self.numbers)
        return f"{self.date}, {len(self.numbers)} sets of {first} to {last}"


class Day(NamedTuple):
    """Of the lake: its part of the selection, the rows of its files, and the hash of both.
    Times are receive times of the first and the last row."""

    day: int
    selection: Selection
    rows: int
    digest: str
    first_ns: int
    last_ns: int


def plan(data: Path, days: Sequence[Day], configs: Sequence[Config]) -> list[Job]:
    """Every day under every block of sets; `configs` by number."""
    code = code_digest()
    blocks = [(numbers, _sets_digest(configs, numbers)) for numbers in _blocks(configs)]
    return [
        Job(
            _hash([code, day.digest, sets]),
            data,
            day.day,
            day.selection,
            day.rows,
            tuple(numbers),
            tuple(configs[number] for number in numbers),
        )
        for day in days
        for numbers, sets in blocks
    ]


def days_of(data: Path, selection: Selection) -> list[Day]:
    """Every UTC day of which the lake holds something; raises LakeError if there is none."""
    lake = Lake(data)
    versions = lake.market_versions()
    markets, groups, _ = definitions_at(versions, selection.from_ns)
    chosen = choose(markets, groups, selection)
    texts = [(market.market, msgspec.json.encode((market, group))) for market, group in versions]
    files = lake.files(Kind.EVENTS, selection.from_ns, selection.to_ns)
    found = []
    for day, of_day in groupby(files, lambda file: hour_ns(file) // DAY_NS):
        paths = list(of_day)
        part = selection._replace(
            from_ns=max(selection.from_ns, day * DAY_NS),
            to_ns=min(selection.to_ns, (day + 1) * DAY_NS),
        )
        seen, first_ns, last_ns = _seen_in(paths, part, chosen)
        if not seen:
            continue
        known = [text for market, text in texts if market in seen]
        contents = [f"{path.relative_to(lake.root)} {_file_digest(path)}" for path in paths]
        rows = sum(open_table(path).metadata.num_rows for path in paths)
        ends = f"{part.from_ns} {part.to_ns} {sorted(seen) if chosen is not None else ''}"
        digest = _hash([ends, *contents, *known])
        found.append(Day(day, part, rows, digest, first_ns, last_ns))
    if not found:
        raise LakeError(
            f"{lake.root}: nothing recorded of these markets in this time; see what is there with "
            "`hfptm lake`, or bring a recording in with `hfptm import`"
        )
    return found


def run_job(job: Job, progress: Progress) -> None:
    """Compute it and leave its file. Raises as `passes.run_pass`."""
    digests = LaneDigests(len(job.configs))
    shard, _ = run_shard(job.data, job.configs, job.selection, progress, digests.add)
    days = shard.days.append_column("journal", pa.array(digests.hex(), pa.string()))
    file = TableFile(job.path, RESULT)
    for part in (days, shard.events):
        columns = {name: part[name] for name in part.schema.names}
        arrays = [
            columns[field.name] if field.name in columns else pa.nulls(part.num_rows, field.type)
            for field in RESULT
        ]
        file.append(pa.table(arrays, schema=RESULT))
    file.publish()


def result(job: Job) -> Shard:
    """Of a job that is done, `set` by number in the sweep; raises LakeError if it is not."""
    table = open_table(job.path).read()
    numbers = pa.array(np.array(job.numbers, np.int32))
    place = table.schema.get_field_index("set")
    table = table.set_column(place, table.field("set"), pc.take(numbers, table["set"]))
    is_day = pc.is_null(table["event"])
    days = table.filter(is_day).select(DAYS.names).cast(DAYS)
    return Shard(days, table.filter(pc.invert(is_day)).select(EVENTS.names).cast(EVENTS))


def journals(job: Job) -> list[str]:
    """The journal digest of each set of a job that is done, in their order."""
    table = open_table(job.path).read(columns=["event", "journal"])
    found: list[str] = table.filter(pc.is_null(table["event"]))["journal"].to_pylist()
    return found


def gather(jobs: Iterable[Job]) -> Shard:
    """The results of all, by set, day, event and kind."""
    days, events = zip(*(result(job) for job in jobs), strict=True)
    return Shard(
        pa.concat_tables(days).sort_by([("set", "ascending"), ("date", "ascending")]),
        pa.concat_tables(events).sort_by(
            [(name, "ascending") for name in ("set", "date", "event", "kind")]
        ),
    )


def clean(data: Path) -> None:
    """Remove what workers that died left in the middle of a file."""
    for path in (data / "sweeps" / "jobs").glob("*.tmp"):
        if not process_runs(int(path.suffixes[-2][1:])):
            path.unlink(missing_ok=True)


def lake_digest(days: Iterable[Day]) -> str:
    """Of everything recorded in these days."""
    return _hash(day.digest for day in days)


def code_digest() -> str:
    """Of the version and every source that a result depends on."""
    core = Path(__file__).resolve().parents[1] / "hfptm"
    folders = (core, core / "kernel", core / "sim", Path(__file__).resolve().parent)
    sources = sorted(path for folder in folders for path in folder.glob("*.py"))
    return _hash([__version__, *(f"{path.name} {_file_digest(path)}" for path in sources)])


def _blocks(configs: Sequence[Config]) -> Iterator[list[int]]:
    """Numbers that may ride together, in blocks of about one size."""
    together: dict[object, list[int]] = {}
    for number, config in enumerate(configs):
        together.setdefault(shared_key(config), []).append(number)
    for numbers in together.values():
        count = -(-len(numbers) // BLOCK_SETS)
        yield from (list(map(int, part)) for part in np.array_split(numbers, count))


def _sets_digest(configs: Sequence[Config], numbers: Sequence[int]) -> str:
    parts: list[str | bytes] = []
    for number in numbers:
        goes_by = msgspec.structs.replace(limits(configs[number]), block_rows=1)
        measured = goes_by.measured_requests
        parts.append(msgspec.json.encode(goes_by))
        parts.append(_file_digest(Path(measured)) if measured else "")
    return _hash(parts)


def _seen_in(
    paths: Sequence[Path], part: Selection, chosen: set[int] | None
) -> tuple[set[int], int, int]:
    """Markets that have rows in the part of a day, and the times of its first and last row."""
    seen: set[int] = set()
    times_ns: list[int] = []
    for path in paths:
        table = open_table(path).read(columns=["ts_recv_ns", "market"])
        start, stop = np.searchsorted(
            table["ts_recv_ns"].to_numpy(), [part.from_ns, part.to_ns]
        ).tolist()
        table = table.slice(start, stop - start)
        if chosen is not None:
            table = table.filter(pc.is_in(table["market"], pa.array(sorted(chosen))))
        if table.num_rows:
            seen.update(pc.unique(table["market"]).to_pylist())
            times_ns += table["ts_recv_ns"].take(pa.array([0, table.num_rows - 1])).to_pylist()
    return seen, min(times_ns, default=0), max(times_ns, default=0)


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash(parts: Iterable[str | bytes]) -> str:
    """Of the parts in order, each with its length: no two lists of parts hash alike."""
    whole = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        whole.update(f"{len(content)}:".encode() + content)
    return whole.hexdigest()[:32]
