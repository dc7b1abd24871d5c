"""A run computed once more from what its kernel was given, as far as that was written."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from hfptm.config import limits, load
from hfptm.drive.inputs import (
    LIVE,
    TWIN,
    Listing,
    Rows,
    Start,
    read_inputs,
    read_start,
)
from hfptm.engine import MARKET_SLOTS_MAX, Engine, Output
from hfptm.latency import latencies_of
from hfptm.limits import Limits
from hfptm.parameters import ParameterSet
from hfptm.records import EVENT, EventKind
from hfptm.units import NS_PER_S

Steps = Iterable[tuple[Listing, Rows]]
"""As `drive.inputs.read_inputs` gives them."""

REST_NS = 900 * NS_PER_S
"""After the last row of a live run, for its twin: longer than anything is under way."""


def engine_of(limits: Limits, start: Start, sink: Callable[[Output], None]) -> Engine:
    """What a paper or live run drives; of a live one, orders leave."""
    return Engine(
        (),
        (),
        [ParameterSet(limits, latencies_of(limits).draws)],
        sink,
        start.risk,
        portfolio=start.portfolio,
        spare_slots=MARKET_SLOTS_MAX,
        orders_leave=start.mode == LIVE,
    )


def fed(limits: Limits, start: Start, steps: Steps, sink: Callable[[Output], None]) -> Engine:
    """The engine after the last row; what was under way then is still."""
    engine = engine_of(limits, start, sink)
    for listing, rows in steps:
        engine.list_more(listing.markets, listing.groups)
        engine.feed(rows.copy())
    return engine


def rerun(folder: Path, sink: Callable[[Output], None]) -> Engine:
    """The same, of a run. Raises LakeError if it kept no inputs, or they are damaged."""
    settings, start = limits(load(folder / "config.toml", [], {})), read_start(folder)
    if start.mode == TWIN:
        steps = twin_steps(read_inputs(folder.with_name(start.twin_of)), is_over=True)
        return fed(settings, start, steps, sink)
    return fed(settings, start, read_inputs(folder), sink)


def twin_steps(steps: Steps, *, is_over: bool) -> list[tuple[Listing, Rows]]:
    """What a live run was given but for what the exchange said of its orders, and time to rest
    after the last row of one that is over."""
    found = [(listing, rows[rows["kind"] < EventKind.ACK]) for listing, rows in steps]
    if is_over and found:
        listing, rows = found[-1]
        found[-1] = listing, np.concatenate([rows, *_rest(rows for _, rows in found)])
    return found


def _rest(parts: Iterable[Rows]) -> Iterator[Rows]:
    """A TIMER after the last row, if there is one."""
    for rows in deque((rows for rows in parts if len(rows)), 1):
        timer = np.zeros(1, EVENT)
        timer["kind"], timer["ts_recv_ns"] = EventKind.TIMER, rows["ts_recv_ns"][-1] + REST_NS
        timer["ts_venue_ns"] = timer["ts_recv_ns"]
        yield timer
