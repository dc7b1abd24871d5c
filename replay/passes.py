"""Many parameter sets in one pass over the lake, a lane of one engine each.

Each lane does, bit for bit, what a replay of its set alone does: `without_lane` gives its rows as
that would have journalled them, `replay.metrics.account` its money. The books are kept once for
all of them.
"""

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hfptm.config import Config, limits
from hfptm.engine import Engine, Output, compile_kernels
from hfptm.errors import ConfigError
from hfptm.kernel.jit import Array
from hfptm.latency import latencies_of
from hfptm.limits import Limits
from hfptm.parameters import ParameterSet
from hfptm.records import LANE_SHIFT
from replay.driver import Progress, Selection, open_stretch, run_block
from replay.metrics import Json

Rows = npt.NDArray[np.void]

SHARED = ("sim.restarts", "trading.blacklisted_markets", "discovery.short_window_s", "replay")
"""Settings of the exchange, of what a market is, and of the pass itself: one value for all."""

IDS = {"intents": "order", "decisions": "decision", "outcomes": "decision", "reports": "aux"}
"""The column of each kind of row that holds an id with its lane in the highest bits."""

_LUCK = (
    *("entry_latency_ns", "entry_latency_p99_ns", "response_latency_ns", "response_latency_p99_ns"),
    *("matching_delay_ns", "matching_delay_p99_ns", "measured_requests", "seed"),
    "settlement_failure_e4",
)
"""The limits that a table of draws is made from."""


class Pass(NamedTuple):
    """A pass that is over."""

    engine: Engine
    rows: int
    first_ns: int
    last_ns: int
    stands: Json
    """What the recording is worth, as a run's summary has it under `recorded`."""


def run_pass(
    data: Path,
    sets: Sequence[Config],
    selection: Selection,
    sink: Callable[[Output], None],
    progress: Progress,
) -> Pass:
    """One lane a set, in their order; `sink` gets the rows of all lanes as they come.

    Raises ConfigError if the sets differ in what lanes share, LakeError as `replay.driver.replay`.
    """
    lanes = [limits(config) for config in sets]
    _require_shared(sets, lanes)
    stretch = open_stretch(data, sets[0], selection)
    compile_kernels()
    engine = Engine(stretch.markets, stretch.groups, parameter_sets(lanes), sink)
    for rows in stretch.blocks:
        run_block(engine, rows, sets[0].replay.block_rows)
        progress(stretch.reader.rows_read, stretch.reader.rows_total)
    engine.finish()
    return Pass(engine, engine.rows, engine.first_ns, engine.last_row_ns, stretch.stands)


def shared_key(config: Config) -> tuple[Hashable, ...]:
    """Sets ride in one pass if this, which goes by `SHARED`, is the same for all of them."""
    return _shared(config, limits(config))


def _shared(config: Config, of_lane: Limits) -> tuple[Hashable, ...]:
    return of_lane.restarts_ns, of_lane.blacklist, of_lane.short_window_ns, repr(config.replay)


def _require_shared(sets: Sequence[Config], lanes: Sequence[Limits]) -> None:
    if not sets:
        raise ConfigError("pass", "sets", "there is none; give at least one")
    first = _shared(sets[0], lanes[0])
    for number, (config, of_lane) in enumerate(zip(sets, lanes, strict=True)):
        for name, value, other in zip(SHARED, first, _shared(config, of_lane), strict=True):
            if value != other:
                problem = f"set {number} has another value than set 0; run it in another pass"
                raise ConfigError("pass", name, problem)


def parameter_sets(all_limits: Sequence[Limits]) -> list[ParameterSet]:
    """Lanes that are to meet the same luck share one table of draws."""
    tables: dict[Hashable, Array] = {}
    made = []
    for one in all_limits:
        luck = tuple(getattr(one, name) for name in _LUCK)
        if luck not in tables:
            tables[luck] = latencies_of(one).draws
        made.append(ParameterSet(one, tables[luck]))
    return made


def without_lane(output: Output, lane: int) -> Output:
    """That lane's rows as a replay of it alone gives them."""
    own = {kind: _of_lane(getattr(output, kind), name, lane) for kind, name in IDS.items()}
    return Output(**own)


def _of_lane(rows: Rows, name: str, lane: int) -> Rows:
    own: Rows = rows[rows[name] >> LANE_SHIFT == lane]
    own[name] &= (1 << LANE_SHIFT) - 1
    if "lane" in (own.dtype.names or ()):
        own["lane"] = 0
    return own
