"""`hfptm paper`: the kernel on the live feed, with a simulated venue; `hfptm parity`: once more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hfptm.cli.options import (
    AsJson,
    ConfigFile,
    Data,
    Overrides,
    configuration,
    duration_ns,
    folder,
)
from hfptm.cli.output import say_if_compiling, show
from hfptm.cli.recording import live_status, stopped_by_signals

if TYPE_CHECKING:
    from rich.table import Table

    from hfptm.config import Config
    from hfptm.drive.loop import Loop
    from recorder.service import Listener
    from replay.parity import Parity

TICK_S = 0.005
"""How much later than due a report may be told where no row comes."""


def paper(
    *,
    duration: Annotated[
        str | None, typer.Option(metavar="TIME", help="Trade for 90s, 10m or 24h.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Although a loss limit stopped the last run.")
    ] = False,
    data: Data = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Trade the live feed on paper, and record it, until Ctrl-C or SIGTERM."""
    import uvloop

    from replay.report import summary_table

    limit_ns = None if duration is None else duration_ns("--duration", duration)
    settings, place = configuration(config, overrides), folder(data)
    if not resume:
        require_no_latch(place)
    say_if_compiling()
    with (
        live_status() as shown,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        summary = runner.run(traded(settings, place, limit_ns, shown))
    show(as_json, summary, lambda: summary_table(summary))


def require_no_latch(data: Path) -> None:
    """Raises LakeError if a loss limit stopped the last paper run: going on is a human's word."""
    from hfptm.errors import LakeError
    from hfptm.journal import read_run, run_ids

    for run_id in reversed(run_ids(data)):
        summary = read_run(data, run_id).summary
        if summary.get("mode") == "paper":
            if latch := summary["risk"]["latch"]:
                raise LakeError(
                    f"the last paper run {run_id} was stopped by {latch}; look at it, and begin "
                    "another with --resume"
                )
            return


async def traded(
    settings: "Config", data: Path, limit_ns: int | None, shown: "Listener"
) -> dict[str, Any]:
    """The summary of a run that has ended as it is meant to."""
    import gc

    import msgspec

    from hfptm.certificate import standing
    from hfptm.clock import monotonic_ns, wall_ns
    from hfptm.config import as_toml, limits
    from hfptm.drive.inputs import InputLog
    from hfptm.drive.loop import Loop
    from hfptm.engine import MARKET_SLOTS_MAX, Engine, Output, compile_kernels
    from hfptm.journal import ROW_KINDS, RunJournal
    from hfptm.lake import Lake
    from hfptm.latency import latencies_of
    from recorder.service import Service
    from replay.calibration import calibration
    from replay.driver import new_run_id, summarise
    from replay.metrics import Tally

    compile_kernels()
    stop = stopped_by_signals()
    run_id, latencies, tally = new_run_id(wall_ns()), latencies_of(limits(settings)), Tally()
    with RunJournal(data, run_id, as_toml(settings)) as journal:

        def keep(output: Output) -> None:
            for kind in ROW_KINDS:
                journal.append(kind, getattr(output, kind))
            tally.add(output)

        engine = Engine(
            (), (), limits(settings), latencies.draws, keep, spare_slots=MARKET_SLOTS_MAX
        )
        gc.collect()
        gc.freeze()
        began_ns = monotonic_ns()
        with InputLog(journal.folder) as inputs:
            loop = Loop(engine, inputs, wall_ns())
            async with ticking(loop, stop):
                await Service(settings, data, [shown], loop, limit_ns).run(stop)
            loop.tick(wall_ns())
        engine.finish()
        summary = summarise(engine, tally, run_id, journal.digest(), monotonic_ns() - began_ns)
        summary["mode"], summary["latency"] = "paper", dict(latencies.summary())
        lake, until_ns = Lake(data), engine.last_row_ns + 1
        stands = standing(lake, engine.first_ns, until_ns)
        summary["recorded"] = {
            "hours": stands.hours,
            "verified": stands.verified,
            "grade": stands.grade,
        }
        found = calibration(lake, engine.first_ns, until_ns)
        summary["calibration"] = msgspec.to_builtins(found)
        journal.close(summary)
    return summary


@asynccontextmanager
async def ticking(loop: "Loop", stop: asyncio.Event) -> AsyncIterator[None]:
    """Time passes in the loop; what goes wrong in it stops the run, and is raised at its end."""
    ticks = asyncio.create_task(tick_on(loop))
    ticks.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        ticks.cancel()
        await asyncio.wait([ticks])
    if not ticks.cancelled():
        ticks.result()


async def tick_on(loop: "Loop") -> None:
    from hfptm.clock import wall_ns

    while True:
        loop.tick(wall_ns())
        await asyncio.sleep(TICK_S)


def parity(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Of `hfptm paper`, by its id.")],
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Feed a paper run's inputs to the kernel once more; ends with 1 if anything comes out else."""
    from replay.parity import parity as compare

    say_if_compiling()
    found = compare(folder(data), run)
    show(as_json, found, lambda: parity_table(found))
    if not found.is_same:
        raise typer.Exit(1)


def parity_table(found: "Parity") -> "Table":
    from hfptm.tables import pairs

    rows = [("rows fed", f"{found.inputs:,}")]
    rows += [(kind, f"{count:,}") for kind, count in found.rows.items()]
    difference = found.difference
    if difference is None:
        rows.append(("result", "the same, bit for bit"))
    else:
        rows += [
            ("result", f"{difference.kind} differ, first in row {difference.row:,}"),
            ("journalled", str(difference.journalled)),
            ("computed", str(difference.computed)),
            ("journalled by commit", difference.commit or "unknown"),
        ]
    return pairs(f"Parity of {found.run_id}", rows)
