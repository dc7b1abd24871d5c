"""The paper twin of a live run: the same rows, rules and start, and the simulated venue.

A kernel is a function of its rows. So what the twin would have done beside the live run can be
computed at any later time, of a run that is still under way too, and costs the live run nothing.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from hfptm.clock import NS_MAX, monotonic_ns
from hfptm.config import limits, load
from hfptm.drive.inputs import LIVE, START, TWIN, Listing, Rows, Start, read_inputs, read_start
from hfptm.engine import Output
from hfptm.errors import LakeError
from hfptm.journal import SUMMARY, RunJournal, partial_of, read_run
from hfptm.limits import Limits
from hfptm.records import EventKind
from replay.metrics import Tally
from replay.orders import Played, play
from replay.paper_run import close_run, sink_of
from replay.parity import joined
from replay.rerun import Steps, fed, rerun, twin_steps


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
    start = _live_start(folder)
    settings = limits(load(folder / "config.toml", [], {}))
    steps = list(read_inputs(folder))  # once: those of a run under way grow
    twins = twin_steps(steps, is_over=(folder / SUMMARY).exists())
    return Sides(
        live=play(settings, start, steps),
        twin=play(settings, start, _answered(settings, start, twins)),
        limits=settings,
    )


def keep_twin(data: Path, folder: Path) -> None:
    """The twin as a run of its own, for who reads journals: once, when the live run is closed."""
    twin_id = f"{folder.name}-twin"
    if not (folder / SUMMARY).exists() or (data / "runs" / twin_id).exists():
        return
    start = msgspec.structs.replace(_live_start(folder), mode=TWIN, twin_of=folder.name)
    tally, began_ns = Tally(), monotonic_ns()
    with RunJournal(data, twin_id, (folder / "config.toml").read_text()) as journal:
        journal.write(START, start)
        engine = rerun(journal.folder, sink_of(journal, tally))
        close_run(data, journal, engine, tally, monotonic_ns() - began_ns)


def _live_start(folder: Path) -> Start:
    start = read_start(folder)
    if start.mode != LIVE:
        raise LakeError(f"{folder.stem} is a {start.mode} run; only a live run has a paper twin")
    return start


def _answered(settings: Limits, start: Start, steps: Sequence[tuple[Listing, Rows]]) -> Steps:
    """The rows with what the simulated venue says of the orders that they cause."""
    outputs: list[Output] = []
    fed(settings, msgspec.structs.replace(start, mode=TWIN), steps, outputs.append)
    told = joined(outputs, "reports")
    told = told[told["kind"] >= EventKind.ACK]
    done = 0
    for place, (listing, rows) in enumerate(steps):
        ends_ns = next((int(r["ts_recv_ns"][0]) for _, r in steps[place + 1 :] if len(r)), NS_MAX)
        stop = int(np.searchsorted(told["ts_recv_ns"], ends_ns))
        yield listing, _merged(rows, told[done:stop])
        done = stop


def _merged(rows: Rows, reports: Rows) -> Rows:
    """By time; at one instant rows of the market go first."""
    both = np.concatenate([rows, reports])
    return both[np.argsort(both["ts_recv_ns"], kind="stable")]
