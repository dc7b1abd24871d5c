"""A run computed once more from what its kernel was given, as far as that was written."""

from collections.abc import Callable
from pathlib import Path

from hfptm.config import limits, load
from hfptm.drive.inputs import LIVE, PAPER, Start, read_inputs, read_start
from hfptm.engine import MARKET_SLOTS_MAX, Engine, Output
from hfptm.latency import latencies_of
from hfptm.limits import Limits


def engine_of(limits: Limits, start: Start, sink: Callable[[Output], None]) -> Engine:
    """What a paper or live run drives; of a live one, orders leave. A twin holds what a live run
    would hold, and has its orders answered as a paper run has.
    """
    engine = Engine(
        (),
        (),
        limits,
        latencies_of(limits).draws,
        sink,
        start.risk,
        portfolio=start.portfolio,
        spare_slots=MARKET_SLOTS_MAX,
        orders_leave=start.mode != PAPER,
        merges=start.merges,
    )
    engine.sim.clock["orders_leave"] = start.mode == LIVE
    return engine


def rerun(folder: Path, sink: Callable[[Output], None]) -> Engine:
    """The engine after the last row; what was under way then is still.

    Raises LakeError for a run that kept no inputs, or whose inputs are damaged.
    """
    settings = limits(load(folder / "config.toml", [], {}))
    engine = engine_of(settings, read_start(folder), sink)
    for listing, rows in read_inputs(folder):
        engine.list_more(listing.markets, listing.groups)
        engine.feed(rows.copy())
    return engine
