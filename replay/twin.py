"""The paper twin of a live run: the same rows, rules and start, and the simulated venue.

A kernel is a function of its rows. So what the twin would have done beside the live run can be
computed at any later time, of a run that is still under way too, and costs the live run nothing.
"""

from pathlib import Path

import msgspec
import numpy as np

from hfptm.config import limits, load
from hfptm.drive.inputs import LIVE, START, TWIN, Rows, read_inputs, read_start
from hfptm.engine import Output
from hfptm.errors import LakeError
from hfptm.journal import partial_of, read_run
from hfptm.limits import Limits
from hfptm.records import EVENT, EventKind
from hfptm.units import NS_PER_S
from replay.orders import Played, Steps, play
from replay.parity import joined
from replay.rerun import engine_of

REST_NS = 900 * NS_PER_S
"""After the last row of a run that has ended: longer than anything is under way."""


class Sides(msgspec.Struct, frozen=True):
    """Of one live run; both were given the same rows of the market, and the same words."""

    live: Played
    twin: Played
    limits: Limits


def live_run(data: Path, run_id: str | None) -> Path:
    """The folder of a run, closed or under way; without an id that of the last live run.

    Raises LakeError if there is none.
    """
    if run_id is not None:
        partial = partial_of(data / "runs" / run_id)
        return partial if partial.exists() else read_run(data, run_id).path
    for start in sorted((data / "runs").glob(f"*/{START}"), reverse=True):
        if read_start(start.parent).mode == LIVE:
            return start.parent
    raise LakeError(f"no live run in {data / 'runs'}; `hfptm live` makes one")


def sides(folder: Path) -> Sides:
    """Raises LakeError for a run that is not live, or kept no inputs."""
    start = read_start(folder)
    if start.mode != LIVE:
        raise LakeError(f"{folder.stem} is a {start.mode} run; only a live run has a paper twin")
    settings, steps = limits(load(folder / "config.toml", [], {})), list(read_inputs(folder))
    rows = [_of_market(rows) for _, rows in steps]
    if (folder / "summary.json").exists() and any(map(len, rows)):
        rows[-1] = np.concatenate([rows[-1], _rest(steps)])
    told = list(zip((listing for listing, _ in steps), rows, strict=True))
    return Sides(
        live=play(settings, start, steps),
        twin=play(settings, start, _answered(settings, folder, told)),
        limits=settings,
    )


def _answered(settings: Limits, folder: Path, steps: Steps) -> Steps:
    """The rows with what the simulated venue says of the orders that they cause."""
    outputs: list[Output] = []
    start = msgspec.structs.replace(read_start(folder), mode=TWIN)
    engine = engine_of(settings, start, outputs.append)
    for listing, rows in steps:
        engine.list_more(listing.markets, listing.groups)
        engine.feed(rows.copy())
    told = joined(outputs, "reports")
    told = told[told["kind"] >= EventKind.ACK]
    answered, done = [], 0
    for place, (listing, rows) in enumerate(steps):
        ends_ns = next((int(r[0]["ts_recv_ns"]) for _, r in steps[place + 1 :] if len(r)), None)
        stop = len(told)
        if ends_ns is not None:
            stop = int(np.searchsorted(told["ts_recv_ns"], ends_ns))
        answered.append((listing, _merged(rows, told[done:stop])))
        done = stop
    return answered


def _merged(rows: Rows, reports: Rows) -> Rows:
    """By time; at one instant rows of the market go first."""
    both = np.concatenate([rows, reports])
    return both[np.argsort(both["ts_recv_ns"], kind="stable")]


def _of_market(rows: Rows) -> Rows:
    """Without what the exchange said of the run's own orders."""
    return rows[rows["kind"] < EventKind.ACK]


def _rest(steps: Steps) -> Rows:
    """Time passes after the last row."""
    timer = np.zeros(1, EVENT)
    last_ns = next(int(rows[-1]["ts_recv_ns"]) for _, rows in reversed(steps) if len(rows))
    timer["kind"] = EventKind.TIMER
    timer["ts_recv_ns"] = timer["ts_venue_ns"] = last_ns + REST_NS
    return timer
