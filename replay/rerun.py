"""A run computed once more from what its kernel was given, as far as that was written."""

from collections.abc import Callable
from pathlib import Path

from hfptm.config import limits, load
from hfptm.drive.inputs import read_inputs, read_start
from hfptm.engine import MARKET_SLOTS_MAX, Engine, Output
from hfptm.latency import latencies_of


def rerun(folder: Path, sink: Callable[[Output], None]) -> Engine:
    """The engine after the last row; what was under way then is still.

    Raises LakeError for a run that kept no inputs, or whose inputs are damaged.
    """
    start = read_start(folder)
    settings = limits(load(folder / "config.toml", [], {}))
    engine = Engine(
        (),
        (),
        settings,
        latencies_of(settings).draws,
        sink,
        start.risk,
        portfolio=start.portfolio,
        spare_slots=MARKET_SLOTS_MAX,
    )
    for listing, rows in read_inputs(folder):
        engine.list_more(listing.markets, listing.groups)
        engine.feed(rows.copy())
    return engine
