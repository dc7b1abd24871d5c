"""How long messages to the exchange and back take: the simulated venue's table of draws.

Each of three latencies is constant, or log-normal by its median and its 99th percentile; or entry
and response are those of measured requests. A table is drawn from by a hash of when and what is
sent (`hfptm.sim.latency`), so that nothing is random while rows run.
"""

import hashlib
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from hfptm.errors import InputError
from hfptm.kernel.jit import Array, records
from hfptm.limits import Limits
from hfptm.sim.state import DRAW
from hfptm.units import NS_PER_MS, NS_PER_S, PRICE_ONE_E4

COLUMNS = ("ts_request_ns", "ts_exchange_ns", "ts_response_ns")
"""Of a table of measured requests: sent by us, matched by the exchange's clock, answered to us."""

QUANTILES = 4_096
"""Draws of a log-normal latency, at equal distances of probability from 1/8192 on."""

MEASURED_MAX = 1_000_000
"""Requests that a table may hold."""

LATENCY_MAX_NS = 3_600 * NS_PER_S
"""A request that took longer was no request."""

_NORMAL = NormalDist()
_Z99 = Decimal(_NORMAL.inv_cdf(0.99))
_US = 1_000

Times = npt.NDArray[np.int64]


class Latencies(NamedTuple):
    """What a run assumes."""

    draws: Array
    """One lane's, (D,) DRAW, in an order that `sim.seed` fixes."""
    model: str
    """constant, log-normal or measured."""
    file: str = ""
    """Name and SHA-256 of the measured requests' file."""

    def summary(self) -> dict[str, str | int | float]:
        """The model, and the quantiles of its draws in ms."""
        found: dict[str, str | int | float] = {"model": self.model, "file": self.file}
        found["draws"] = len(self.draws)
        for name in ("entry", "matching", "response"):
            sorted_ns = np.sort(self.draws[f"{name}_ns"])
            for percent in (50, 99):
                place_ns = int(sorted_ns[(len(sorted_ns) - 1) * percent // 100])
                found[f"{name}_ms_p{percent}"] = place_ns / NS_PER_MS
        return found


def latencies_of(limits: Limits) -> Latencies:
    """Raises InputError, naming file and row, for a table that is not one of measured requests."""
    matching_ns = spread(limits.matching_delay_ns, limits.matching_delay_p99_ns)
    if limits.measured_requests:
        path = Path(limits.measured_requests)
        content = _content(path)
        entry_ns, response_ns = measured(path, content)
        draws = _drawn(limits, [entry_ns, response_ns], [matching_ns])
        return Latencies(draws, "measured", f"{path.name} {hashlib.sha256(content).hexdigest()}")
    entry_ns = spread(limits.entry_latency_ns, limits.entry_latency_p99_ns)
    response_ns = spread(limits.response_latency_ns, limits.response_latency_p99_ns)
    wide = max(map(len, (entry_ns, matching_ns, response_ns))) > 1
    draws = _drawn(limits, [entry_ns], [response_ns], [matching_ns])
    return Latencies(draws, "log-normal" if wide else "constant")


def _drawn(limits: Limits, *kinds: list[Times]) -> Array:
    """A shuffled table; the latencies of one kind belong together and keep their pairs."""
    rng = np.random.default_rng(limits.seed)
    rows = max(len(times) for kind in kinds for times in kind)
    if limits.settlement_failure_e4:
        rows = max(rows, PRICE_ONE_E4)
    draws = records(DRAW, rows)
    names = iter(("entry_ns", "response_ns", "matching_ns"))
    for kind in kinds:
        order = rng.permutation(rows)
        for times in kind:
            draws[next(names)] = times[order * len(times) // rows]
    failing = rows * limits.settlement_failure_e4 // PRICE_ONE_E4
    draws["fails"] = rng.permutation(rows) < failing
    return draws


def spread(median_ns: int, p99_ns: int) -> Times:
    """Draws of a log-normal latency, sorted; the median alone if no 99th percentile is set.

    Whole microseconds from exact decimals: the last bit of a float, which differs among machines,
    never decides.
    """
    if p99_ns == 0:
        return np.array([median_ns], np.int64)
    sigma = (Decimal(p99_ns) / Decimal(median_ns)).ln() / _Z99
    places = ((2 * place + 1) / (2 * QUANTILES) for place in range(QUANTILES))
    factors = ((sigma * Decimal(_NORMAL.inv_cdf(place))).exp() for place in places)
    return np.array([int(median_ns * factor) // _US * _US for factor in factors], np.int64)


def measured(path: Path, content: bytes) -> tuple[Times, Times]:
    """Entry and response latency of every request in a Parquet file or a CSV with a header.

    `content` is what `path` holds; a name that ends in .csv says that it is CSV.
    Columns are exactly `COLUMNS`, whole numbers of ns since 1970. Raises InputError.
    """
    table = _read(path, content)
    if sorted(table.column_names) != sorted(COLUMNS):
        raise InputError(path, f"columns are {table.column_names}; write exactly {COLUMNS}")
    if not 0 < table.num_rows <= MEASURED_MAX:
        raise InputError(path, f"{table.num_rows} requests; a table holds 1 to {MEASURED_MAX}")
    request_ns, exchange_ns, response_ns = (_times(path, table, name) for name in COLUMNS)
    entry_ns, answer_ns = exchange_ns - request_ns, response_ns - exchange_ns
    low_ns, high_ns = np.minimum(entry_ns, answer_ns), np.maximum(entry_ns, answer_ns)
    wrong = np.flatnonzero((low_ns < 0) | (high_ns > LATENCY_MAX_NS))
    if len(wrong):
        raise InputError(
            path,
            f"request {wrong[0] + 1}: entry {entry_ns[wrong[0]]} ns, response "
            f"{answer_ns[wrong[0]]} ns; both are 0 to {LATENCY_MAX_NS} once the clocks agree",
        )
    return entry_ns, answer_ns


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); check sim.measured_requests"
        raise InputError(path, problem) from error


def _read(path: Path, content: bytes) -> pa.Table:
    types = pc.ConvertOptions(column_types=dict.fromkeys(COLUMNS, pa.int64()), null_values=[])
    source = pa.BufferReader(content)
    try:
        if path.suffix == ".csv":
            return pc.read_csv(source, convert_options=types)
        return pq.read_table(source)
    except pa.ArrowInvalid as error:
        problem = f"no Parquet file, and no CSV of whole numbers: {error}"
        raise InputError(path, problem) from error


def _times(path: Path, table: pa.Table, name: str) -> Times:
    column = table.column(name)
    if column.type != pa.int64() or column.null_count:
        raise InputError(path, f"{name} is {column.type}, {column.null_count} missing; write int64")
    times: Times = column.to_numpy()
    wrong = np.flatnonzero((times < 0) | (times >> 62 != 0))
    if len(wrong):
        raise InputError(path, f"request {wrong[0] + 1}: {name} {times[wrong[0]]} is no time")
    return times
